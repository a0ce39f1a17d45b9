"""What a search chooses from: numbers of a range, one of several."""

from typing import TYPE_CHECKING, NamedTuple

from vouch.models.proposal import Hyperparameter

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
