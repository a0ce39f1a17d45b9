"""How cases are explained, and how far that can be relied on: ``explain.json``."""

from typing import Any, ClassVar

from typing_extensions import TypedDict

from vouch.core.results import Result


class Settings(TypedDict, total=False):
    """How cases are explained: perturbed rows or texts a case, how they are made, and runs."""

    samples: int
    mode: str
    runs: int


class Reason(TypedDict):
    """What holds of a case, and what it adds, signed."""

    what: str
    weight: float


class ExplainedCase(TypedDict):
    """An explained case.

    Attributes:
        id: The row's id.
        kind: Why it was chosen.
        data: What the model was given, by feature.
        score: The model's probability.
        r2: Weighted R² of LIME's surrogate.
        gap: Its distance from the model at the case, 0 to 1.
        poor: Whether it follows the model too badly to be trusted.
        stability: Share of LIME's heaviest reasons that two runs have in common; None: one run, or
            no chance in it.
        unstable: Whether that is too little.
        lime: LIME's reasons, the heaviest first; in probability.
        treeshap: TreeSHAP's, in the model's margin; None: the model is not of trees.
        base: The margin where nothing is known; None without TreeSHAP.
        margin: The model's margin, which base and the parts of all features add up to.
        agreement: Share of the heaviest reasons that both methods have, with the same sign.
        disagree: Whether that is too little.
        comparison: The same in a sentence.
    """

    id: str
    kind: str
    data: dict[str, Any]
    score: float
    r2: float
    gap: float
    poor: bool
    stability: float | None
    unstable: bool
    lime: list[Reason]
    treeshap: list[Reason] | None
    base: float | None
    margin: float | None
    agreement: float | None
    disagree: bool
    comparison: str | None


class Picked(TypedDict):
    """A case that was picked to cover the model, and the share it covers with those before."""

    id: str
    covers: float


class Weight(TypedDict):
    """How much a feature matters over all cases that could be picked."""

    feature: str
    importance: float


class Picks(TypedDict):
    """The cases that together cover the model (SP-LIME).

    Attributes:
        candidates: How many they were picked from.
        cases: The picks, the one that covers most first; each is among ``explained``, of the kind
            ``covering``.
        importance: The features that matter most, the first first.
    """

    candidates: int
    cases: list[Picked]
    importance: list[Weight]


class Explanations(Result):
    """Counts of explained cases, how far their reasons can be relied on, and the cases.

    Attributes:
        cases: How many were explained.
        poor: How many of them follow the model too badly to be trusted.
        unstable: How many have reasons that change from run to run.
        disagree: How many have other reasons by TreeSHAP than by LIME.
        samples: Perturbed rows or texts that each explanation is fitted on.
        mode: How rows or texts are perturbed; None: an earlier release left out words.
        runs: Runs whose reasons were compared; None: an earlier release had one.
        r2: Median share of the model's variance around a case that its explanation follows.
        gap: Median distance of the explanation from the model at the case, 0 to 1.
        stability: Median share of the heaviest reasons that two runs have in common.
        agreement: Median share of the heaviest reasons that both methods have.
        warnings: Sentences for people.
        picks: Those that together cover the model; None: none were asked for.
        explained: The cases, then the picks; the counts and medians are of the cases alone.
    """

    FORMAT: ClassVar[int] = 2

    cases: int
    poor: int
    unstable: int
    disagree: int
    samples: int
    mode: str | None = None
    runs: int | None = None
    r2: float | None
    gap: float | None
    stability: float | None
    agreement: float | None
    warnings: list[str]
    picks: Picks | None = None
    explained: list[ExplainedCase]

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Return the content of an earlier format: it told nothing of runs and other methods."""
        added = {"unstable": 0, "disagree": 0, "stability": None, "agreement": None}
        return {**content, **added, "explained": []}
