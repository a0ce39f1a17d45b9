"""Measures models that rank rows by one probability, for the keeper of the holdout."""

from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import cast, get_args

import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.holdout.judge import Contest, Outlook, People, ScoredModel, Stakes
from vouch.holdout.mechanisms.comparison import Evidence
from vouch.holdout.mechanisms.thresholdout import Mean
from vouch.metrics.intervals import CONFIDENCE, Lead, Measured, lead
from vouch.metrics.ranked import measured
from vouch.models.predictions import Floats
from vouch.results.evaluate import Answer, Comparison, Figures, Kind
from vouch.usecases.fraud import people as by_people
from vouch.usecases.fraud.accounts import accounts
from vouch.usecases.fraud.measures import MeanMetric, Terms, bounded_mean, described, measure
from vouch.usecases.rivals import NO_RULE, against_champion, contest, kind_of

CLASSES = 2


@dataclass(frozen=True)
class Ranking:
    """A judge of rankings; see :class:`vouch.holdout.judge.Judge`.

    Attributes:
        terms: Threshold, capacity, costs.
    """

    terms: Terms
    counted: str = "positives"
    metric: str = "average_precision"
    metrics: tuple[str, ...] = get_args(MeanMetric)

    @property
    def budget(self) -> int:
        """Questions a generation of the holdout answers."""
        return self.terms.params.budget

    @property
    def least(self) -> int:
        """Positives below which a figure is mostly chance."""
        return self.terms.params.min_positives

    @property
    def description(self) -> str:
        """Threshold and capacity."""
        return f"threshold {self.terms.threshold:.4g}, capacity {self.terms.capacity}"

    def deciding(self) -> dict[str, object]:
        """Return what determines a figure's value, JSON-able."""
        return self.terms.deciding()

    def count(self, rows: pd.DataFrame, people: People | None = None) -> int:
        """Count positives by people's word or by truth where any is known, else by the rule."""
        if people is not None:
            return by_people.count(people)
        return int(rows[kind_of(rows)].fillna(0).sum())

    @property
    def stakes(self) -> Stakes:
        """What its answers may cost."""
        p = self.terms.params
        return Stakes(p.error, p.difference)

    def contest(
        self, rows: pd.DataFrame, challenger: ScoredModel, champion: ScoredModel | None
    ) -> Contest:
        """Compare a candidate by average precision: with the champion, the rule or chance."""
        scored = self.scored(rows, challenger)
        return contest(scored, challenger, champion, CLASSES, _evidence)

    def outlook(self, rows: pd.DataFrame, champion: Floats | None) -> Outlook | None:
        """Return what out-of-fold rows say of a candidate; None where they know no positive."""
        known = rows["truth"].notna().to_numpy()
        own = rows[known]
        if not own["truth"].any():
            return None
        rival = rows["rule"].fillna(0).to_numpy(np.float64) if champion is None else champion[:, 1]
        ours, ahead = _ahead(own, rival[known])
        spread = accounts(own).spread(ours.influence, ours.counted)
        positives = int(ours.counted.sum())
        error = sqrt(spread.variance)
        return Outlook(ours.value, error, ahead.value, ahead.error, positives, len(own))

    def described(self, rows: pd.DataFrame, kind: Kind) -> Figures:
        """Count the rows whose label of a kind is known, and the positives among them."""
        return described(rows, kind, self.terms)

    def candidate(
        self,
        rows: pd.DataFrame,
        challenger: ScoredModel,
        champion: ScoredModel | None,
        people: People,
    ) -> Answer:
        """Return a candidate's figures by people's word, see :mod:`.people`."""
        scored = self.scored(rows, challenger)
        against = partial(self._by_people, people)
        return {
            "truth": by_people.measure(scored, people, self.terms),
            "rule": measure(scored, "rule", self.terms),
            "against_rule": self._rule(scored, people),
            "against_champion": against_champion(scored, challenger, champion, against),
            "bootstrap": {"confidence": CONFIDENCE},
            "mechanism": "exact",
            "guarantee": "none",
        }

    def count_labelled(self, rows: pd.DataFrame, kind: str) -> int:
        """Count the rows whose truth, or rule's label, is known."""
        return int(rows[kind].notna().sum())

    def scored(self, rows: pd.DataFrame, model: ScoredModel) -> pd.DataFrame:
        """Add a model's probabilities to the rows, as ``score``."""
        return rows.assign(score=model.predict(rows)[:, 1])

    def mean(self, scored: pd.DataFrame, metric: str, kind: str) -> Mean:
        """Return a bounded mean, see :func:`vouch.usecases.fraud.measures.bounded_mean`.

        Raises:
            VouchError: There are no days, so no capacity of a day.
        """
        if metric == "precision_at_capacity" and "time" not in scored:
            raise VouchError(
                "without a time column there are no days to review", "ask for accuracy"
            )
        return bounded_mean(scored, cast(Kind, kind), cast(MeanMetric, metric), self.terms)

    def scale(self, metric: str) -> float:
        """Return the largest cost of a row for ``cost``, else 1."""
        return self.terms.cost_cap if metric == "cost" else 1.0

    def _by_people(self, people: People, rows: pd.DataFrame, champion: Floats) -> Comparison:
        return by_people.compare(rows, champion[:, 1], people, self.terms)

    def _rule(self, rows: pd.DataFrame, people: People) -> Comparison:
        if not rows["rule"].notna().any():
            return {"difference": None, "reason": NO_RULE}
        flags = rows["rule"].fillna(0).to_numpy(np.float64)
        return by_people.compare(rows, flags, people, self.terms)


def _evidence(rows: pd.DataFrame, rival: Floats) -> Evidence:
    """Weigh rows whose truth is known, scored, against a rival's probabilities."""
    if not rows["truth"].any():
        return Evidence(1.0, 0.0)
    ours, ahead = _ahead(rows, rival[:, 1])
    return Evidence(ahead.p, ours.value)


def _ahead(rows: pd.DataFrame, rival: Floats) -> tuple[Measured, Lead]:
    """Return the average precision of rows whose truth is known, and its lead over a rival's.

    Payments of one payer, and of one payee, are taken together.
    """
    labels = rows["truth"].to_numpy(np.int64)
    scores = rows["score"].to_numpy(np.float64)
    ours, theirs = (measured("average_precision", labels, each) for each in (scores, rival))
    return ours, lead(ours, theirs, accounts(rows))
