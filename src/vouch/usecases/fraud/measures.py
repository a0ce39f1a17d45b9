"""The figures of a ranking, the same out of fold and on the holdout, each with its interval."""

from dataclasses import asdict, dataclass
from typing import Literal, NotRequired

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.holdout.mechanisms.thresholdout import Mean
from vouch.metrics.amounts import mean_cost, stake
from vouch.metrics.clusters import Clusters
from vouch.metrics.figures import Count, Figure
from vouch.metrics.intervals import bounded, count
from vouch.metrics.ranked import measured, review
from vouch.results.evaluate import Evidence, Figures, Kind
from vouch.sources.declaration import Costs, Declaration
from vouch.usecases.fraud.accounts import accounts
from vouch.usecases.fraud.costs import row_costs
from vouch.usecases.params import EvaluateParams

MeanMetric = Literal["accuracy", "recall", "brier", "precision_at_capacity", "cost"]
MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Terms:
    """The terms a model is measured by.

    Attributes:
        threshold: Rows with at least this score are flagged.
        capacity: Cases people can review a day.
        by_payer: Whether a case is a payer's day rather than a row.
        costs: Prices of decisions.
        cost_cap: The largest cost of one row, above 0: scales mean cost to 0..1.
        params: What counts as few.
    """

    threshold: float
    capacity: int
    by_payer: bool
    costs: Costs
    cost_cap: float
    params: EvaluateParams

    def deciding(self) -> dict[str, object]:
        """Return what determines a figure's value, as against its interval, JSON-able."""
        terms = asdict(self)
        del terms["params"]
        return terms | {"costs": self.costs.model_dump()}


def terms(
    declaration: Declaration, threshold: float, rows: pd.DataFrame, params: EvaluateParams
) -> Terms:
    """Return the terms on which a source's models are judged.

    Args:
        declaration: The source.
        threshold: Rows with at least this score are flagged.
        rows: Out-of-fold rows: the largest amount among them caps a row's cost.
        params: What counts as few.
    """
    payer, costs = declaration.column("payer"), declaration.costs
    largest = float(np.nan_to_num(rows["amount"].to_numpy(dtype=np.float64)).max(initial=0))
    return Terms(
        threshold,
        declaration.capacity,
        payer is not None and declaration.columns[payer].history,
        costs,
        max(costs.review + costs.false_alarm, costs.missed * largest, 1.0),
        params,
    )


class Capacity(Figure, total=False):
    """The precision among the cases that people have time for, and how many these are."""

    reason: str
    days: int
    per_day: int
    case: str


def judged(rows: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Keep the rows whose truth, or rule's label, is known; that is their column ``y``."""
    labelled = rows[rows[kind].notna()]
    return labelled.assign(y=labelled[kind].to_numpy(dtype=np.int8))


class Ranked(Figures):
    """The figures of a ranking, see :func:`measure`."""

    average_precision: Figure
    roc_auc: Figure
    precision_at_capacity: Capacity
    cost: Figure
    confusion: dict[str, Count]
    share_flagged_rows: float | None
    share_flagged_money: float | None
    precision: NotRequired[Figure]
    recall: NotRequired[Figure]


def measure(rows: pd.DataFrame, kind: Kind, terms: Terms) -> Ranked:
    """Measure scores against truth or against the rule.

    Args:
        rows: Columns ``score``, ``amount``, ``truth``, ``rule`` and, where there are any,
            ``time``, ``payer`` and ``payee``.
        kind: Against what.
        terms: Threshold, capacity, costs.

    Returns:
        ``average_precision``, ``roc_auc``, ``precision_at_capacity``, ``cost`` (a row), each
        ``{"value", "interval"}`` with null where undefined; ``confusion``; ``positives``;
        ``evidence``, in how many accounts they come;
        ``chance`` (the average precision of a random ranking); ``rows``;
        ``share_flagged_rows``, ``share_flagged_money``; ``too_few``; and a ``reason`` where
        something is undefined.
    """
    labelled = judged(rows, kind)
    labels, scores = labelled["y"].to_numpy(), labelled["score"].to_numpy()
    flagged, clusters = scores >= terms.threshold, accounts(labelled)
    positives = int(labels.sum())
    figures: Ranked = {
        "average_precision": bounded(measured("average_precision", labels, scores), clusters),
        "roc_auc": bounded(measured("roc_auc", labels, scores), clusters),
        "precision_at_capacity": _capacity(labelled, clusters, terms),
        "cost": _cost(labelled, flagged, clusters, terms),
        "confusion": confusion(labels, flagged, clusters),
        "positives": positives,
        "evidence": evidence(labels, clusters),
        "chance": positives / max(len(labelled), 1),
        "rows": len(labelled),
        "share_flagged_rows": float(flagged.mean()) if len(flagged) else None,
        "share_flagged_money": _share_of_money(labelled, flagged),
        "too_few": positives < terms.params.min_positives,
    }
    if reason := _reason(kind, len(labelled), positives, terms):
        figures["reason"] = reason
    return figures


def evidence(labels: NDArray[np.int8], clusters: Clusters) -> Evidence:
    """Return in how many accounts rows come, and how many of equal size the positives."""
    return {
        "columns": list(clusters.columns),
        "clusters": clusters.count(),
        "effective": clusters.evidence(labels.astype(np.float64)),
    }


def _capacity(labelled: pd.DataFrame, clusters: Clusters, terms: Terms) -> Capacity:
    if "time" not in labelled:
        return {"value": None, "interval": None, "reason": "no time: no days"}
    payers = labelled["payer"] if terms.by_payer else None
    times, size = days(labelled["time"]), terms.capacity
    seen = review(labelled["y"], labelled["score"], times, size, payers, clusters)
    precision = seen.figure()
    return {
        "value": precision["value"],
        "interval": precision["interval"],
        "days": len(seen.cases),
        "per_day": terms.capacity,
        "case": "payer" if terms.by_payer else "row",
    }


def days(times: pd.Series) -> NDArray[np.int64]:
    """Return the number of each time's day, in UTC."""
    return times.to_numpy(dtype="datetime64[us]").astype(np.int64) // MICROSECONDS_A_DAY


def _cost(
    labelled: pd.DataFrame, flagged: NDArray[np.bool_], clusters: Clusters, terms: Terms
) -> Figure:
    """Return the mean cost of a row."""
    positive, amounts = labelled["y"].to_numpy(bool), labelled["amount"]
    costs = row_costs(positive, flagged, amounts, terms.costs)
    losses = row_costs(np.ones(len(costs)), np.zeros(len(costs)), amounts, terms.costs)
    prices, lost = np.where(flagged, costs, 0.0), np.where(flagged, 0.0, costs)
    return mean_cost(prices, lost, stake(losses, positive, clusters), clusters, len(costs))


def confusion(
    labels: NDArray[np.int8], flagged: NDArray[np.bool_], clusters: Clusters
) -> dict[str, Count]:
    """Count right and wrong decisions: ``tn``, ``fp``, ``fn``, ``tp``."""
    up = labels.astype(bool)
    cells = {"tn": (~up, ~flagged), "fp": (~up, flagged), "fn": (up, ~flagged), "tp": (up, flagged)}
    return {name: count(kind & decided, kind, clusters) for name, (kind, decided) in cells.items()}


def _share_of_money(labelled: pd.DataFrame, flagged: NDArray[np.bool_]) -> float | None:
    amounts = np.nan_to_num(labelled["amount"].to_numpy(dtype=np.float64))
    money = float(amounts.sum())
    return float(amounts[flagged].sum()) / money if money else None


def _reason(kind: Kind, rows: int, positives: int, terms: Terms) -> str:
    """Return why figures are undefined or unsure; nothing if they are neither."""
    name = "the truth" if kind == "truth" else "the rule's label"
    few = terms.params.min_positives
    if not rows:
        return f"{name} of no row is known"
    if not positives:
        return f"no positive among {rows} rows: nothing to rank"
    if positives < few:
        return f"{positives} positives are too few to tell (fewer than {few})"
    return ""


def described(rows: pd.DataFrame, kind: Kind, terms: Terms) -> Figures:
    """Describe the rows whose label of a kind is known: of no model.

    Args:
        rows: Columns ``truth`` and ``rule``.
        kind: Which label.
        terms: What counts as few.
    """
    labels = rows[kind].dropna().to_numpy(np.int64)
    positives = int(labels.sum())
    figures: Figures = {
        "rows": len(labels),
        "positives": positives,
        "chance": positives / max(len(labels), 1),
        "too_few": positives < terms.params.min_positives,
    }
    if reason := _reason(kind, len(labels), positives, terms):
        figures["reason"] = reason
    return figures


def bounded_mean(rows: pd.DataFrame, kind: Kind, metric: MeanMetric, terms: Terms) -> Mean:
    """Return one of the means that Thresholdout can answer, scaled to 0..1.

    Args:
        rows: As for :func:`measure`; at least one has a known ``kind``.
        kind: Against what.
        metric: ``accuracy``; ``recall`` of the positives; ``brier``, the mean squared error of the
            probability; ``precision_at_capacity``, here the share of hits among all cases
            reviewed on all days; or ``cost``, a row's mean cost over ``terms.cost_cap``.
        terms: Threshold, capacity, costs.
    """
    labelled = judged(rows, kind)
    if metric == "precision_at_capacity":
        payers = labelled["payer"] if terms.by_payer else None
        seen = review(
            labelled["y"], labelled["score"], days(labelled["time"]), terms.capacity, payers
        )
        # which cases of a day are reviewed depends on all its rows
        cases = int(seen.cases.sum())
        return Mean(float(seen.hits.sum() / cases), cases, independent=False)
    scores, positive = labelled["score"].to_numpy(), labelled["y"].to_numpy() == 1
    flagged = scores >= terms.threshold
    if metric == "accuracy":
        return Mean(float(np.mean(flagged == positive)), len(labelled))
    if metric == "recall":
        hits = flagged[positive]
        return Mean(float(hits.mean()) if len(hits) else 0.0, max(len(hits), 1))
    if metric == "brier":
        return Mean(float(np.mean(np.square(scores - positive))), len(labelled))
    costs = row_costs(labelled["y"], flagged, labelled["amount"], terms.costs)
    return Mean(float(np.mean(np.minimum(costs / terms.cost_cap, 1))), len(labelled))
