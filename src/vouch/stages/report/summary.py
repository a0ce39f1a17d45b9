"""The report's first paragraph: what was done, how good it is, whether it may be used and why."""

from collections.abc import Iterator, Mapping
from typing import Any

from vouch.pages import formats

JUDGED = {"truth": "true labels", "rule": "the rule's labels"}
UNANSWERED = {
    "refused": "The holdout refused to answer",
    "too_small": "The holdout is too small to tell",
}


def sentences(content: Mapping[str, Any]) -> list[str]:
    """Return plain sentences of what the report shows.

    Args:
        content: What the page is made of: the stages' summaries by name, and ``totals``.

    Returns:
        A few sentences, in the order data, model, holdout, rule, gate.
    """
    return [
        *_data(content["totals"], content["ingested"], content["validated"]),
        *_model(content["leaderboard"]),
        *_holdout(content["evaluation"]),
        *_rule(content["evaluation"]),
        *_gate(content["registration"]),
    ]


def warnings(content: Mapping[str, Any]) -> list[str]:
    """Return every stage's warnings, and which figures rest on too few cases.

    Args:
        content: As for ``sentences``.

    Returns:
        Sentences, the most serious first, each once.
    """
    stages = ("ingested", "validated", "labelled", "extracted", "leaderboard", "evaluation")
    texts = [text for stage in stages for text in content[stage].get("warnings") or []]
    return list(dict.fromkeys([*_few(content["evaluation"]), *map(str, texts)]))


def best(leaderboard: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find the best trial, or None if none ended."""
    number = leaderboard.get("best")
    return next((t for t in leaderboard.get("trials") or [] if t["number"] == number), None)


def _data(
    totals: Mapping[str, Any], ingested: Mapping[str, Any], validated: Mapping[str, Any]
) -> Iterator[str]:
    files = len(ingested.get("files") or [])
    source = f"{files} file{'s' * (files != 1)}" if files else "the source"
    worth = f" worth {formats.money(totals['amount'])}" if totals["amount"] else ""
    first, last = formats.when(totals["first"]), formats.when(totals["last"])
    period = f", {first} to {last}" if totals["first"] else ""
    yield f"{formats.count(totals['rows'])} rows{worth} from {source}{period}."
    dropped = ingested.get("dropped", 0)
    aside = (validated.get("counts") or {}).get("quarantine", 0)
    aside += ingested.get("rejects", 0) - dropped
    if dropped:
        yield f"{formats.count(dropped)} rows were left out, as their labels are mapped to drop."
    if aside:
        yield f"{formats.count(aside)} rows were set aside because they failed a check."


def _model(leaderboard: Mapping[str, Any]) -> Iterator[str]:
    leader, tried = best(leaderboard), len(leaderboard.get("trials") or [])
    if leader:
        yield (
            f"The best of {tried} candidates is of type {formats.algorithm(leader['algorithm'])} "
            f"(trial {leader['number']}, "
            f"found by {'TPE' if leader['sampler'] == 'tpe' else 'random search'})."
        )


def _holdout(evaluation: Mapping[str, Any]) -> Iterator[str]:
    holdout = evaluation.get("holdout") or {}
    if holdout.get("status") != "answered":
        why = f": {holdout['reason']}" if holdout.get("reason") else ""
        yield f"{UNANSWERED.get(str(holdout.get('status')), 'The holdout was not asked')}{why}."
        yield from _measured(evaluation, "out_of_fold", "out of fold")
        return
    yield from _measured(evaluation, "holdout", "on the holdout")


def _measured(evaluation: Mapping[str, Any], part: str, where: str) -> Iterator[str]:
    metric = str(evaluation.get("metric"))
    for kind, against in JUDGED.items():
        figures = (evaluation.get(part) or {}).get(kind) or {}
        if (figures.get(metric) or {}).get("value") is None:
            yield f"Against {against}, {where}, nothing can be said{_because(figures)}."
            continue
        yield (
            f"Against {against}, {where}, its {formats.words(metric).lower()} is "
            f"{formats.figure(figures[metric])}, from {_counted(figures)}"
            f"{'; too few to be sure' * bool(figures.get('too_few'))}."
        )


def _rule(evaluation: Mapping[str, Any]) -> Iterator[str]:
    by_rule = ((evaluation.get("out_of_fold") or {}).get("the_rule") or {}).get("truth") or {}
    by_model = (evaluation.get("out_of_fold") or {}).get("truth") or {}
    metric = str(evaluation.get("metric"))
    figures = [side.get(metric) or {} for side in (by_rule, by_model)]
    if all(figure.get("value") is not None for figure in figures):
        yield (
            f"Out of fold, against true labels, the rule alone reaches "
            f"{_article(metric)} {formats.words(metric).lower()} of "
            f"{formats.figure(figures[0])}, the model {formats.figure(figures[1])}."
        )


def _counted(figures: Mapping[str, Any]) -> str:
    """Return the number of rows behind a figure; of more than two classes, also of the rarest."""
    rows = f"{formats.count(figures['rows'])} rows"
    if "by_class" in figures:
        return f"{rows}, {formats.count(figures['positives'])} of the rarest class"
    return f"{formats.count(figures['positives'])} positives among {rows}"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _because(figures: Mapping[str, Any]) -> str:
    return f": {figures['reason']}" if figures.get("reason") else ""


def _gate(registration: Mapping[str, Any]) -> Iterator[str]:
    gate = registration.get("gate") or {}
    name = f"{registration.get('name')} version {registration.get('version')}"
    verdict = "is the new champion" if gate.get("promoted") else "was registered, not promoted"
    yield f"{name} {verdict}."
    yield from (str(reason) for reason in gate.get("reasons") or [])


def _few(evaluation: Mapping[str, Any]) -> Iterator[str]:
    for part, where in (("holdout", "On the holdout"), ("out_of_fold", "Out of fold")):
        for kind, against in JUDGED.items():
            figures = (evaluation.get(part) or {}).get(kind) or {}
            if figures.get("too_few"):
                yield (
                    f"{where}, figures against {against} rest on only {_counted(figures)}: "
                    "too few to tell good from lucky."
                )
