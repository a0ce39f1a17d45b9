"""What a search chooses from: numbers of a range, one of several."""

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from vouch.models.proposal import C, Hyperparameter, Space

if TYPE_CHECKING:
    from optuna import Trial

ALL = "all"


class Range(NamedTuple):
    """Numbers to choose from, ends included; whole ones if both ends are."""

    low: float
    high: float
    log: bool = False


Choices = Range | tuple[Hyperparameter, ...]

RULE_WEIGHT, RULE_START = Range(0.001, 1.0, log=True), 0.01
"""What a row with a rule's label may weigh beside a person's, and what a search begins with."""


def shared_choices(content: Mapping[str, Any], space: Iterable[str]) -> dict[str, Any]:
    """Return the choices behind what every candidate has: learner, imbalance, hyperparameters.

    Args:
        content: The candidate as JSON.
        space: Names of the hyperparameters that are chosen for its learner.
    """
    algorithm, settings = content["algorithm"], content["hyperparameters"]
    own = {f"{algorithm}.{name}": settings[name] for name in space}
    return {"algorithm": algorithm, "imbalance": content["imbalance"], **own}


def offered(space: "Space[C]", choices: dict[str, Any], content: Any) -> dict[str, Any] | None:
    """Return choices if a space offers them and they make a candidate, else None.

    Args:
        space: Where a search looks.
        choices: By the names ``suggest`` asks for.
        content: The candidate as JSON.
    """
    from optuna.trial import FixedTrial

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Optuna only warns of a value out of range
        try:
            candidate = space.suggest(FixedTrial(choices), [choices["algorithm"]])
            return choices if candidate == space.read(content) else None
        except (ValueError, UserWarning):
            return None


def choose_rule_weight(trial: "Trial", mixed: bool) -> float:
    """Suggest the weight of a rule's labels, if the rows have stronger ones too."""
    if not mixed:
        return 1.0
    return trial.suggest_float("rule_weight", RULE_WEIGHT.low, RULE_WEIGHT.high, log=True)


def choose(trial: "Trial", name: str, choices: Choices) -> Hyperparameter:
    """Suggest one of several choices, or a number of a range."""
    if not isinstance(choices, Range):
        return trial.suggest_categorical(name, list(choices))
    if isinstance(choices.low, int):
        return trial.suggest_int(name, choices.low, int(choices.high), log=choices.log)
    return trial.suggest_float(name, choices.low, choices.high, log=choices.log)
