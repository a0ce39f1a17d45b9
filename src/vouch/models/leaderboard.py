"""The leaderboard: every trial of a search, and the best of each algorithm and sampler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Generic

import pandas as pd

from vouch.core.errors import VouchError
from vouch.models.params import Sampler, SearchParams
from vouch.models.proposal import C
from vouch.models.search import Record
from vouch.results.tune import Leader, Leaderboard, SamplerBest, Trial


@dataclass(frozen=True)
class Best(Generic[C]):
    """The best candidate of an algorithm, measured on all out-of-fold rows.

    Attributes:
        number: The trial's number in the leaderboard; None if no trial tried it.
        candidate: The candidate.
        value: Its measure, 0 to 1; with its offset while blind.
        interval: The measure's interval, of ``metrics.intervals.CONFIDENCE``.
        predictions: Columns row, fold and what was predicted.
    """

    number: int | None
    candidate: C
    value: float
    interval: tuple[float, float]
    predictions: pd.DataFrame

    def describe(self) -> Leader:
        """Return its entry in the leaderboard."""
        return {
            "number": self.number,
            "candidate": self.candidate.model_dump(),
            "value": self.value,
            "interval": list(self.interval),
        }


def leading(records: Sequence[Record[C]], journal: Path) -> dict[str, int]:
    """Return the number of the best trial of each algorithm; of equal ones the first.

    Args:
        records: All finished trials.
        journal: The search's journal, for the message.

    Raises:
        VouchError: Every trial failed; the message holds one reason.
    """
    leaders: dict[str, tuple[float, int]] = {}
    for number, record in enumerate(records):
        algorithm = record.candidate.algorithm
        if record.value is not None and record.value > leaders.get(algorithm, (-inf, 0))[0]:
            leaders[algorithm] = record.value, number
    if not leaders:
        reasons = sorted({record.error or "" for record in records})
        raise VouchError(
            f"all {len(records)} trials failed: {reasons[0]}",
            f"mend the cause and delete {journal} to search again",
        )
    return {algorithm: number for algorithm, (_, number) in leaders.items()}


def board(
    metric: str,
    params: SearchParams,
    records: Sequence[Record[C]],
    bests: Mapping[str, Best[C]],
    best: Best[C],
) -> Leaderboard:
    """Return the leaderboard, without its folds.

    Args:
        metric: What the measure is called.
        params: Budget and samplers.
        records: All finished trials.
        bests: The best of each algorithm.
        best: The best of them.
    """
    intervals = {leader.number: list(leader.interval) for leader in bests.values()}
    trials = [_row(number, record, intervals.get(number)) for number, record in enumerate(records)]
    return Leaderboard(
        metric=metric,
        budget=params.budget.model_dump(exclude_none=True),
        trials=trials,
        best=best.number,
        best_by_algorithm={name: leader.describe() for name, leader in bests.items()},
        best_by_sampler={name: _leader(trials, name) for name in params.samplers},
    )


def _row(number: int, record: Record[C], interval: list[float] | None) -> Trial:
    return {
        "number": number,
        "sampler": record.sampler,
        "position": record.position,
        "algorithm": record.candidate.algorithm,
        "candidate": record.candidate.model_dump(),
        "value": record.value,
        "interval": interval,
        "folds": list(record.folds),
        "seconds": round(record.seconds, 3),
        "state": "failed" if record.error else "complete",
        "error": record.error,
    }


def _leader(trials: list[Trial], sampler: Sampler) -> SamplerBest | None:
    """Return a sampler's best within its budget: the trial's number, its measure, the seconds."""
    own = [t for t in trials if t["sampler"] == sampler]
    measured = [(t["value"], t["number"]) for t in own if t["value"] is not None]
    if not measured:
        return None
    value, number = max(measured, key=lambda each: each[0])
    return {
        "number": number,
        "value": value,
        "trials": len(own),
        "seconds": round(sum(t["seconds"] for t in own), 3),
    }
