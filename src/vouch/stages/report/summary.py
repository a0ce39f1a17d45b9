"""The report's first paragraph: what was done, how good it is, whether it may be used and why."""

from collections.abc import Iterator

from vouch.metrics.totals import Totals
from vouch.pages import formats
from vouch.results.evaluate import KINDS, Evaluation, Figures, Holdout, Kind, OutOfFold, figure_of
from vouch.results.ingest import Ingested
from vouch.results.register import Registration
from vouch.results.report import Results
from vouch.results.tune import Leaderboard
from vouch.results.validate import Validated

JUDGED: dict[Kind, str] = {"truth": "true labels", "rule": "the rule's labels"}
UNANSWERED = {
    "refused": "The holdout refused to answer",
    "too_small": "The holdout is too small to tell",
}


def sentences(results: Results, totals: Totals) -> list[str]:
    """Return plain sentences of what the report shows.

    Args:
        results: The stages' results.
        totals: Rows, money and time span of the source.

    Returns:
        A few sentences, in the order data, model, holdout, rule, gate.
    """
    return [
        *_data(totals, results.ingested, results.validated),
        *_model(results.leaderboard),
        *(_blinded if results.evaluation.blind else _holdout)(results.evaluation),
        *_rule(results.evaluation),
        *_gate(results.registration),
    ]


def warnings(results: Results) -> list[str]:
    """Return every stage's warnings, and which figures rest on too few cases.

    Args:
        results: The stages' results.

    Returns:
        Sentences, the most serious first, each once.
    """
    texts = [
        *results.ingested.warnings,
        *results.validated.warnings,
        *results.labelled.warnings,
        *results.extracted.warnings,
        *results.leaderboard.warnings,
        *results.evaluation.warnings,
    ]
    return list(dict.fromkeys([*_few(results.evaluation), *texts]))


def _data(totals: Totals, ingested: Ingested, validated: Validated) -> Iterator[str]:
    files = len(ingested.files)
    source = f"{files} file{'s' * (files != 1)}" if files else "the source"
    worth = f" worth {formats.money(totals['amount'])}" if totals["amount"] else ""
    first, last = formats.when(totals["first"]), formats.when(totals["last"])
    period = f", {first} to {last}" if totals["first"] else ""
    yield f"{formats.count(totals['rows'])} rows{worth} from {source}{period}."
    dropped = ingested.dropped
    aside = validated.counts["quarantine"] + ingested.rejects - dropped
    if dropped:
        yield f"{formats.count(dropped)} rows were left out, as their labels are mapped to drop."
    if aside:
        yield f"{formats.count(aside)} rows were set aside because they failed a check."


def _model(leaderboard: Leaderboard) -> Iterator[str]:
    if leader := leaderboard.leader:
        yield (
            f"The best of {len(leaderboard.trials)} candidates is of type "
            f"{formats.algorithm(leader['algorithm'])} (trial {leader['number']}, "
            f"found by {'TPE' if leader['sampler'] == 'tpe' else 'random search'})."
        )


def _holdout(evaluation: Evaluation) -> Iterator[str]:
    holdout = evaluation.holdout
    if holdout["status"] != "answered":
        why = f": {holdout['reason']}" if holdout["reason"] else ""
        yield f"{UNANSWERED[holdout['status']]}{why}."
        yield from _measured(evaluation.metric, evaluation.out_of_fold, "out of fold")
        return
    if holdout.get("mechanism", "exact") == "exact":
        yield from _measured(evaluation.metric, holdout, "on the holdout")
        return
    yield from _measured(evaluation.metric, evaluation.out_of_fold, "out of fold")
    if figure := figure_of(holdout["truth"], evaluation.metric):
        name = formats.words(evaluation.metric).lower()
        yield (
            f"Rounded, and allowing for all that the holdout was asked, its {name} there is "
            f"{formats.figure(figure)}."
        )


def _blinded(evaluation: Evaluation) -> Iterator[str]:
    """Yield what may be said of a blinded evaluation: its values mean nothing by themselves."""
    kind, name = evaluation.kind, formats.words(evaluation.metric).lower()
    figure = figure_of(evaluation.out_of_fold[kind], evaluation.metric)
    yield (
        f"It is blind: the {name} against {JUDGED[kind]}, out of fold, is shown as "
        f"{formats.figure(figure)}, which is the true one and a hidden offset."
    )


def _measured(metric: str, part: OutOfFold | Holdout, where: str) -> Iterator[str]:
    for kind in KINDS:
        figures, against = part[kind], JUDGED[kind]
        measured = figure_of(figures, metric)
        if figures is None or measured is None or measured["value"] is None:
            yield f"Against {against}, {where}, nothing can be said{_because(figures)}."
            continue
        yield (
            f"Against {against}, {where}, its {formats.words(metric).lower()} is "
            f"{formats.figure(measured)}, from {_counted(figures)}"
            f"{'; too few to be sure' * figures['too_few']}."
        )


def _rule(evaluation: Evaluation) -> Iterator[str]:
    metric, out_of_fold = evaluation.metric, evaluation.out_of_fold
    by_rule = figure_of(out_of_fold["the_rule"]["truth"], metric)
    by_model = figure_of(out_of_fold["truth"], metric)
    if all(figure and figure["value"] is not None for figure in (by_rule, by_model)):
        yield (
            f"Out of fold, against true labels, the rule alone reaches "
            f"{_article(metric)} {formats.words(metric).lower()} of "
            f"{formats.figure(by_rule)}, the model {formats.figure(by_model)}."
        )


def _counted(figures: Figures) -> str:
    """Return the number of rows behind a figure; of more than two classes, also of the rarest."""
    rows = f"{formats.count(figures['rows'])} rows"
    if "by_class" in figures:
        return f"{rows}, {formats.count(figures['positives'])} of the rarest class"
    return f"{formats.count(figures['positives'])} positives among {rows}"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _because(figures: Figures | None) -> str:
    reason = figures.get("reason") if figures else None
    return f": {reason}" if reason else ""


def _gate(registration: Registration) -> Iterator[str]:
    verdict = (
        "is the new champion" if registration.gate["promoted"] else "was registered, not promoted"
    )
    yield f"{registration.name} version {registration.version} {verdict}."
    yield from registration.gate["reasons"]


def _few(evaluation: Evaluation) -> Iterator[str]:
    parts = ((evaluation.holdout, "On the holdout"), (evaluation.out_of_fold, "Out of fold"))
    for part, where in parts:
        for kind in KINDS:
            figures = part[kind]
            if figures and figures["too_few"]:
                yield (
                    f"{where}, figures against {JUDGED[kind]} rest on only {_counted(figures)}: "
                    "too few to tell good from lucky."
                )
