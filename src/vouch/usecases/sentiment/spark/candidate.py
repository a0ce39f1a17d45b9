"""What a search over Spark's text models tries: frozen and JSON-able."""

from typing import Literal

from pydantic import Field

from vouch.models.proposal import Proposal

SparkAlgorithm = Literal["logistic_regression", "naive_bayes", "classifier_dl"]

ALGORITHMS: tuple[SparkAlgorithm, ...] = ("logistic_regression", "naive_bayes", "classifier_dl")
LINEAR: frozenset[SparkAlgorithm] = frozenset(["logistic_regression", "naive_bayes"])
HYPERPARAMETERS: dict[SparkAlgorithm, frozenset[str]] = {
    "logistic_regression": frozenset(["C"]),
    "naive_bayes": frozenset(["alpha"]),
    "classifier_dl": frozenset(["dimensions", "epochs", "learning_rate", "batch_size"]),
}


class SparkCandidate(Proposal):
    """What to fit on Spark.

    Attributes:
        algorithm: Logistic regression or naive Bayes on n-grams, or Spark NLP's ClassifierDL on
            averaged word vectors learned from the same texts.
        hyperparameters: Its settings; others than ``HYPERPARAMETERS`` names are an error, those
            left out take the defaults of :data:`vouch.usecases.sentiment.spark.space.STARTS`.
        imbalance: ``weights`` gives every class the same weight; ClassifierDL, which takes no
            weights, sees rows of rarer classes several times instead.
        longest: Words of the longest n-gram, 1 to 3; word vectors take single words.
        min_df: Texts an n-gram must occur in, or times a word must occur, 1 to 1,000.
        stop_words: Whether English stop words are left out.
        stem: Whether words are cut to their stems.
    """

    algorithm: SparkAlgorithm
    imbalance: Literal["none", "weights"] = "weights"
    longest: int = Field(default=2, ge=1, le=3)
    min_df: int = Field(default=2, ge=1, le=1_000)
    stop_words: bool = False
    stem: bool = False

    def allowed(self) -> frozenset[str]:
        """Return the hyperparameters of the algorithm."""
        return HYPERPARAMETERS[self.algorithm]

    def settings(self) -> dict[str, object]:
        """Return the settings that MLflow logs."""
        return super().settings() | self.model_dump(exclude={"hyperparameters"})
