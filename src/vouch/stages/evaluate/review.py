"""Figures of a model by people's decisions: on a random sample, and on all decided rows.

People mostly see rows that were chosen for being hard, risky or disputed, so a figure on all they
decided is biased. The random stream draws the rows of the smallest permanent random numbers
(Ohlsson 1995, Coordination of samples using permanent random numbers), whatever the other streams
chose; so the rows up to the greatest number drawn are a random sample of all.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from vouch.engine import connect
from vouch.labels.permanent import permanent
from vouch.labels.resolve import resolve
from vouch.metrics.figures import Figure
from vouch.metrics.weighted import Floats, difference
from vouch.results.evaluate import Estimates, Few, Review
from vouch.results.extract import Extracted
from vouch.usecases.params import EvaluateParams

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Decided(Protocol):
    """A candidate whose decisions can be compared with people's."""

    @property
    def extracted(self) -> Extracted:
        """What extract wrote."""

    @property
    def rows(self) -> pd.DataFrame:
        """Its out-of-fold predictions."""

    @property
    def params(self) -> EvaluateParams:
        """What counts as few."""

    def reviewed(self, rows: pd.DataFrame, weights: Floats) -> dict[str, Figure]:
        """Return figures of decided rows, each ``{"value", "interval"}``."""


def review(candidate: Decided, labels: Path) -> Review | None:
    """Measure a candidate by people's decisions on its out-of-fold rows.

    People see one row of each near-duplicate group, so each group counts once. A group of k rows
    is drawn if any of its numbers is up to the greatest one drawn, c: by a chance of 1 - (1 - c)^k,
    by whose inverse it is weighted.

    Args:
        candidate: The candidate.
        labels: Issued labels; reviewers' count whether they are in force or not.

    Returns:
        None without any decision; else ``reviewed``: how many decided rows (or groups) have a
        prediction, ``outside``: how many have none; ``random``: ``frame`` (all rows or groups),
        ``drawn_to`` (c), ``drawn``, ``decided`` and ``undecided`` of the sample; ``metrics``:
        each by ``random``, ``naive`` (all that was decided, unweighted) and ``bias`` (naive less
        random); ``by_class``: decided rows of each; ``too_few`` and a ``reason``.
    """
    decisions, drawn_to = _decisions(labels, candidate.extracted.as_of)
    if decisions.empty:
        return None
    usecase = candidate.extracted.usecase
    frame = _frame(candidate.rows, decisions, usecase, drawn_to)
    decided = frame[frame["decided"].notna()].reset_index(drop=True)
    drawn, chosen = frame["u"] <= drawn_to, decided["u"] <= drawn_to
    sample = decided[chosen].reset_index(drop=True)
    classes = candidate.extracted.classes
    return {
        "reviewed": len(decided),
        "outside": int((~decisions.index.isin(candidate.rows["id"])).sum()),
        "random": {
            "frame": len(frame),
            "drawn_to": drawn_to,
            "drawn": int(drawn.sum()),
            "decided": len(sample),
            "undecided": int(drawn.sum()) - len(sample),
        },
        "metrics": _metrics(candidate, decided, sample),
        "by_class": {"random": _counts(sample, classes), "naive": _counts(decided, classes)},
        **_few(_counts(sample, classes), candidate.params.min_positives),
    }


def _decisions(labels: Path, as_of: str) -> tuple[pd.Series, float]:
    """Read each row's valid decision, and the greatest random number drawn (0 if none)."""
    with connect() as engine:
        issued = engine.read_parquet(labels)
        people = issued.filter(issued.source == "reviewer").mutate(in_force=True)
        moment = datetime.fromisoformat(as_of)
        latest = engine.to_pandas(resolve(people, moment).select("entity", "label"))
        issues = people.filter(people.issued_at <= moment)
        drawn_to = issues.propensity.max().to_pyarrow().as_py()
    return latest.set_index("entity")["label"], float(drawn_to or 0.0)


def _frame(rows: pd.DataFrame, decisions: pd.Series, usecase: str, drawn_to: float) -> pd.DataFrame:
    """Return one row of each near-duplicate group: the decided one, or of the least number.

    Adds ``u``, the group's least number; ``chance``, by which it is drawn; ``decided``.
    """
    frame = rows.assign(u=permanent(rows["id"], usecase), decided=rows["id"].map(decisions))
    size = pd.Series(1, index=frame.index)
    if "twin" in frame:
        group = frame["twin"].astype(object).where(frame["twin"].notna(), frame["id"])
        together = frame.groupby(group, sort=False)["u"]
        size, least = together.transform("size"), together.transform("min")
        order = frame.assign(open=frame["decided"].isna()).sort_values(["open", "u"]).index
        chosen = order[~group.loc[order].duplicated()]
        frame, size = frame.assign(u=least).loc[chosen], size.loc[chosen]
    return frame.assign(chance=1 - (1 - drawn_to) ** size)


def _metrics(
    candidate: Decided, decided: pd.DataFrame, sample: pd.DataFrame
) -> dict[str, Estimates]:
    weights = 1 / sample["chance"].to_numpy(np.float64)
    random = candidate.reviewed(sample, weights)
    naive = candidate.reviewed(decided, np.ones(len(decided)))
    return {
        name: {"random": figure, "naive": naive[name], "bias": difference(naive[name], figure)}
        for name, figure in random.items()
    }


def _counts(rows: pd.DataFrame, classes: list[str]) -> dict[str, int]:
    labels: NDArray[np.int64] = rows["decided"].to_numpy(np.int64)
    return dict(zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True))


def _few(counts: dict[str, int], least: int) -> Few:
    """Return which class of the sample has too few cases to tell."""
    name, count = min(counts.items(), key=lambda item: item[1])
    if count >= least:
        return {"too_few": False}
    return {
        "too_few": True,
        "reason": f"{count} {name} cases in the random sample are too few to tell "
        f"(fewer than {least})",
    }
