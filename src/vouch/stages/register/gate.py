"""The gate: does what the holdout answered justify a new champion?"""

from dataclasses import dataclass

from vouch.holdout.mechanisms.comparison import POWER
from vouch.results.evaluate import (
    Champion,
    Comparison,
    Evaluation,
    Figures,
    Holdout,
    figure_of,
)

UNANSWERED = {
    "refused": "the holdout refused to answer",
    "too_small": "the holdout is too small to tell",
}
SOME = 1_000
"""How many rows people are asked to decide next where too few are decided to tell how many."""


@dataclass(frozen=True)
class Verdict:
    """The gate's decision.

    Attributes:
        better: Whether the challenger proved better.
        reasons: Sentences with the figures behind it.
        missing: About how many more decisions on rows of the holdout people must give before it
            can be told; 0: it is told.
    """

    better: bool
    reasons: tuple[str, ...]
    missing: int = 0


def judge(evaluation: Evaluation, champion: int | None) -> Verdict:
    """Decide on a challenger.

    The first champion must beat the rule (without one, chance), later ones the champion, on the
    holdout, against truth, in the measure that decides (average precision, macro-recall). The
    holdout tells that by a test whose level follows from all questions it was asked. By people's
    word, and in answers of earlier releases, the interval of the paired difference must lie above
    0. While a use case is blind nothing is promoted.

    Args:
        evaluation: Evaluate's result.
        champion: The present champion's version, or None.
    """
    holdout = evaluation.holdout
    measured = holdout["truth"]
    if evaluation.blind:
        reason = "its figures are blinded until the pipeline is frozen (vouch blind off)"
        return Verdict(False, (f"No promotion while blind: {reason}.",))
    if holdout["status"] == "too_small" and measured and "people" in measured:
        return Verdict(False, (f"No promotion yet: {measured.get('reason', '')}.",), SOME)
    if holdout["status"] != "answered":
        reason = holdout["reason"] or UNANSWERED[holdout["status"]]
        return Verdict(False, (f"No promotion: {reason}.",))
    if not measured or not measured["positives"]:
        return Verdict(False, (_no_truth(),))
    if champion is not None:
        return _against_champion(evaluation.champion, champion, _confidence(holdout))
    return _against_rule(holdout, measured, evaluation.metric)


def _no_truth() -> str:
    return (
        "No promotion: no row of the holdout is known to be truly positive, and a model that "
        "learnt from the rule cannot prove better than it: collect reviews, or promote by hand."
    )


def _against_champion(compared: Champion, champion: int, confidence: float) -> Verdict:
    if compared["version"] != champion:
        version = compared["version"] or "none"
        return Verdict(
            False,
            (
                f"No promotion: version {champion} became champion after the holdout was asked "
                f"(champion then: {version}); run evaluate again.",
            ),
        )
    comparison = compared["comparison"]
    if not comparison:
        reason = compared["reason"] or "no comparison with the champion"
        return Verdict(False, (f"No promotion: {reason}.",))
    if comparison.get("kind", "truth") != "truth":
        return Verdict(False, ("No promotion: the champion was compared by the rule alone.",))
    return _compared(comparison, f"the champion, version {champion}", confidence)


def _against_rule(holdout: Holdout, measured: Figures, metric: str) -> Verdict:
    if comparison := holdout["rule_comparison"]:
        rival = "what chance reaches" if comparison.get("rival") == "chance" else "the rule"
        return _compared(comparison, rival, _confidence(holdout))
    reached, chance = figure_of(measured, metric), measured["chance"]
    if reached is None or reached["value"] is None or reached["interval"] is None:
        return Verdict(False, (f"No promotion: its {_words(metric)} is undefined.",))
    better = reached["interval"][0] > chance
    more = SOME if "people" in measured and not better else 0
    return Verdict(
        better,
        (
            f"There is no rule to beat; its {_words(metric)} on the holdout is "
            f"{reached['value']:.4f} {_interval(reached['interval'], _confidence(holdout))}, "
            f"{'above' if better else 'not surely above'} the {chance:.4f} of chance.",
        ),
        more,
    )


def _compared(comparison: Comparison, rival: str, confidence: float) -> Verdict:
    if "promote" in comparison:
        return _tested(comparison, rival)
    difference = comparison["difference"]
    assert difference is not None  # evaluate leaves a comparison without one out
    missing = comparison.get("missing", 0)
    # before people have decided enough, only what would hold at whatever moment one looks
    ends = comparison["surely"] if missing else difference["interval"]
    better = ends[0] > 0
    verb = "beats" if better else "does not surely beat"
    figures = (
        f"{_words(comparison['metric'])} {comparison['challenger']:.4f} against "
        f"{comparison['champion']:.4f}, "
        f"difference {difference['value']:+.4f} {_interval(difference['interval'], confidence)}"
    )
    reasons = [f"It {verb} {rival} on the holdout: {figures}."]
    if missing and not better:
        reasons.append(
            f"About {missing:,} more decisions on rows of the holdout are needed before a "
            "difference that matters (evaluate.difference) can be told: vouch enqueue asks people."
        )
    return Verdict(better, tuple(reasons), 0 if better else missing)


def _tested(comparison: Comparison, rival: str) -> Verdict:
    """Return the verdict of a test: the holdout tells no figure of it."""
    better, size = comparison["promote"], comparison.get("detectable")
    verb = "beats" if better else "does not surely beat"
    level = f"a p-value of at most {comparison['level']:.2g}, by what it was asked before"
    notice = f"; a difference of {size:.3f} is noticed with a chance of {POWER:.0%}" if size else ""
    measure = _words(comparison["metric"])
    return Verdict(
        better,
        (f"It {verb} {rival} on the holdout, by {measure}: that takes {level}{notice}.",),
    )


def _words(metric: str) -> str:
    return metric.replace("macro_", "macro-").replace("_", " ")


def _confidence(holdout: Holdout) -> float:
    """Return the confidence of the intervals in the holdout's answer."""
    bootstrap = holdout["bootstrap"]
    assert bootstrap is not None  # it answered
    return bootstrap["confidence"]


def _interval(ends: list[float], confidence: float) -> str:
    low, high = ends
    return f"({confidence * 100:g} % interval {low:.4f} to {high:.4f})"
