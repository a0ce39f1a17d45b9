"""The protocols of candidates and search spaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from vouch.core.errors import suggest

if TYPE_CHECKING:
    from optuna import Trial

Hyperparameter = int | float | str | None
FOREST = frozenset(["n_estimators", "max_depth", "min_samples_leaf", "max_features"])
"""What is searched of scikit-learn's random forest."""
XGBOOST = frozenset(
    [
        *("n_estimators", "learning_rate", "max_depth", "min_child_weight"),
        *("subsample", "colsample_bytree", "reg_lambda"),
    ]
)
"""What every family searches of XGBoost."""


class Proposal(BaseModel):
    """What a trial tries: frozen and JSON-able; each family of models declares its own.

    Attributes:
        algorithm: The learner.
        hyperparameters: Its settings; others than :meth:`allowed` names are an error, those left
            out take the library's default.
        imbalance: How unequal classes are treated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: str
    hyperparameters: dict[str, Hyperparameter] = {}
    imbalance: str = "none"

    def allowed(self) -> frozenset[str]:
        """Return the hyperparameters that the algorithm takes; a family of models says which."""
        return frozenset(self.hyperparameters)

    @model_validator(mode="after")
    def _check_hyperparameters(self) -> Self:
        allowed = self.allowed()
        for name in sorted(self.hyperparameters.keys() - allowed):
            raise ValueError(
                f"{self.algorithm} has no hyperparameter {name!r}; {suggest(name, allowed)}"
            )
        return self

    def setting(self, name: str, default: float) -> Hyperparameter:
        """Return a hyperparameter, or a default where it is left out."""
        return self.hyperparameters.get(name, default)

    def settings(self) -> dict[str, object]:
        """Return the settings that MLflow logs, one value a name."""
        return {
            "algorithm": self.algorithm,
            "imbalance": self.imbalance,
            **self.hyperparameters,
        }


C = TypeVar("C", bound=Proposal)
C_co = TypeVar("C_co", bound=Proposal, covariant=True)


class Space(Protocol[C_co]):
    """Where a search looks."""

    def start(self, algorithm: str) -> dict[str, Any]:
        """Return the choices an algorithm begins with, by the names ``suggest`` asks for."""

    def suggest(self, trial: "Trial", algorithms: Sequence[str]) -> C_co:
        """Suggest a candidate to a trial, of one of at least one algorithm."""

    def read(self, content: Any) -> C_co:
        """Return what was suggested from its JSON.

        Raises:
            ValidationError: It is no candidate of this space.
        """

    def choices(self, content: Any) -> dict[str, Any] | None:
        """Return the choices that ``suggest`` makes a candidate of, given as JSON.

        Returns:
            None where no choices make it any more: its features or settings are not offered.
        """


@dataclass(frozen=True)
class Outcome:
    """A candidate's measure, pooled and in each fold (None where there is none)."""

    value: float
    folds: list[float | None]
