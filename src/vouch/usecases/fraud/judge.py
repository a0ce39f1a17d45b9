"""Measures models that rank rows by one probability, for the keeper of the holdout."""

from dataclasses import dataclass
from functools import partial
from typing import cast, get_args

import numpy as np
import pandas as pd

from vouch.core.errors import VouchError
from vouch.holdout.judge import People, ScoredModel
from vouch.holdout.thresholdout import Mean
from vouch.metrics.intervals import CONFIDENCE
from vouch.models.predictions import Floats
from vouch.results.evaluate import Answer, Comparison, Kind
from vouch.usecases.fraud import people as by_people
from vouch.usecases.fraud.measures import MeanMetric, Terms, bounded_mean, compare, measure
from vouch.usecases.rivals import NO_RULE, against_champion, against_rule, kind_of, labelled


@dataclass(frozen=True)
class Ranking:
    """A judge of rankings; see :class:`vouch.holdout.judge.Judge`.

    Attributes:
        terms: Threshold, capacity, costs.
    """

    terms: Terms
    counted: str = "positives"
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

    def candidate(
        self,
        rows: pd.DataFrame,
        challenger: ScoredModel,
        champion: ScoredModel | None,
        people: People | None = None,
    ) -> Answer:
        """Return a candidate's figures.

        Returns:
            ``{"truth", "rule"}`` (see :func:`.measures.measure`), ``against_rule``
            and ``against_champion`` (see :func:`vouch.usecases.fraud.measures.compare`).
        """
        scored = self.scored(rows, challenger)
        if people is None:
            truth = measure(scored, "truth", self.terms)
            rule = against_rule(scored, lambda rows: compare(rows, "truth", "rule", self.terms))
            rival = against_champion(labelled(scored), challenger, champion, self._compare)
        else:
            truth, rule = by_people.measure(scored, people, self.terms), self._rule(scored, people)
            against = partial(self._by_people, people)
            rival = against_champion(scored, challenger, champion, against)
        return {
            "truth": truth,
            "rule": measure(scored, "rule", self.terms),
            "against_rule": rule,
            "against_champion": rival,
            "bootstrap": {"confidence": CONFIDENCE},
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

    def _compare(self, rows: pd.DataFrame, champion: Floats) -> Comparison:
        scored = rows.assign(champion=champion[:, 1])
        return compare(scored, kind_of(rows), "champion", self.terms)

    def _by_people(self, people: People, rows: pd.DataFrame, champion: Floats) -> Comparison:
        return by_people.compare(rows, champion[:, 1], people, self.terms)

    def _rule(self, rows: pd.DataFrame, people: People) -> Comparison:
        if not rows["rule"].notna().any():
            return {"difference": None, "reason": NO_RULE}
        flags = rows["rule"].fillna(0).to_numpy(np.float64)
        return by_people.compare(rows, flags, people, self.terms)
