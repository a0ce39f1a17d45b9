"""The figures of a ranking where people alone know the truth, and only of some rows."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.holdout.judge import People
from vouch.metrics import crowd, drawn
from vouch.metrics.crowd import Belief
from vouch.metrics.drawn import Estimate, Sample
from vouch.metrics.figures import Count, Figure, figure
from vouch.metrics.intervals import CONFIDENCE
from vouch.results.evaluate import Comparison, PeoplesWord
from vouch.usecases.fraud.costs import row_costs
from vouch.usecases.fraud.measures import Ranked, Terms

Floats = NDArray[np.float64]
FRAUD = 1
AMONG = 50
"""The place in a ranking down to which rows are drawn about equally often."""
NEAR = 10
"""Places of a ranking that differ by less tell nothing apart."""
SETTLED = 0.7
"""Below this certainty reviewers agree too little: differences look smaller than they are."""
UNKNOWN = figure(np.nan, (np.nan, np.nan))
NO_DAYS = "people decided too few rows of a day"


def sizes(rows: pd.DataFrame, likely: list[Floats]) -> Floats:
    """Return what each row's chance to be drawn is in proportion to, above 0, shape (rows,).

    The inverse of its place in the ranking of whichever of the models, or the rule, puts it
    highest: in a good ranking, positives grow rare about as fast.

    Args:
        rows: The holdout, with ``rule``.
        likely: Each model's probabilities, shape (rows, 2).
    """
    rankings = [each[:, FRAUD] for each in likely]
    if rows["rule"].notna().any():
        rankings.append(rows["rule"].fillna(0).to_numpy(np.float64))
    if not rankings:
        return np.ones(len(rows))
    return 1 / (np.min([_places(each) for each in rankings], axis=0) + AMONG)


def _known(people: People, *rankings: Floats) -> Floats:
    """Return the logarithms of the decided rows' places in rankings: where frauds are common."""
    return np.log(np.column_stack([_places(each) for each in rankings])[people.rows] + NEAR)


def _places(scores: Floats) -> Floats:
    return np.asarray(pd.Series(-scores).rank(method="average"), np.float64)


def _error(
    people: People, known: Floats, belief: Belief, figure: Callable[[Floats], float]
) -> float:
    """Return a figure's standard error from all that is unsure, people's errors too.

    Args:
        people: Their word.
        known: What is known of the rows, as it was believed with.
        belief: What their word comes to.
        figure: The figure by how many frauds each decided row stands for.
    """

    def again(weights: Floats) -> float:
        word = crowd.believe(people.votes, known, weights, belief).positive
        return figure(word * weights / people.chances)

    return crowd.jackknife(len(people.rows), again)


def sample(people: People, belief: Belief) -> Sample:
    """Return people's word as a sample of the holdout."""
    return Sample(people.rows, people.chances, belief.positive)


def count(people: People) -> int:
    """Count the rows of which most reviewers said fraud."""
    return int((2 * people.votes[:, FRAUD] > people.votes.sum(axis=1)).sum())


def precision(scores: Floats, people: People, known: Floats, belief: Belief) -> Estimate:
    """Estimate the average precision of a ranking, and how far people's errors make it unsure."""
    places = drawn.stand(scores, people.rows)
    error = _error(people, known, belief, places.average_precision)
    return drawn.average_precision(scores, sample(people, belief)).widened(error)


def measure(scored: pd.DataFrame, people: People, terms: Terms) -> Ranked:
    """Measure scores by people's word on some rows; see :mod:`vouch.metrics.drawn`.

    Args:
        scored: The holdout, in its order, with ``score`` and ``amount``.
        people: Their word.
        terms: Threshold, costs.

    Returns:
        As :func:`vouch.usecases.fraud.measures.measure`; ``rows`` are those decided, ``positives``
        the frauds among them; ``people`` tells how many were asked, and what their disagreement
        does to the average precision. What a sample cannot tell is null.
    """
    scores = scored["score"].to_numpy(np.float64)
    known = _known(people, scores)
    belief = crowd.believe(people.votes, known)
    decided = sample(people, belief)
    positives, sure = count(people), CONFIDENCE
    ones = np.ones(len(decided.rows))
    flagged = scores >= terms.threshold
    measured: Ranked = {
        "average_precision": precision(scores, people, known, belief).figure(sure),
        "roc_auc": UNKNOWN,
        "precision_at_capacity": {"value": None, "interval": None, "reason": NO_DAYS},
        "cost": _cost(scored, flagged, decided, terms),
        "confusion": _confusion(flagged, decided, sure),
        "positives": positives,
        "chance": max(drawn.share(decided.positive, ones, decided).value, 0.0) if len(ones) else 0,
        "rows": len(decided.rows),
        "share_flagged_rows": float(flagged.mean()),
        "share_flagged_money": None,
        "too_few": positives < terms.params.min_positives,
        "people": _word(scores, people, belief),
    }
    if reason := _reason(len(decided.rows), positives, terms):
        measured["reason"] = reason
    return measured


def _reason(rows: int, positives: int, terms: Terms) -> str:
    few = terms.params.min_positives
    if not rows:
        return "people have decided no row of the holdout yet: vouch enqueue asks them"
    if positives < few:
        return (
            f"{positives} frauds among {rows} decided rows are too few to tell (fewer than {few})"
        )
    return ""


def _word(scores: Floats, people: People, belief: Belief) -> PeoplesWord:
    """Count decisions, and measure with rows that could be either taken one way and the other."""
    ways = [np.where(belief.unsure, way, belief.positive) for way in (0.0, 1.0)]
    values = [
        drawn.average_precision(scores, Sample(people.rows, people.chances, way)).value
        for way in ways
    ]
    return {
        **people.counts(),
        "unsure": int(belief.unsure.sum()),
        "finds": belief.finds if len(people.rows) else None,
        "mistakes": belief.mistakes if len(people.rows) else None,
        "between": [float(value) for value in values] if not np.isnan(values).any() else None,
    }


def certainty(people: People, belief: Belief) -> float:
    """Return how far people's words settle what is a fraud, 0 to 1: 1 if no row could be either."""
    positive, weights = belief.positive, 1 / people.chances
    total = float(weights @ positive)
    return 1 - float(weights @ (positive * (1 - positive))) / total if total else 0.0


def _cost(
    scored: pd.DataFrame, flagged: NDArray[np.bool_], decided: Sample, terms: Terms
) -> Figure:
    """Return the mean cost of a row: as if all were genuine, and what the frauds change of it."""
    if not len(decided.rows):
        return UNKNOWN
    amounts = scored["amount"]
    genuine, fraud = (
        row_costs(np.full(len(scored), label), flagged, amounts, terms.costs) for label in (0, 1)
    )
    change = (fraud - genuine)[decided.rows] * decided.hits / len(scored)
    value, error = float(genuine.mean() + change.sum()), float(np.sqrt(np.square(change).sum()))
    reach = drawn.quantile(decided.hits, CONFIDENCE) * error
    return figure(value, (max(value - reach, 0.0), value + reach))


def _confusion(flagged: NDArray[np.bool_], decided: Sample, confidence: float) -> dict[str, Count]:
    """Estimate how many rows are rightly and wrongly decided."""
    hit, reach = flagged[decided.rows], drawn.quantile(decided.hits, confidence)
    found, missed = (_total(decided.hits * part, reach) for part in (hit, ~hit))
    rows, marked = len(flagged), int(flagged.sum())
    return {
        "tn": _less(rows - marked, missed),
        "fp": _less(marked, found),
        "fn": missed,
        "tp": found,
    }


def _total(hits: Floats, reach: float) -> Count:
    value, error = float(hits.sum()), float(np.sqrt(np.square(hits).sum()))
    return {
        "value": round(value),
        "interval": [max(value - reach * error, 0), value + reach * error],
    }


def _less(rows: int, positives: Count) -> Count:
    low, high = positives["interval"]
    return {
        "value": max(rows - positives["value"], 0),
        "interval": [max(rows - high, 0), max(rows - low, 0)],
    }


def compare(scored: pd.DataFrame, rival: Floats, people: People, terms: Terms) -> Comparison:
    """Compare ``score`` with a rival's scores by average precision; see :mod:`vouch.metrics.drawn`.

    Args:
        scored: As for :func:`measure`.
        rival: The scores of the one to beat, shape (rows,).
        people: Their word.
        terms: The difference that matters.

    Returns:
        Figures of both and their difference, with ``surely`` and ``missing``, see
        :func:`vouch.metrics.drawn.compare`.
    """
    p, positives = terms.params, count(people)
    compared: Comparison = {
        "metric": "average_precision",
        "kind": "truth",
        "rows": len(people.rows),
        "positives": positives,
        "too_few": positives < p.min_positives,
        "difference": None,
    }
    if reason := _reason(len(people.rows), positives, terms):
        compared["reason"] = reason
    if not positives:
        return compared
    scores = scored["score"].to_numpy(np.float64)
    known = _known(people, scores, rival)
    belief = crowd.believe(people.votes, known)
    decided = sample(people, belief)
    ours, theirs = (drawn.average_precision(each, decided) for each in (scores, rival))
    first, second = (drawn.stand(each, people.rows) for each in (scores, rival))

    def gap(hits: Floats) -> float:
        return first.average_precision(hits) - second.average_precision(hits)

    error = _error(people, known, belief, gap)
    answer = drawn.compare(ours, theirs, decided, p.difference, CONFIDENCE, error)
    if certainty(people, belief) < SETTLED:
        answer["missing"] = max(answer["missing"], int(belief.unsure.sum()), 1)
    return {**compared, **answer}
