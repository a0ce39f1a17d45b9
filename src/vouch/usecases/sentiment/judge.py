"""Measures models of classes: macro-recall, calibration, and figures by kind of text."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import TypedDict

from vouch.holdout.judge import Contest, Outlook, People, ScoredModel, Stakes
from vouch.holdout.mechanisms.comparison import Evidence as Proof
from vouch.holdout.mechanisms.evidence import no_better
from vouch.holdout.mechanisms.thresholdout import Mean
from vouch.metrics import drawn, intervals
from vouch.metrics.classes import PARTS, confusion, macro_recall, recalls
from vouch.metrics.clusters import Clusters
from vouch.metrics.figures import Figure
from vouch.metrics.intervals import CONFIDENCE, Measured, bounded, share, share_of
from vouch.models.predictions import Likeliest, probabilities, score_columns
from vouch.results.evaluate import Answer, Comparison, Evidence, Figures, Kind
from vouch.usecases.params import EvaluateParams
from vouch.usecases.rivals import NO_RULE, Rule, against_champion, contest, kind_of, rule_of
from vouch.usecases.sentiment import people as by_people
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.folds import alike
from vouch.usecases.sentiment.slices import slices

Floats = NDArray[np.float64]
METRIC = "macro_recall"
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
BINS = 10

Coverage = TypedDict(
    "Coverage", {"coverage": float, "rows": int, "accuracy": Figure, "from": float}
)
"""How many of a share of the rows, the surest ones, are right; and how sure the last one is."""


class Bin(TypedDict):
    """A bin of a calibration: mean probability, and the observed share with its interval."""

    score: float
    rows: int
    share: float
    interval: list[float]


class Calibration(TypedDict):
    """Bins by rising probability, and the mean gap between probability and observed share."""

    bins: list[Bin]
    error: float | None


class Measures(TypedDict):
    """The measures of :data:`vouch.metrics.classes.MEASURES`, 0 to 1."""

    macro_recall: Figure
    macro_f1: Figure
    accuracy: Figure


LATEST = "latest texts"
"""The slice that shows what time costs: the same rows, twice."""


def mixed_columns(classes: int) -> list[str]:
    """Return the columns of predictions by models that learned from rows of all times."""
    return [f"mixed_{number}" for number in range(classes)]


class SliceFigures(TypedDict):
    """Figures of the rows of one value of what rows are cut by, which come in ``groups``."""

    slice: str
    value: str
    rows: int
    groups: int
    macro_recall: Figure
    accuracy: Figure
    too_few: bool


class Classified(Figures, Measures):
    """The figures of a model of classes, see :meth:`Judge.measure`."""

    recalls: dict[str, Figure]
    confusion: list[list[int]]
    coverage: list[Coverage]
    calibration: Calibration
    slices: list[SliceFigures]
    by_class: dict[str, int]


class Described(Figures):
    """Rows by class, of no model."""

    by_class: dict[str, int]


@dataclass(frozen=True)
class Judge:
    """A judge of classes; see :class:`vouch.holdout.judge.Judge`.

    Attributes:
        params: Budget; ``min_positives`` counts rows of the rarest class.
        shares: How common each class was in training: a model fitted with balanced classes gives
            probabilities as if all were equally common, which these shares correct.
        names: What the classes are called, class 0 first.
    """

    params: EvaluateParams
    shares: tuple[float, ...]
    names: tuple[str, ...] = CLASSES
    counted: str = "rows of the rarest class"
    metric: str = METRIC
    metrics: tuple[str, ...] = ("accuracy", "brier")
    description: str = "the likeliest class"

    @property
    def budget(self) -> int:
        """Questions a generation of the holdout answers."""
        return self.params.budget

    @property
    def least(self) -> int:
        """Rows of the rarest class below which a figure is mostly chance."""
        return self.params.min_positives

    def deciding(self) -> dict[str, object]:
        """Return what determines a figure's value: nothing but the model."""
        return {"decision": self.description}

    def count(self, rows: pd.DataFrame, people: People | None = None) -> int:
        """Count the rows of the rarest class, by people's word or truth where any is known."""
        if people is not None:
            return self._rarest(pd.Series(by_people.labels(people)))
        return self._rarest(rows[kind_of(rows)].dropna())

    @property
    def stakes(self) -> Stakes:
        """What its answers may cost."""
        return Stakes(self.params.error, self.params.difference)

    def contest(
        self, rows: pd.DataFrame, challenger: ScoredModel, champion: ScoredModel | None
    ) -> Contest:
        """Compare a candidate by macro-recall: with the champion, the rule or chance."""
        scored = self.scored(rows, challenger)
        return contest(scored, challenger, champion, len(self.names), _weigh)

    def outlook(self, rows: pd.DataFrame, champion: Floats | None) -> Outlook | None:
        """Return what out-of-fold rows say of a candidate; None where they know no truth."""
        known = rows["truth"].notna().to_numpy()
        if not known.any():
            return None
        own = rows[known].reset_index(drop=True)
        labels = own["truth"].to_numpy(np.int64)
        ours = _recall(labels, chosen(own))
        error = math.sqrt(alike(own).spread(ours.influence, ours.counted).variance)
        rival = rule_of(own, len(self.names)) if champion is None else Rule(own, champion[known])
        rarest = max(self._rarest(own["truth"]), 1)
        if rival is None:
            chance = 1 / len(np.unique(labels))
            return Outlook(ours.value, error, ours.value - chance, error, rarest, len(own))
        truth, theirs = rival.rows["truth"].to_numpy(np.int64), Likeliest().classes(rival.likely)
        both = _recall(truth, chosen(rival.rows)), _recall(truth, theirs)
        ahead = intervals.lead(*both, alike(rival.rows))
        return Outlook(ours.value, error, ahead.value, ahead.error, rarest, len(own))

    def described(self, rows: pd.DataFrame, kind: Kind) -> Figures:
        """Count the rows whose label of a kind is known, by class."""
        labels = rows[kind].dropna().to_numpy(np.int64)
        counted = self._counted(labels)
        described: Described = {
            "by_class": dict(zip(self.names, counted.tolist(), strict=True)),
            "positives": int(counted.min()),
            "chance": 1 / max(int((counted > 0).sum()), 1),
            "rows": len(labels),
            "too_few": bool(counted.min() < self.least),
        }
        if reason := self._reason(kind, len(labels), int(counted.min())):
            described["reason"] = reason
        return described

    def candidate(
        self,
        rows: pd.DataFrame,
        challenger: ScoredModel,
        champion: ScoredModel | None,
        people: People,
    ) -> Answer:
        """Return a candidate's figures by people's word."""
        scored = self.scored(rows, challenger)
        word = partial(self._champion_by_people, people)
        return {
            "truth": self._by_people(scored, people),
            "rule": self.measure(scored, "rule"),
            "against_rule": self._rule_by_people(scored, people),
            "against_champion": against_champion(scored, challenger, champion, word),
            "bootstrap": {"confidence": CONFIDENCE},
            "mechanism": "exact",
            "guarantee": "none",
        }

    def count_labelled(self, rows: pd.DataFrame, kind: str) -> int:
        """Count the rows whose truth, or rule's label, is known."""
        return int(rows[kind].notna().sum())

    def scored(self, rows: pd.DataFrame, model: ScoredModel) -> pd.DataFrame:
        """Add a model's probabilities to the rows, as ``score_0`` and on."""
        return rows.assign(**dict(zip(self._columns, model.predict(rows).T, strict=True)))

    def mean(self, scored: pd.DataFrame, metric: str, kind: str) -> Mean:
        """Return a bounded mean of scored rows whose label of a kind is known.

        Args:
            scored: The rows.
            metric: ``accuracy``, or ``brier``: half of the squared error of all probabilities.
            kind: Which label.
        """
        labelled = scored[scored[kind].notna()]
        labels = labelled[kind].to_numpy(np.int64)
        if metric == "accuracy":
            return Mean(float(np.mean(chosen(labelled) == labels)), len(labelled))
        errors = np.square(probabilities(labelled) - np.eye(len(self.names))[labels])
        return Mean(float(np.minimum(errors.sum(axis=1) / 2, 1).mean()), len(labelled))

    def scale(self, metric: str) -> float:
        """Return what a mean of 1 is: all right."""
        return 1.0

    def measure(self, scored: pd.DataFrame, kind: Kind) -> Classified:
        """Measure scored rows against truth or against the rule.

        Args:
            scored: Columns ``score_0`` and on, ``text``, ``truth``, ``rule``, and where
                known ``group``, ``twin``, ``asset`` and ``confidence``.
            kind: Against what.

        Returns:
            ``macro_recall``, ``macro_f1``, ``accuracy``, each ``{"value", "interval"}`` with null
            where undefined; ``recalls`` of each class; ``confusion``, a row a true class;
            ``coverage``: accuracy among the surest rows; ``calibration`` and its ``error``;
            ``slices``; ``positives``, the rows of the rarest class, and ``evidence``, in how many
            groups they come; ``chance``; ``rows``, ``too_few``, and a ``reason`` where something
            is undefined.
        """
        labelled = scored[scored[kind].notna()].reset_index(drop=True)
        labels, predicted = labelled[kind].to_numpy(np.int64), chosen(labelled)
        rarest, counted = self._rarest(labelled[kind]), self._counted(labels)
        clusters = alike(labelled)
        figures = self._figures(labels, predicted, clusters)
        measured: Classified = {
            "macro_recall": figures["macro_recall"],
            "macro_f1": figures["macro_f1"],
            "accuracy": figures["accuracy"],
            "recalls": self._recalls(labels, predicted, clusters),
            "confusion": self._confusion(labels, predicted).astype(int).tolist(),
            "coverage": list(self._coverage(labelled, labels == predicted, clusters)),
            "calibration": self._calibration(labelled, labels, clusters),
            "slices": self._slices(labelled, labels, predicted, clusters),
            "by_class": dict(zip(self.names, counted.tolist(), strict=True)),
            "positives": rarest,
            "evidence": self._evidence(labels, clusters),
            "chance": 1 / max(int((counted > 0).sum()), 1),
            "rows": len(labelled),
            "too_few": rarest < self.least,
        }
        if reason := self._reason(kind, len(labelled), rarest):
            measured["reason"] = reason
        return measured

    def _figures(
        self, labels: NDArray[np.int64], predicted: NDArray[np.int64], clusters: Clusters
    ) -> Measures:
        measured = {
            name: intervals.mean(parts(labels, predicted), clusters)
            for name, parts in PARTS.items()
        }
        return cast(Measures, measured)

    def _evidence(self, labels: NDArray[np.int64], clusters: Clusters) -> Evidence:
        """Return in how many groups texts come, and how many of equal size the rarest class's."""
        rarest = int(self._counted(labels).argmin())
        return {
            "columns": list(clusters.columns),
            "clusters": clusters.count(),
            "effective": clusters.evidence((labels == rarest).astype(np.float64)),
        }

    def _recalls(
        self, labels: NDArray[np.int64], predicted: NDArray[np.int64], clusters: Clusters
    ) -> dict[str, Figure]:
        """Return each class's recall."""
        return {
            name: bounded(share_of(predicted == number, labels == number), clusters)
            for number, name in enumerate(self.names)
        }

    def _coverage(
        self, labelled: pd.DataFrame, right: NDArray[np.bool_], clusters: Clusters
    ) -> Iterator[Coverage]:
        """Yield how many of the surest rows are right, for smaller and smaller shares of rows."""
        sureness = probabilities(labelled).max(axis=1) if len(labelled) else np.empty(0)
        order = np.argsort(-sureness, kind="stable")
        for coverage in COVERAGES:
            rows = math.ceil(coverage * len(labelled))
            if rows:
                surest = order[:rows]
                accuracy = share(right[surest], clusters.of(surest))
                least = float(sureness[order[rows - 1]])
                yield {"coverage": coverage, "rows": rows, "accuracy": accuracy, "from": least}

    def _calibration(
        self, labelled: pd.DataFrame, labels: NDArray[np.int64], clusters: Clusters
    ) -> Calibration:
        """Compare predicted with observed shares of each class, in bins of equally many.

        The error is the mean gap, weighted by the bins' rows (Naeini et al. 2015, Obtaining well
        calibrated probabilities using Bayesian binning).
        """
        if labelled.empty:
            return {"bins": [], "error": None}
        likely = (probabilities(labelled) * self.shares) + 1e-12
        likely /= likely.sum(axis=1, keepdims=True)
        true = labels[:, None] == np.arange(len(self.names))
        order = np.argsort(likely.ravel(), kind="stable")
        bins = [
            self._bin(
                likely.ravel()[part], true.ravel()[part], clusters.of(part // len(self.names))
            )
            for part in np.array_split(order, BINS)
            if len(part)
        ]
        gap = sum(abs(each["score"] - each["share"]) * each["rows"] for each in bins)
        return {"bins": bins, "error": gap / likely.size}

    def _bin(self, probabilities: Floats, true: NDArray[np.bool_], clusters: Clusters) -> Bin:
        observed = share(true, clusters)
        assert observed["value"] is not None
        assert observed["interval"] is not None  # a bin has rows
        return {
            "score": float(probabilities.mean()),
            "rows": len(true),
            "share": observed["value"],
            "interval": observed["interval"],
        }

    def _splits(
        self, labelled: pd.DataFrame, predicted: NDArray[np.int64]
    ) -> "Iterator[tuple[str, NDArray[np.bool_], NDArray[np.int64]]]":
        """Yield the latest rows as decided by a model of earlier ones, and by one of all times."""
        columns = mixed_columns(len(self.names))
        if columns[0] not in labelled:
            return
        latest = labelled[columns[0]].notna().to_numpy()
        decided = np.zeros(len(labelled), np.int64)
        decided[latest] = labelled.loc[latest, columns].to_numpy().argmax(axis=1)
        if latest.any():
            yield "by a model of earlier texts", latest, predicted
            yield "by a model of as many texts of all times", latest, decided

    def _slices(
        self,
        labelled: pd.DataFrame,
        labels: NDArray[np.int64],
        predicted: NDArray[np.int64],
        clusters: Clusters,
    ) -> list[SliceFigures]:
        measured = list[SliceFigures]()
        splits = [(LATEST, *split) for split in self._splits(labelled, predicted)]
        cut = [(kind, value, inside, predicted) for kind, value, inside in slices(labelled)]
        for kind, value, inside, chosen_by in [*splits, *cut]:
            own, decisions, texts = labels[inside], chosen_by[inside], clusters.of(inside)
            measured.append(
                {
                    "slice": kind,
                    "value": value,
                    "rows": int(inside.sum()),
                    "groups": texts.count(),
                    "macro_recall": intervals.mean(recalls(own, decisions), texts),
                    "accuracy": share(own == decisions, texts),
                    "too_few": self._fewest(own, texts) < self.least,
                }
            )
        return measured

    def _fewest(self, labels: NDArray[np.int64], clusters: Clusters) -> float:
        """Return how many groups of texts the class has that has fewest."""
        return min(clusters.of(labels == number).count() for number in range(len(self.names)))

    def _by_people(self, scored: pd.DataFrame, people: People) -> Classified:
        """Measure by people's word on some texts: what a sample cannot tell is left empty."""
        true, decided = by_people.labels(people), by_people.sample(people)
        predicted, sure = chosen(scored)[decided.rows], CONFIDENCE
        measured = self.measure(scored[:0], "truth")
        rarest, counted = self._rarest(pd.Series(true)), self._counted(true)
        recall = by_people.macro_recall(predicted, true, decided)
        measured |= {
            "macro_recall": recall.figure(sure),
            "accuracy": by_people.accuracy(predicted, true, decided).figure(sure),
            "confusion": self._confusion(true, predicted).astype(int).tolist(),
            "by_class": dict(zip(self.names, counted.tolist(), strict=True)),
            "positives": rarest,
            "chance": 1 / max(int((counted > 0).sum()), 1),
            "rows": len(true),
            "too_few": rarest < self.least,
            "people": people.counts(),
        }
        del measured["reason"]  # of no rows
        if reason := self._reason("truth", len(true), rarest):
            measured["reason"] = reason
        return measured

    def _compared_by_people(
        self, scored: pd.DataFrame, rival: NDArray[np.int64], people: People
    ) -> Comparison:
        true, decided, p = by_people.labels(people), by_people.sample(people), self.params
        rarest = self._rarest(pd.Series(true))
        compared: Comparison = {
            "metric": METRIC,
            "kind": "truth",
            "rows": len(true),
            "positives": rarest,
            "too_few": rarest < self.least,
            "difference": None,
        }
        if reason := self._reason("truth", len(true), rarest):
            compared["reason"] = reason
        if not len(true):
            return compared
        ours, theirs = (
            by_people.macro_recall(each[decided.rows], true, decided)
            for each in (chosen(scored), rival)
        )
        return {**compared, **drawn.compare(ours, theirs, decided, p.difference, CONFIDENCE)}

    def _rule_by_people(self, scored: pd.DataFrame, people: People) -> Comparison:
        if not scored["rule"].notna().all():
            return {"difference": None, "reason": NO_RULE}
        return self._compared_by_people(scored, scored["rule"].to_numpy(np.int64), people)

    def _champion_by_people(
        self, people: People, scored: pd.DataFrame, champion: Floats
    ) -> Comparison:
        return self._compared_by_people(scored, Likeliest().classes(champion), people)

    @property
    def _columns(self) -> list[str]:
        return score_columns(len(self.names))

    def _counted(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the rows of each class, shape (classes,)."""
        return np.bincount(labels, minlength=len(self.names))

    def _rarest(self, labels: pd.Series) -> int:
        return int(self._counted(labels.to_numpy(np.int64)).min())

    def _confusion(self, labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> Floats:
        return confusion(labels, predicted, len(self.names))

    def _reason(self, kind: Kind, rows: int, rarest: int) -> str:
        """Return why figures are undefined or unsure; nothing if they are neither."""
        if not rows:
            name = "the truth" if kind == "truth" else "the rule's label"
            return f"{name} of no row is known"
        if rarest < self.least:
            return f"{rarest} {self.counted} are too few to tell (fewer than {self.least})"
        return ""


def chosen(scored: pd.DataFrame) -> NDArray[np.int64]:
    """Return each row's likeliest class; of equally likely ones the first."""
    return Likeliest().classes(probabilities(scored))


def _recall(labels: NDArray[np.int64], decisions: NDArray[np.int64]) -> Measured:
    """Return macro-recall with each row's influence on it."""
    return intervals.together(recalls(labels, decisions))


def _weigh(rows: pd.DataFrame, rival: Floats) -> Proof:
    """Weigh rows whose truth is known, scored, against a rival's probabilities.

    Texts of one author and near-duplicates, also through others, have one sign in the test.
    """
    labels, ours = rows["truth"].to_numpy(np.int64), chosen(rows)
    theirs, groups = Likeliest().classes(rival), alike(rows).connected()
    return Proof(no_better(labels, ours, theirs, groups), macro_recall(labels, ours))
