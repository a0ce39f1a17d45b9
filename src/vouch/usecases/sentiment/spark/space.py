"""Where the search for a text model on Spark looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vouch.models.proposal import Hyperparameter
from vouch.models.space import Choices, Range, choose, offered, shared_choices
from vouch.usecases.sentiment.spark.candidate import LINEAR, SparkAlgorithm, SparkCandidate

if TYPE_CHECKING:
    from optuna import Trial

SPACE: dict[SparkAlgorithm, dict[str, Choices]] = {
    "logistic_regression": {"C": Range(0.1, 4.0, log=True)},
    "naive_bayes": {"alpha": Range(0.03, 3.0, log=True)},
    "classifier_dl": {
        "dimensions": Range(50, 200, log=True),
        "learning_rate": Range(1e-3, 2e-2, log=True),
        "batch_size": (32, 64, 128),
    },
}
STARTS: dict[SparkAlgorithm, dict[str, Hyperparameter]] = {
    "logistic_regression": {"C": 1.0},
    "naive_bayes": {"alpha": 0.3},
    "classifier_dl": {"dimensions": 100, "learning_rate": 5e-3, "batch_size": 64},
}


@dataclass(frozen=True)
class SparkSpace:
    """The space of Spark's text models.

    Attributes:
        epochs: Passes of ClassifierDL over the rows, at least 1.
    """

    epochs: int = 10

    def start(self, algorithm: str) -> dict[str, Any]:
        """Return the choices an algorithm begins with, as ``suggest`` names them."""
        name = cast(SparkAlgorithm, algorithm)
        chosen = {f"{name}.{key}": value for key, value in STARTS[name].items()}
        shared = {"algorithm": name, "imbalance": "weights", "min_df": 2}
        shared |= {"stop_words": False, "stem": False}
        if name in LINEAR:
            shared["longest"] = 2
        return shared | chosen

    def suggest(self, trial: "Trial", algorithms: Sequence[str]) -> SparkCandidate:
        """Suggest a candidate to a trial.

        Args:
            trial: Optuna's trial, asked for each choice by name.
            algorithms: The algorithms to choose from, at least one.
        """
        algorithm = cast(SparkAlgorithm, trial.suggest_categorical("algorithm", list(algorithms)))
        hyperparameters = {
            name: choose(trial, f"{algorithm}.{name}", choices)
            for name, choices in SPACE[algorithm].items()
        }
        if algorithm == "classifier_dl":
            hyperparameters["epochs"] = self.epochs
        return SparkCandidate(
            algorithm=algorithm,
            hyperparameters=hyperparameters,
            imbalance=trial.suggest_categorical("imbalance", ["weights", "none"]),
            longest=trial.suggest_int("longest", 1, 3) if algorithm in LINEAR else 1,
            min_df=trial.suggest_int("min_df", 1, 5),
            stop_words=trial.suggest_categorical("stop_words", [False, True]),
            stem=trial.suggest_categorical("stem", [False, True]),
        )

    def read(self, content: Any) -> SparkCandidate:
        """Return a candidate from its JSON."""
        return SparkCandidate.model_validate(content)

    def choices(self, content: Any) -> dict[str, Any] | None:
        """Return the choices behind a candidate; see :class:`vouch.models.proposal.Space`."""
        names = ("longest", "min_df", "stop_words", "stem")
        choices = shared_choices(content, SPACE[content["algorithm"]]) | {
            name: content[name] for name in names
        }
        return offered(self, choices, content)
