"""What a search over text models tries: frozen and JSON-able, the preparation included."""

from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from vouch.models.proposal import FOREST, XGBOOST, Proposal
from vouch.models.strength import RuleWeight
from vouch.sources.declaration import Strict
from vouch.usecases.sentiment.cleaning import Cleaning

Algorithm = Literal[
    "naive_bayes",
    "logistic_regression",
    "linear_svm",
    "random_forest",
    "xgboost",
    "voting",
    "stacking",
]
Group = Literal["words", "characters", "vader", "embeddings"]
Words = Literal["none", "1-1", "1-2", "1-3"]
Characters = Literal["none", "2-4", "3-5"]
Imbalance = Literal["none", "weights"]

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
SEARCHED: tuple[Algorithm, ...] = ALGORITHMS[:5]
"""What is searched by default; where there are sentence encoders, voting too.

Stacking is searched only where it is named: it fits each of its models four times.
"""
TOGETHER: frozenset[Algorithm] = frozenset(["voting", "stacking"])
LINEAR: frozenset[Algorithm] = frozenset(["naive_bayes", "logistic_regression", "linear_svm"])
HYPERPARAMETERS: dict[Algorithm, frozenset[str]] = {
    "naive_bayes": frozenset(["alpha", "complement"]),
    "logistic_regression": frozenset(["C"]),
    "linear_svm": frozenset(["C"]),
    "random_forest": FOREST,
    "xgboost": XGBOOST,
    "voting": frozenset(["C", "partner", "share"]),
    "stacking": frozenset(["C", "partner", "final_C"]),
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
        encoders: Whose sentence embeddings are features, each by name and digest
            (:attr:`vouch.usecases.sentiment.embeddings.Encoder.identity`).
        embedding_weight: What a linear model takes the standardised numbers of embeddings times,
            above 0: all rows of n-grams have length 1, and the penalty is one for all; None: it
            takes the numbers as they are.
        select: The n-grams kept, those of the highest chi-squared with the label; None: all.
    """

    cleaning: Cleaning = Cleaning()
    words: Words = "1-2"
    characters: Characters = "none"
    words_min_df: int = Field(default=2, ge=1, le=1_000)
    characters_min_df: int = Field(default=3, ge=1, le=1_000)
    vader: bool = True
    encoders: tuple[str, ...] = ()
    embedding_weight: float | None = Field(default=None, gt=0)
    select: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _migrate(cls, content: Any) -> Any:
        """Read what earlier releases wrote: whether there were embeddings, of one encoder."""
        if not isinstance(content, dict) or "embeddings" not in content:
            return content
        rest = {name: value for name, value in content.items() if name != "embeddings"}
        return rest | {"encoders": ("encoder",) if content["embeddings"] else ()}

    @model_validator(mode="after")
    def _something(self) -> "Preparation":
        if not self.groups:
            raise ValueError("uses no feature group: give words, characters, vader or encoders")
        return self

    @property
    def groups(self) -> tuple[Group, ...]:
        """The feature groups in use, in the order a model takes them."""
        used: dict[Group, bool] = {
            "words": self.words != "none",
            "characters": self.characters != "none",
            "vader": self.vader,
            "embeddings": bool(self.encoders),
        }
        return tuple(group for group, enabled in used.items() if enabled)


class Candidate(Proposal):
    """What to fit on which preparation.

    Attributes:
        algorithm: The learner; the SVM's decisions are calibrated by one temperature. ``voting``
            averages two models' probabilities, ``stacking`` learns how far to follow each.
        hyperparameters: Its settings; others than ``HYPERPARAMETERS`` names are an error, those
            left out take the library's default. ``complement`` (0 or 1) asks for the complement
            naive Bayes (Rennie et al. 2003), which suits unequal classes.
        imbalance: ``weights`` gives every class the same weight: probabilities are then those of
            equally common classes, and the likeliest class is the one for macro-recall.
        preparation: From text to numbers.
        members: The models that vote or are stacked, each with a preparation of its own; the
            preparation here is the first one's.
        rule_weight: What a row weighs whose label is the rule's, above 0; others weigh 1.
    """

    algorithm: Algorithm
    imbalance: Imbalance = "weights"
    preparation: Preparation = Preparation()
    rule_weight: RuleWeight = 1.0
    members: tuple["Candidate", ...] = ()

    def allowed(self) -> frozenset[str]:
        """Return the hyperparameters of the algorithm."""
        return HYPERPARAMETERS[self.algorithm]

    @model_validator(mode="after")
    def _check_embeddings(self) -> "Candidate":
        if self.algorithm == "naive_bayes" and self.preparation.encoders:
            raise ValueError(
                "naive_bayes counts: it cannot take embeddings, which are negative too"
            )
        return self

    @model_validator(mode="after")
    def _check_members(self) -> "Candidate":
        wanted = 2 if self.algorithm in TOGETHER else 0
        if len(self.members) != wanted or any(each.members for each in self.members):
            raise ValueError(f"{self.algorithm} has {wanted} members, each a model by itself")
        return self

    @property
    def preparations(self) -> list[Preparation]:
        """The preparations of all models it is made of."""
        return [each.preparation for each in self.members or (self,)]

    def settings(self) -> dict[str, object]:
        """Return the settings that MLflow logs."""
        values = self.preparation.model_dump(exclude={"cleaning"})
        values["rule_weight"] = self.rule_weight
        cleaning = self.preparation.cleaning.model_dump()
        return super().settings() | values | {f"cleaning.{k}": v for k, v in cleaning.items()}
