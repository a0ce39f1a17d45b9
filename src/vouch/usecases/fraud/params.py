"""What can be chosen where payments are extracted, searched over and explained."""

from typing import Literal, get_args

from pydantic import Field

from vouch.models.params import SearchParams
from vouch.usecases.fraud.candidate import ALGORITHMS, Algorithm
from vouch.usecases.params import ReasonParams, SplitParams

Group = Literal[
    "amount", "category", "balance", "time", "payer_windows", "payee_windows", "habits", "risk"
]
GROUPS: tuple[Group, ...] = get_args(Group)


class ExtractParams(SplitParams):
    """Parameters of the extract stage.

    Attributes:
        groups: Feature groups to make, as far as the source's roles allow.
    """

    groups: tuple[Group, ...] = Field(default=GROUPS, min_length=1)


class ExplainParams(ReasonParams):
    """Which payments are explained, and how; beside what holds for any use case.

    Attributes:
        cases: How many of the riskiest and how many of the least certain cases.
        samples: Perturbed rows an explanation is fitted on.
        features: Features an explanation may name.
        mode: How rows are perturbed. ``replace`` swaps features for those of real rows,
            ``quartile`` draws each from its quartiles (one pool of predictions serves all cases),
            ``lime`` does so by the package itself, ``around`` by its ``sample_around_instance``,
            which adds normal noise.
        keep: For ``replace``, the chance that a feature keeps the case's value.
        background: Training rows the perturbations draw on.
        boundary: The probability at which a case is least certain.
        seed: Together with a case's id the seed of its explanation.
    """

    cases: int = Field(default=5, ge=1, le=1000)
    samples: int = Field(default=5000, ge=100, le=100_000)
    features: int = Field(default=8, ge=1, le=50)
    mode: Literal["replace", "quartile", "lime", "around"] = "replace"
    keep: float = Field(default=0.8, gt=0, lt=1)
    background: int = Field(default=5000, ge=100, le=100_000)
    boundary: float = Field(default=0.5, ge=0, le=1)
    seed: int = Field(default=0, ge=0)


class TuneParams(SearchParams):
    """Parameters of the stage ``tune``, beside those of any search.

    Attributes:
        algorithms: Which learners are tried.
        search_rows: Rows a candidate is fitted on in the search, at least 1,000; negatives
            beyond are left out and the others weighted up.
        assess_rows: Rows a candidate is assessed on in the search, over all folds, at least
            1,000; the best of each algorithm is measured again on all.
        max_rows: The same limit as ``search_rows`` for the final model.
    """

    algorithms: tuple[Algorithm, ...] = Field(default=ALGORITHMS, min_length=1)
    search_rows: int = Field(default=40_000, ge=1_000)
    assess_rows: int = Field(default=300_000, ge=1_000)
    max_rows: int = Field(default=500_000, ge=1_000)
