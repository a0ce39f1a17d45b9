"""Whether reasons can be relied on: alike from run to run, and by another method."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, NamedTuple, TypeVar

Name = TypeVar("Name", bound=Hashable)

LIME, TREESHAP = "lime", "treeshap"
"""The methods by which a case is explained."""
LIGHT = 0.05
"""A part lighter than this share of the heaviest one is no reason: its place is chance."""


class Weighed(NamedTuple, Generic[Name]):
    """A feature and what it adds, signed."""

    feature: Name
    weight: float


def heaviest(parts: Sequence[Weighed[Name]], top: int) -> list[Weighed[Name]]:
    """Return the heaviest parts, the heaviest first, without those too light to be reasons.

    Args:
        parts: What features add, in any order.
        top: At most so many.
    """
    ordered = sorted(parts, key=lambda part: -abs(part.weight))[:top]
    least = LIGHT * abs(ordered[0].weight) if ordered else 0.0
    return [part for part in ordered if part.weight and abs(part.weight) >= least]


def stability(runs: Sequence[Sequence[Weighed[Name]]], top: int) -> float | None:
    """Return how much of the heaviest features two runs share, on average over all pairs.

    Args:
        runs: What features add by each run, which differ in their random numbers alone.
        top: How many of the heaviest are compared.

    Returns:
        0, nothing, to 1, all; None if there are not two runs.
    """
    if len(runs) < 2:
        return None
    named = [{part.feature for part in heaviest(parts, top)} for parts in runs]
    shares = [
        len(one & other) / max(len(one), len(other), 1) if one or other else 1.0
        for one, other in combinations(named, 2)
    ]
    return sum(shares) / len(shares)


@dataclass(frozen=True)
class Agreement:
    """How far two methods give the same reasons.

    Attributes:
        shared: Of the heaviest features, those that both name with the same sign.
        opposed: Those that both name with opposite signs.
        compared: How many were compared: the fewer of what either names.
    """

    shared: int
    opposed: int
    compared: int

    @property
    def share(self) -> float:
        """The share that both name with the same sign, 0 to 1; 1 where there is no reason."""
        return self.shared / self.compared if self.compared else 1.0

    @property
    def sentence(self) -> str:
        """What a reader is told."""
        if not self.compared:
            return "LIME or TreeSHAP names no feature"
        opposed = f"; {self.opposed} they see with opposite signs" if self.opposed else ""
        return (
            f"LIME and TreeSHAP share {self.shared} of their {self.compared} heaviest "
            f"features, with the same sign{opposed}"
        )


def agreement(
    first: Sequence[Weighed[Name]], second: Sequence[Weighed[Name]], top: int
) -> Agreement:
    """Compare the reasons of two methods.

    Args:
        first: What features add by one of them.
        second: What they add by the other; its scale may be another.
        top: How many of the heaviest are compared.
    """
    one, other = (dict(heaviest(parts, top)) for parts in (first, second))
    same = [one[name] * other[name] > 0 for name in one.keys() & other.keys()]
    return Agreement(sum(same), len(same) - sum(same), min(len(one), len(other)))


@dataclass(frozen=True)
class Trust:
    """How far a case's reasons can be relied on.

    Attributes:
        poor: Whether they follow the model too badly.
        stability: See :func:`stability`.
        unstable: Whether that is too little.
        agreement: With TreeSHAP's reasons; None: the model is not of trees.
        disagree: Whether that is too little.
    """

    poor: bool
    stability: float | None
    unstable: bool
    agreement: Agreement | None = None
    disagree: bool = False

    def columns(self) -> dict[str, bool | float | str | None]:
        """Return what a table of explanations says of it."""
        both = self.agreement
        return {
            "poor": self.poor,
            "stability": self.stability,
            "unstable": self.unstable,
            "agreement": None if both is None else both.share,
            "disagree": self.disagree,
            "comparison": None if both is None else both.sentence,
        }
