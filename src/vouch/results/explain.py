"""How well explanations follow the model: ``explain.json``."""

from typing import TypedDict

from vouch.core.results import Result


class Settings(TypedDict, total=False):
    """How cases are explained: perturbed rows or texts a case, and how they are made."""

    samples: int
    mode: str


class Explanations(Result):
    """Counts of explained cases, and their fidelity.

    Attributes:
        cases: How many were explained.
        poor: How many of them follow the model too badly to be trusted.
        samples: Perturbed rows or texts that each explanation is fitted on.
        mode: How rows or texts are perturbed; None: an earlier release left out words.
        r2: Median share of the model's variance around a case that its explanation follows.
        gap: Median distance of the explanation from the model at the case, 0 to 1.
        warnings: Sentences for people.
    """

    cases: int
    poor: int
    samples: int
    mode: str | None = None
    r2: float | None
    gap: float | None
    warnings: list[str]
