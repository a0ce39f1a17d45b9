"""Where the search looks: algorithms, their hyperparameters, imbalance, and the preparation.

Ranges stay on the regular side (leaves of at least 5 rows, trees of at most 8 levels in boosting):
a model may be fitted on simulated or past rows and used on others.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from vouch.models.proposal import Hyperparameter
from vouch.models.space import (
    ALL,
    RULE_START,
    Choices,
    Range,
    choose,
    choose_rule_weight,
    offered,
    shared_choices,
)
from vouch.results.extract import FeatureSummary
from vouch.sources.declaration import parse_duration
from vouch.usecases.fraud.candidate import Algorithm, Candidate, Unripe

if TYPE_CHECKING:
    from optuna import Trial


SPACE: dict[Algorithm, dict[str, Choices]] = {
    "decision_tree": {
        "criterion": ("gini", "entropy"),
        "max_depth": Range(3, 12),
        "min_samples_leaf": Range(5, 200, log=True),
    },
    "logistic_regression": {
        "C": Range(1e-3, 10.0, log=True),
        "transform": ("log", "quantile"),
    },
    "random_forest": {
        "n_estimators": Range(40, 120),
        "max_depth": Range(6, 16),
        "min_samples_leaf": Range(2, 50, log=True),
        "max_features": Range(0.05, 0.5, log=True),
    },
    "xgboost": {
        "n_estimators": Range(50, 400, log=True),
        "learning_rate": Range(0.03, 0.3, log=True),
        "max_depth": Range(3, 8),
        "min_child_weight": Range(1.0, 50.0, log=True),
        "subsample": Range(0.6, 1.0),
        "colsample_bytree": Range(0.5, 1.0),
        "reg_lambda": Range(0.5, 20.0, log=True),
        "max_bin": (256, 1024),
    },
}
STARTS: dict[Algorithm, dict[str, Hyperparameter]] = {
    "decision_tree": {"criterion": "gini", "max_depth": 7, "min_samples_leaf": 20},
    "logistic_regression": {"C": 1.0, "transform": "log"},
    "random_forest": {
        "n_estimators": 60,
        "max_depth": 12,
        "min_samples_leaf": 3,
        "max_features": 0.2,
    },
    "xgboost": {
        "n_estimators": 150,
        "learning_rate": 0.1,
        "max_depth": 5,
        "min_child_weight": 3.0,
        "subsample": 0.9,
        "colsample_bytree": 0.8,
        "reg_lambda": 2.0,
        "max_bin": 256,
    },
}
UNRIPE: tuple[Unripe, ...] = get_args(Unripe)
"""What may become of rows whose truth may still come; a search begins with the first."""
EVEN: tuple[Unripe, ...] = tuple(choice for choice in UNRIPE if choice != "weighted")
"""The same where truth comes of every row: age does not tell which label it will be."""


@dataclass(frozen=True)
class Offer:
    """The features there are.

    Attributes:
        features: Name, group and window of each, from extract's summary.
        mixed: Whether the rows have labels of a rule and stronger ones, so that the rule's may
            weigh less.
        spurious: Features there are beside these that no candidate may use.
        unripe: Whether truth may still come of rows that have the rule's label, so that these may
            be left out.
        one_sided: Whether truth comes of positives alone, so that unripe negatives may weigh less.
    """

    features: tuple[tuple[str, str, str | None], ...]
    mixed: bool = False
    spurious: tuple[str, ...] = ()
    unripe: bool = False
    one_sided: bool = False

    @classmethod
    def of(cls, features: Iterable[FeatureSummary], spurious: Collection[str] = ()) -> "Offer":
        """Return what extract's features offer without the spurious ones."""
        whole = [(f["name"], f["group"], f["window"]) for f in features]
        left_out = tuple(name for name, *_ in whole if name in spurious)
        return cls(tuple(f for f in whole if f[0] not in spurious), spurious=left_out)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, in the features' order."""
        return tuple(dict.fromkeys(group for _, group, _ in self.features))

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows, the shortest first."""
        return tuple(sorted({w for *_, w in self.features if w}, key=parse_duration))

    def columns(self, candidate: Candidate) -> tuple[str, ...]:
        """Return the features a candidate uses; no groups or no windows mean all of them."""
        groups, windows = candidate.groups or self.groups, candidate.windows or self.windows
        return tuple(
            name
            for name, group, window in self.features
            if group in groups and (window is None or window in windows)
        )

    def start(self, algorithm: str) -> dict[str, Any]:
        """Return the choices an algorithm begins with, see :func:`start`."""
        chosen = start(cast(Algorithm, algorithm))
        ripe = {"unripe": UNRIPE[0]} if self.unripe else {}
        return chosen | ({"rule_weight": RULE_START} if self.mixed else {}) | ripe

    def suggest(self, trial: "Trial", algorithms: Sequence[str]) -> Candidate:
        """Suggest a candidate to a trial, see :func:`suggest`."""
        return suggest(trial, self, cast(Sequence[Algorithm], algorithms))

    def read(self, content: Any) -> Candidate:
        """Return a candidate from its JSON."""
        return Candidate.model_validate(content)

    def choices(self, content: Any) -> dict[str, Any] | None:
        """Return the choices behind a candidate; see :class:`vouch.models.proposal.Space`."""
        choices = shared_choices(content, SPACE[content["algorithm"]]) | {
            "rule_weight": content["rule_weight"],
            "unripe": content.get("unripe", UNRIPE[0]),
        }
        if content["imbalance"] == "undersampling":
            choices["ratio"] = content["hyperparameters"]["ratio"]
        left_out = next((g for g in self.groups if g not in content["groups"]), None)
        choices |= {"preparation": "all_but_one" if left_out else ALL, "left_out": left_out}
        windows = tuple(content["windows"])
        choices["longest_window"] = ALL if windows in ((), self.windows) else windows[-1]
        # what was marked since is left out of the same choices
        return offered(self, choices, content | {"spurious": self.spurious})


def start(algorithm: Algorithm) -> dict[str, Any]:
    """Return the choices every search begins with: a sound default on all features."""
    chosen = {f"{algorithm}.{name}": value for name, value in STARTS[algorithm].items()}
    return {
        "algorithm": algorithm,
        "imbalance": "none",
        "preparation": ALL,
        "longest_window": ALL,
        **chosen,
    }


def suggest(trial: "Trial", offer: Offer, algorithms: Sequence[Algorithm]) -> Candidate:
    """Suggest a candidate to a trial.

    Args:
        trial: Optuna's trial, asked for each choice by name.
        offer: The features there are.
        algorithms: The algorithms to choose from, at least one.
    """
    algorithm = trial.suggest_categorical("algorithm", list(algorithms))
    hyperparameters = {
        name: choose(trial, f"{algorithm}.{name}", choices)
        for name, choices in SPACE[algorithm].items()
    }
    imbalance = trial.suggest_categorical("imbalance", ["none", "weights", "undersampling"])
    if imbalance == "undersampling":
        hyperparameters["ratio"] = choose(trial, "ratio", Range(5.0, 100.0, log=True))
    return Candidate(
        algorithm=algorithm,
        hyperparameters=hyperparameters,
        imbalance=imbalance,
        groups=_groups(trial, offer),
        windows=_windows(trial, offer),
        rule_weight=choose_rule_weight(trial, offer.mixed),
        spurious=offer.spurious,
        unripe=_unripe(trial, offer),
    )


def _unripe(trial: "Trial", offer: Offer) -> Unripe:
    """Choose what becomes of rows whose truth may still come, if there are any."""
    if not offer.unripe:
        return UNRIPE[0]
    return trial.suggest_categorical("unripe", UNRIPE if offer.one_sided else EVEN)


def _groups(trial: "Trial", offer: Offer) -> tuple[str, ...]:
    """Choose all groups, or all but one; half of the random choices fall on all."""
    if len(offer.groups) < 2:
        return offer.groups
    if trial.suggest_categorical("preparation", [ALL, "all_but_one"]) == ALL:
        return offer.groups
    left_out = trial.suggest_categorical("left_out", list(offer.groups))
    return tuple(group for group in offer.groups if group != left_out)


def _windows(trial: "Trial", offer: Offer) -> tuple[str, ...]:
    """Choose all windows, or those up to a longest one."""
    if len(offer.windows) < 2:
        return offer.windows
    longest = trial.suggest_categorical("longest_window", [ALL, *offer.windows[:-1]])
    count = len(offer.windows) if longest == ALL else offer.windows.index(longest) + 1
    return offer.windows[:count]
