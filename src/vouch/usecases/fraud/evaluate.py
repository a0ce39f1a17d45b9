"""The candidate with its out-of-fold rows, as the holdout measures it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vouch.metrics import weighted
from vouch.metrics.figures import Figure
from vouch.metrics.intervals import CONFIDENCE, bounded, share_of
from vouch.metrics.weighted import Floats
from vouch.models.predictions import probabilities
from vouch.results.evaluate import (
    KINDS,
    Answer,
    Curves,
    Kind,
    OutOfFold,
    RankingParts,
    Reference,
    RuleFigures,
    Threshold,
)
from vouch.results.extract import Extracted
from vouch.sources.declaration import Declaration
from vouch.usecases.fraud.accounts import accounts
from vouch.usecases.fraud.costs import NOTHING, Cheapest, cheapest, stakes_of
from vouch.usecases.fraud.curves import curves
from vouch.usecases.fraud.judge import Ranking
from vouch.usecases.fraud.measures import Terms, judged, measure, terms
from vouch.usecases.fraud.published import side_by_side
from vouch.usecases.params import EvaluateParams


@dataclass(frozen=True)
class Candidate:
    """A tuned model that is not evaluated yet.

    Attributes:
        declaration: Its source.
        extracted: What extract wrote.
        rows: Its out-of-fold predictions, see :func:`positive`.
        model: Its folder.
        params: Budget, and what counts as few.
        metric: The measure that decides.
    """

    declaration: Declaration
    extracted: Extracted
    rows: pd.DataFrame
    model: Path
    params: EvaluateParams
    metric: str = "average_precision"

    @cached_property
    def kind(self) -> Kind:
        """Against what threshold and curves are drawn: the truth if it knows any positive."""
        return "truth" if self.rows["truth"].fillna(0).any() else "rule"

    @cached_property
    def cheapest(self) -> Cheapest | None:
        """The threshold of least expected cost; None where no positive is known."""
        labelled, p = judged(self.rows, self.kind), self.params
        if not labelled["y"].any():
            return None
        clusters, costs = accounts(labelled), self.declaration.costs
        rows = (labelled["y"], labelled["score"], labelled["amount"])
        return cheapest(stakes_of(*rows, costs, clusters), p.repeats, CONFIDENCE, p.seed)

    @property
    def threshold(self) -> Threshold:
        """The threshold from which it flags rows, and what that costs."""
        if self.cheapest is None:
            reason = "no positive is known: nothing is flagged"
            return {
                "value": NOTHING,
                "interval": None,
                "cost": None,
                "kind": self.kind,
                "reason": reason,
            }
        return {
            "value": self.cheapest["value"],
            "interval": self.cheapest["interval"],
            "cost": self.cheapest["cost"],
            "kind": self.kind,
            "total": self.cheapest["total"],
            "flag_nothing": self.cheapest["flag_nothing"],
            "flag_everything": self.cheapest["flag_everything"],
        }

    @cached_property
    def terms(self) -> Terms:
        """The terms on which it is judged."""
        return terms(self.declaration, self.threshold["value"], self.rows, self.params)

    @property
    def judge(self) -> Ranking:
        """The judge that measures it on the holdout."""
        return Ranking(self.terms)

    def measure(self) -> OutOfFold:
        """Measure it on the out-of-fold rows: against ``truth``, against ``rule``, ``the_rule``."""
        truth, rule = (measure(self.rows, kind, self.terms) for kind in KINDS)
        return {"truth": truth, "rule": rule, "the_rule": the_rule(self.rows, self.terms)}

    def reviewed(self, rows: pd.DataFrame, weights: Floats) -> dict[str, Figure]:
        """Return figures of rows people decided: average precision, ROC AUC, precision, recall.

        Args:
            rows: Out-of-fold rows with ``decided``, 0 or 1.
            weights: How many rows each stands for, above 0, shape (rows,).
        """
        positive = rows["decided"].to_numpy(np.int64) == 1
        scores, sure = rows["score"].to_numpy(np.float64), CONFIDENCE
        flagged = scores >= self.threshold["value"]
        return {
            "average_precision": weighted.average_precision(positive, scores, weights, sure),
            "roc_auc": weighted.roc_auc(positive, scores, weights, sure),
            "precision": weighted.share(positive[flagged], weights[flagged], sure),
            "recall": weighted.share(flagged[positive], weights[positive], sure),
        }

    def extras(self) -> RankingParts:
        """Return what only rankings have: threshold, cost curve, and curves."""
        along = self.cheapest["curve"] if self.cheapest else []
        return {"cost_curve": along, "threshold": self.threshold, "curves": self.curves()}

    def published(self, measured: OutOfFold, answer: Answer | None) -> list[Reference]:
        """Return published figures beside ours."""
        return side_by_side(self.declaration.name, measured, answer)

    def curves(self) -> Curves:
        """Draw its curves on the out-of-fold rows; empty without both classes."""
        labelled = judged(self.rows, self.kind)
        labels = labelled["y"].to_numpy()
        if len(np.unique(labels)) < 2:
            return {"kind": self.kind, "precision_recall": [], "roc": [], "calibration": []}
        clusters = accounts(labelled)
        drawn = curves(labels, labelled["score"].to_numpy(), clusters)
        return {"kind": self.kind, **drawn}


def positive(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``score``, the probability of a fraud, to out-of-fold predictions."""
    return rows.assign(score=probabilities(rows)[:, 1])


def the_rule(rows: pd.DataFrame, terms: Terms) -> RuleFigures:
    """Measure the starting rule itself, its 0/1 decisions taken as scores.

    Args:
        rows: As for :func:`vouch.usecases.fraud.measures.measure`.
        terms: Capacity and costs.

    Returns:
        ``share_flagged_rows`` and ``share_flagged_money`` of all rows it decided, ``truth``: its
        figures against truth, ``precision`` and ``recall`` among them.
    """
    with_rule = rows[rows["rule"].notna()]
    decided, cut = (
        with_rule.assign(score=with_rule["rule"].astype(np.float64)),
        replace(terms, threshold=0.5),
    )
    shares = measure(decided, "rule", cut)
    judgement = measure(decided, "truth", cut)
    labelled = judged(decided, "truth")
    positive, flagged = (labelled[name].to_numpy() == 1 for name in ("y", "rule"))
    clusters = accounts(labelled)
    judgement["precision"] = bounded(share_of(positive, flagged), clusters)
    judgement["recall"] = bounded(share_of(flagged, positive), clusters)
    return {
        "share_flagged_rows": shares["share_flagged_rows"],
        "share_flagged_money": shares["share_flagged_money"],
        "truth": judgement,
    }
