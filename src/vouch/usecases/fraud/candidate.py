"""What a search over models of payments tries: frozen and JSON-able."""

from typing import Literal, get_args

from pydantic import Field, field_validator

from vouch.models.proposal import FOREST, XGBOOST, Hyperparameter, Proposal
from vouch.models.strength import RuleWeight

Algorithm = Literal["decision_tree", "logistic_regression", "random_forest", "xgboost"]
Imbalance = Literal["none", "weights", "undersampling"]
Unripe = Literal["all", "weighted", "left_out"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
HYPERPARAMETERS: dict[str, frozenset[str]] = {
    "decision_tree": frozenset(["criterion", "max_depth", "min_samples_leaf", "max_features"]),
    "logistic_regression": frozenset(["C", "transform"]),
    "random_forest": FOREST,
    "xgboost": XGBOOST | {"gamma", "max_bin"},
}


class Candidate(Proposal):
    """What to fit, and on which part of the features: frozen, JSON-able, without a threshold.

    Attributes:
        algorithm: The learner.
        hyperparameters: Its settings, and ``ratio`` for undersampling; others than
            ``HYPERPARAMETERS`` names are an error, those left out take the library's default.
        imbalance: How the rarity of positives is treated. ``weights`` balances the classes'
            weights; ``undersampling`` keeps every positive and draws ``ratio`` (> 0, default 20)
            negatives for each. With both, predictions are corrected back, see ``fit``.
        groups: Feature groups used; empty means all.
        windows: Windows used, such as ``7d``; empty means all.
        rule_weight: What a row weighs whose label is the rule's, above 0; others weigh 1.
        spurious: Features people marked as right for the wrong reasons: it goes without them.
        unripe: What becomes of rows that have the rule's label because their truth may still come:
            ``weighted`` multiplies the weight of negatives by the share of truth that has come at
            their age.
    """

    algorithm: Algorithm
    imbalance: Imbalance = "none"
    groups: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    rule_weight: RuleWeight = 1.0
    spurious: tuple[str, ...] = ()
    unripe: Unripe = Field(default="all", exclude_if=lambda choice: choice == "all")

    @field_validator("hyperparameters")
    @classmethod
    def _positive_ratio(cls, value: dict[str, Hyperparameter]) -> dict[str, Hyperparameter]:
        ratio = value.get("ratio", 1)
        if not isinstance(ratio, int | float) or ratio <= 0:
            raise ValueError(f"ratio must be a number above 0, got {ratio!r}")
        return value

    def allowed(self) -> frozenset[str]:
        """Return the hyperparameters of the algorithm, and of undersampling where it is used."""
        more = {"ratio"} if self.imbalance == "undersampling" else set()
        return HYPERPARAMETERS[self.algorithm] | more

    def settings(self) -> dict[str, object]:
        """Return the settings that MLflow logs."""
        chosen = {"groups": ",".join(self.groups), "windows": ",".join(self.windows)}
        spurious = {"spurious": ",".join(self.spurious)} if self.spurious else {}
        unripe = {} if self.unripe == "all" else {"unripe": self.unripe}
        return super().settings() | chosen | {"rule_weight": self.rule_weight} | spurious | unripe
