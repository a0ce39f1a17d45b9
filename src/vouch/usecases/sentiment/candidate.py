"""What a search over text models tries: frozen and JSON-able, the preparation included."""

from typing import Literal

from pydantic import Field, model_validator

from vouch.models.proposal import FOREST, XGBOOST, Proposal
from vouch.models.strength import RuleWeight
from vouch.sources.declaration import Strict
from vouch.usecases.sentiment.cleaning import Cleaning

Algorithm = Literal["naive_bayes", "logistic_regression", "linear_svm", "random_forest", "xgboost"]
Group = Literal["words", "characters", "vader", "embeddings"]
Words = Literal["none", "1-1", "1-2", "1-3"]
Characters = Literal["none", "2-4", "3-5"]
Imbalance = Literal["none", "weights"]

ALGORITHMS: tuple[Algorithm, ...] = (
    "naive_bayes",
    "logistic_regression",
    "linear_svm",
    "random_forest",
    "xgboost",
)
LINEAR: frozenset[Algorithm] = frozenset(["naive_bayes", "logistic_regression", "linear_svm"])
HYPERPARAMETERS: dict[Algorithm, frozenset[str]] = {
    "naive_bayes": frozenset(["alpha", "complement"]),
    "logistic_regression": frozenset(["C"]),
    "linear_svm": frozenset(["C"]),
    "random_forest": FOREST,
    "xgboost": XGBOOST,
}


class Preparation(Strict):
    """From a text to numbers.

    Attributes:
        cleaning: What is done before anything is counted; VADER reads the text as it came, but for
            the words to drop.
        words: Shortest and longest n-grams of words.
        characters: Shortest and longest n-grams of characters within words (``char_wb``).
        words_min_df: Texts a word n-gram must occur in, 1 to 1,000.
        characters_min_df: Texts a character n-gram must occur in, 1 to 1,000.
        vader: Whether VADER's scores are features.
        embeddings: Whether sentence embeddings are features.
        select: The n-grams kept, those of the highest chi-squared with the label; None: all.
    """

    cleaning: Cleaning = Cleaning()
    words: Words = "1-2"
    characters: Characters = "none"
    words_min_df: int = Field(default=2, ge=1, le=1_000)
    characters_min_df: int = Field(default=3, ge=1, le=1_000)
    vader: bool = True
    embeddings: bool = False
    select: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _something(self) -> "Preparation":
        if not self.groups:
            raise ValueError("uses no feature group: give words, characters, vader or embeddings")
        return self

    @property
    def groups(self) -> tuple[Group, ...]:
        """The feature groups in use, in the order a model takes them."""
        used: dict[Group, bool] = {
            "words": self.words != "none",
            "characters": self.characters != "none",
            "vader": self.vader,
            "embeddings": self.embeddings,
        }
        return tuple(group for group, enabled in used.items() if enabled)


class Candidate(Proposal):
    """What to fit on which preparation.

    Attributes:
        algorithm: The learner; the SVM's decisions are calibrated by one temperature.
        hyperparameters: Its settings; others than ``HYPERPARAMETERS`` names are an error, those
            left out take the library's default. ``complement`` (0 or 1) asks for the complement
            naive Bayes (Rennie et al. 2003), which suits unequal classes.
        imbalance: ``weights`` gives every class the same weight: probabilities are then those of
            equally common classes, and the likeliest class is the one for macro-recall.
        preparation: From text to numbers.
        rule_weight: What a row weighs whose label is the rule's, above 0; others weigh 1.
    """

    algorithm: Algorithm
    imbalance: Imbalance = "weights"
    preparation: Preparation = Preparation()
    rule_weight: RuleWeight = 1.0

    def allowed(self) -> frozenset[str]:
        """Return the hyperparameters of the algorithm."""
        return HYPERPARAMETERS[self.algorithm]

    @model_validator(mode="after")
    def _check_embeddings(self) -> "Candidate":
        if self.algorithm == "naive_bayes" and self.preparation.embeddings:
            raise ValueError(
                "naive_bayes counts: it cannot take embeddings, which are negative too"
            )
        return self

    def settings(self) -> dict[str, object]:
        """Return the settings that MLflow logs."""
        values = self.preparation.model_dump(exclude={"cleaning"})
        values["rule_weight"] = self.rule_weight
        cleaning = self.preparation.cleaning.model_dump()
        return super().settings() | values | {f"cleaning.{k}": v for k, v in cleaning.items()}
