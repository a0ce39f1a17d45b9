"""Where the search for a text model looks: learners, their hyperparameters, the preparation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

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
from vouch.usecases.sentiment.candidate import (
    LINEAR,
    TOGETHER,
    Algorithm,
    Candidate,
    Preparation,
)
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
    "voting": {
        "C": Range(0.1, 4.0, log=True),
        "partner": ("linear_svm", "naive_bayes"),
        "share": Range(0.3, 0.9),
    },
    "stacking": {
        "C": Range(0.1, 4.0, log=True),
        "partner": ("linear_svm", "naive_bayes"),
        "final_C": Range(0.01, 10.0, log=True),
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
    "voting": {"C": 1.0, "partner": "linear_svm", "share": 0.6},
    "stacking": {"C": 1.0, "partner": "linear_svm", "final_C": 1.0},
}
LINES = LINEAR | TOGETHER
"""Learners that are linear in n-grams, or made of such: any number of n-grams suits them."""
LOGISTIC = frozenset[Algorithm](["logistic_regression", *TOGETHER])
"""Learners that are a logistic regression, or begin with one."""
PREPARED = ("words", "words_min_df", "vader", "characters", "characters_min_df")
NONE = "none"
EMBEDDING_WEIGHT, EMBEDDING_START = Range(0.01, 0.1, log=True), 0.03
"""The standardised numbers of one encoder, times this, have about the length of the n-grams."""
C_WITH_EMBEDDINGS = 0.5
SELECT = 3_000  # n-grams a forest is given: each of its splits looks through all of them


@dataclass(frozen=True)
class TextSpace:
    """The space of text models.

    Attributes:
        cleaning: The declared cleaning.
        encoders: Those whose sentence embeddings may be used, by identity, the preferred first.
        mixed: Whether the rows have labels of a rule and stronger ones, so that the rule's may
            weigh less.
    """

    cleaning: Cleaning = field(default_factory=Cleaning)
    encoders: tuple[str, ...] = ()
    mixed: bool = False

    def start(self, algorithm: str) -> dict[str, Any]:
        """Return the choices an algorithm begins with, as ``suggest`` names them."""
        name = cast(Algorithm, algorithm)
        chosen: dict[str, Any] = {f"{name}.{k}": value for k, value in STARTS[name].items()}
        shared: dict[str, Any] = {"algorithm": name, "imbalance": "weights", "words": "1-2"}
        shared |= {"words_min_df": 2, "vader": True, "elongations": False}
        if self.encoders and name != "naive_bayes":
            # a search begins with the preferred encoder alone and with all: which is better differs
            shared["encoders"] = self._offers[-1 if name in LOGISTIC else 1]
            if name in LINES:
                shared["embedding_weight"] = EMBEDDING_START
            if name in LOGISTIC:
                chosen[f"{name}.C"] = C_WITH_EMBEDDINGS
        if name in LINES:
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
        candidate = Candidate.model_construct(
            algorithm=algorithm,
            hyperparameters=hyperparameters,
            imbalance=trial.suggest_categorical("imbalance", ["weights", "none"]),
            preparation=self._preparation(trial, algorithm),
            rule_weight=choose_rule_weight(trial, self.mixed),
            members=(),
        )
        content = candidate.model_dump()
        return Candidate.model_validate(content | {"members": _members(content)})

    def _preparation(self, trial: "Trial", algorithm: Algorithm) -> Preparation:
        """Choose a preparation; trees get words only, the n-grams that tell classes apart."""
        choices: dict[str, Any] = {
            "words": trial.suggest_categorical("words", ["1-1", "1-2", "1-3"]),
            "words_min_df": trial.suggest_int("words_min_df", 1, 5),
            "vader": trial.suggest_categorical("vader", [True, False]),
        }
        if self.encoders and algorithm != "naive_bayes":
            choices |= self._embeddings(trial, algorithm)
        if algorithm in LINES:
            choices["characters"] = trial.suggest_categorical("characters", ["none", "2-4", "3-5"])
            if choices["characters"] != "none":
                choices["characters_min_df"] = trial.suggest_int("characters_min_df", 2, 6)
        else:
            choices["select"] = SELECT
        longer = trial.suggest_categorical("elongations", [False, True])
        cleaning = self.cleaning.model_copy(update={"elongations": longer})
        return Preparation(cleaning=cleaning, **choices)

    @property
    def _offers(self) -> list[str]:
        """No encoder, each, and several together, as a trial names them."""
        names = [identity.partition("@")[0] for identity in self.encoders]
        several = [c for size in range(1, len(names) + 1) for c in combinations(names, size)]
        return [NONE, *map("+".join, several)]

    def _embeddings(self, trial: "Trial", algorithm: Algorithm) -> dict[str, Any]:
        """Choose encoders and, where scale matters, what their numbers weigh beside n-grams."""
        names = trial.suggest_categorical("encoders", self._offers).split("+")
        chosen = tuple(each for each in self.encoders if each.partition("@")[0] in names)
        if not chosen or algorithm not in LINES:
            return {"encoders": chosen}
        weight = choose(trial, "embedding_weight", EMBEDDING_WEIGHT)
        return {"encoders": chosen, "embedding_weight": weight}

    def read(self, content: Any) -> Candidate:
        """Return a candidate from its JSON."""
        return Candidate.model_validate(content)

    def choices(self, content: Any) -> dict[str, Any] | None:
        """Return the choices behind a candidate; see :class:`vouch.models.proposal.Space`."""
        try:
            content = self.read(content).model_dump(mode="json")  # an earlier release's as well
        except ValidationError:
            return None
        preparation = content["preparation"]
        choices = shared_choices(content, SPACE[content["algorithm"]]) | {
            "rule_weight": content["rule_weight"]
        }
        choices |= {name: preparation[name] for name in PREPARED}
        names = [identity.partition("@")[0] for identity in preparation["encoders"]]
        choices["encoders"] = "+".join(names) or NONE
        choices["embedding_weight"] = preparation["embedding_weight"]
        choices["elongations"] = preparation["cleaning"]["elongations"]
        # what was marked since is left out of the same choices
        cleaning = preparation["cleaning"] | {"without": self.cleaning.without}
        content |= {"preparation": preparation | {"cleaning": cleaning}}
        return offered(self, choices, content | {"members": _members(content)})


def _members(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the models of a candidate that is made of two.

    A logistic regression and a partner with its own default; both read everything, but naive Bayes,
    which reads words and VADER alone.
    """
    if content["algorithm"] not in TOGETHER:
        return []
    settings, preparation = content["hyperparameters"], content["preparation"]
    partner: Algorithm = settings["partner"]
    read = preparation
    if partner == "naive_bayes":
        read = preparation | {"encoders": (), "embedding_weight": None, "characters": "none"}
    first = {"algorithm": "logistic_regression", "hyperparameters": {"C": settings["C"]}}
    second = {"algorithm": partner, "hyperparameters": STARTS[partner], "preparation": read}
    alone = content | {"members": ()}
    return [alone | first, alone | second]
