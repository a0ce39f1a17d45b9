"""Where the search for a text model on Spark looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from vouch.models.proposal import Hyperparameter
from vouch.models.space import Choices, Range, choose, offered, shared_choices
from vouch.usecases.sentiment.space import (
    C_WITH_EMBEDDINGS,
    EMBEDDING_START,
    EMBEDDING_WEIGHT,
    NONE,
)
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
    # hinge loss, where scikit-learn squares it: the same C regularises more
    "linear_svm": {"C": Range(0.1, 2.0, log=True)},
    "random_forest": {
        "n_estimators": Range(40, 120),
        "max_depth": Range(8, 16),
        "min_samples_leaf": Range(1, 8, log=True),
    },
}
STARTS: dict[SparkAlgorithm, dict[str, Hyperparameter]] = {
    "logistic_regression": {"C": 1.0},
    "naive_bayes": {"alpha": 0.3},
    "classifier_dl": {"dimensions": 100, "learning_rate": 5e-3, "batch_size": 64},
    "linear_svm": {"C": 0.5},
    "random_forest": {"n_estimators": 60, "max_depth": 12, "min_samples_leaf": 2},
}
DIMENSIONS = "dimensions"  # of word vectors, which an encoder takes the place of


@dataclass(frozen=True)
class SparkSpace:
    """The space of Spark's text models.

    Attributes:
        epochs: Passes of ClassifierDL over the rows, at least 1.
        encoders: Those whose sentence embeddings may be used, by identity, the preferred first.
    """

    epochs: int = 10
    encoders: tuple[str, ...] = ()

    def start(self, algorithm: str) -> dict[str, Any]:
        """Return the choices an algorithm begins with, as ``suggest`` names them."""
        name = cast(SparkAlgorithm, algorithm)
        chosen = {f"{name}.{key}": value for key, value in STARTS[name].items()}
        shared: dict[str, Any] = {"algorithm": name, "imbalance": "weights", "min_df": 2}
        shared |= {"stop_words": False, "stem": False}
        if name in LINEAR:
            shared["longest"] = 2
        if self.encoders and name != "naive_bayes":
            shared |= {"encoder": self._offers[1], "embedding_weight": EMBEDDING_START}
        if self.encoders and name == "logistic_regression":
            chosen[f"{name}.C"] = C_WITH_EMBEDDINGS
        return shared | chosen

    @property
    def _offers(self) -> list[str]:
        """No encoder, and each, as a trial names them."""
        return [NONE, *(identity.partition("@")[0] for identity in self.encoders)]

    def suggest(self, trial: "Trial", algorithms: Sequence[str]) -> SparkCandidate:
        """Suggest a candidate to a trial.

        Args:
            trial: Optuna's trial, asked for each choice by name.
            algorithms: The algorithms to choose from, at least one.
        """
        algorithm = cast(SparkAlgorithm, trial.suggest_categorical("algorithm", list(algorithms)))
        encoder = self._encoder(trial, algorithm)
        hyperparameters = {
            name: choose(trial, f"{algorithm}.{name}", choices)
            for name, choices in SPACE[algorithm].items()
            if not (encoder and name == DIMENSIONS)
        }
        if algorithm == "classifier_dl":
            hyperparameters["epochs"] = self.epochs
        imbalance = trial.suggest_categorical("imbalance", ["weights", "none"])
        content: dict[str, Any] = {"algorithm": algorithm, "hyperparameters": hyperparameters}
        content |= {"imbalance": imbalance, "encoder": encoder}
        if encoder and algorithm in LINEAR:
            content["embedding_weight"] = choose(trial, "embedding_weight", EMBEDDING_WEIGHT)
        words = _words(trial, algorithm, encoder is not None)
        return SparkCandidate.model_validate(content | words)

    def _encoder(self, trial: "Trial", algorithm: SparkAlgorithm) -> str | None:
        if not self.encoders or algorithm == "naive_bayes":
            return None
        name = trial.suggest_categorical("encoder", self._offers)
        return dict(zip(self._offers[1:], self.encoders, strict=True)).get(name)

    def read(self, content: Any) -> SparkCandidate:
        """Return a candidate from its JSON."""
        return SparkCandidate.model_validate(content)

    def choices(self, content: Any) -> dict[str, Any] | None:
        """Return the choices behind a candidate; see :class:`vouch.models.proposal.Space`."""
        try:
            content = self.read(content).model_dump(mode="json")  # an earlier release's as well
        except ValidationError:
            return None
        own = [name for name in SPACE[content["algorithm"]] if name in content["hyperparameters"]]
        names = ("longest", "min_df", "stop_words", "stem", "embedding_weight")
        choices = shared_choices(content, own) | {name: content[name] for name in names}
        choices["encoder"] = (content["encoder"] or NONE).partition("@")[0]
        return offered(self, choices, content)


def _words(trial: "Trial", algorithm: SparkAlgorithm, embeds: bool) -> dict[str, Any]:
    """Choose the words; beside an encoder only linear models read any."""
    if embeds and algorithm not in LINEAR:
        return {"longest": 0}
    return {
        "longest": trial.suggest_int("longest", 1, 3) if algorithm in LINEAR else 1,
        "min_df": trial.suggest_int("min_df", 1, 5),
        "stop_words": trial.suggest_categorical("stop_words", [False, True]),
        "stem": trial.suggest_categorical("stem", [False, True]),
    }
