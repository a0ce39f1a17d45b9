"""Where the search for a text model looks: learners, their hyperparameters, the preparation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from vouch.models.proposal import Hyperparameter
from vouch.models.space import (
    RULE_START,
    Choices,
    Range,
    choose,
    choose_rule_weight,
    offered,
    shared_choices,
)
from vouch.usecases.sentiment.candidate import LINEAR, Algorithm, Candidate, Preparation
from vouch.usecases.sentiment.cleaning import Cleaning

if TYPE_CHECKING:
    from optuna import Trial

SPACE: dict[Algorithm, dict[str, Choices]] = {
    "naive_bayes": {"alpha": Range(0.03, 3.0, log=True), "complement": (0, 1)},
    "logistic_regression": {"C": Range(0.1, 4.0, log=True)},
    "linear_svm": {"C": Range(0.02, 1.0, log=True)},
    "random_forest": {
        "n_estimators": Range(40, 120),
        "max_depth": Range(20, 60),
        "min_samples_leaf": Range(1, 8, log=True),
    },
    "xgboost": {
        "n_estimators": Range(50, 200, log=True),
        "learning_rate": Range(0.05, 0.4, log=True),
        "max_depth": Range(3, 8),
        "subsample": Range(0.6, 1.0),
        "colsample_bytree": Range(0.3, 1.0),
    },
}
STARTS: dict[Algorithm, dict[str, Hyperparameter]] = {
    "naive_bayes": {"alpha": 0.3, "complement": 0},
    "logistic_regression": {"C": 1.0},
    "linear_svm": {"C": 0.1},
    "random_forest": {"n_estimators": 60, "max_depth": 40, "min_samples_leaf": 2},
    "xgboost": {
        "n_estimators": 80,
        "learning_rate": 0.2,
        "max_depth": 5,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
    },
}
PREPARED = ("words", "words_min_df", "vader", "embeddings", "characters", "characters_min_df")
SELECT = 3_000  # n-grams a forest is given: each of its splits looks through all of them


@dataclass(frozen=True)
class TextSpace:
    """The space of text models.

    Attributes:
        cleaning: The declared cleaning.
        embeddings: Whether there are sentence embeddings to use.
        mixed: Whether the rows have labels of a rule and stronger ones, so that the rule's may
            weigh less.
    """

    cleaning: Cleaning = field(default_factory=Cleaning)
    embeddings: bool = False
    mixed: bool = False

    def start(self, algorithm: str) -> dict[str, Any]:
        """Return the choices an algorithm begins with, as ``suggest`` names them."""
        name = cast(Algorithm, algorithm)
        chosen = {f"{name}.{key}": value for key, value in STARTS[name].items()}
        shared = {"algorithm": name, "imbalance": "weights", "words": "1-2", "words_min_df": 2}
        shared |= {"vader": True, "elongations": False}
        if self.embeddings and name != "naive_bayes":
            shared["embeddings"] = True
        if name in LINEAR:
            shared["characters"] = "none" if name == "naive_bayes" else "3-5"
        if shared.get("characters", "none") != "none":
            shared["characters_min_df"] = 3
        weighed = {"rule_weight": RULE_START} if self.mixed else {}
        return shared | weighed | chosen

    def suggest(self, trial: "Trial", algorithms: Sequence[str]) -> Candidate:
        """Suggest a candidate to a trial.

        Args:
            trial: Optuna's trial, asked for each choice by name.
            algorithms: The algorithms to choose from, at least one.
        """
        algorithm = cast(Algorithm, trial.suggest_categorical("algorithm", list(algorithms)))
        hyperparameters = {
            name: choose(trial, f"{algorithm}.{name}", choices)
            for name, choices in SPACE[algorithm].items()
        }
        return Candidate(
            algorithm=algorithm,
            hyperparameters=hyperparameters,
            imbalance=trial.suggest_categorical("imbalance", ["weights", "none"]),
            preparation=self._preparation(trial, algorithm),
            rule_weight=choose_rule_weight(trial, self.mixed),
        )

    def _preparation(self, trial: "Trial", algorithm: Algorithm) -> Preparation:
        """Choose a preparation; trees get words only, the n-grams that tell classes apart."""
        choices: dict[str, Any] = {
            "words": trial.suggest_categorical("words", ["1-1", "1-2", "1-3"]),
            "words_min_df": trial.suggest_int("words_min_df", 1, 5),
            "vader": trial.suggest_categorical("vader", [True, False]),
        }
        if self.embeddings and algorithm != "naive_bayes":
            choices["embeddings"] = trial.suggest_categorical("embeddings", [True, False])
        if algorithm in LINEAR:
            choices["characters"] = trial.suggest_categorical("characters", ["none", "2-4", "3-5"])
            if choices["characters"] != "none":
                choices["characters_min_df"] = trial.suggest_int("characters_min_df", 2, 6)
        else:
            choices["select"] = SELECT
        longer = trial.suggest_categorical("elongations", [False, True])
        cleaning = self.cleaning.model_copy(update={"elongations": longer})
        return Preparation(cleaning=cleaning, **choices)

    def read(self, content: Any) -> Candidate:
        """Return a candidate from its JSON."""
        return Candidate.model_validate(content)

    def choices(self, content: Any) -> dict[str, Any] | None:
        """Return the choices behind a candidate; see :class:`vouch.models.proposal.Space`."""
        preparation = content["preparation"]
        choices = shared_choices(content, SPACE[content["algorithm"]]) | {
            "rule_weight": content["rule_weight"]
        }
        choices |= {name: preparation[name] for name in PREPARED}
        choices["elongations"] = preparation["cleaning"]["elongations"]
        # what was marked since is left out of the same choices
        cleaning = preparation["cleaning"] | {"without": self.cleaning.without}
        return offered(
            self, choices, content | {"preparation": preparation | {"cleaning": cleaning}}
        )
