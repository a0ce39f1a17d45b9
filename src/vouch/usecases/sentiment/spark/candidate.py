"""What a search over Spark's text models tries: frozen and JSON-able."""

from typing import Literal, get_args

from pydantic import Field, model_validator

from vouch.models.proposal import Proposal

SparkAlgorithm = Literal[
    "logistic_regression", "naive_bayes", "classifier_dl", "linear_svm", "random_forest"
]

ALGORITHMS: tuple[SparkAlgorithm, ...] = get_args(SparkAlgorithm)
LINEAR: frozenset[SparkAlgorithm] = frozenset(["logistic_regression", "naive_bayes", "linear_svm"])
HYPERPARAMETERS: dict[SparkAlgorithm, frozenset[str]] = {
    "logistic_regression": frozenset(["C"]),
    "naive_bayes": frozenset(["alpha"]),
    "classifier_dl": frozenset(["dimensions", "epochs", "learning_rate", "batch_size"]),
    "linear_svm": frozenset(["C"]),
    "random_forest": frozenset(["n_estimators", "max_depth", "min_samples_leaf"]),
}


class SparkCandidate(Proposal):
    """What to fit on Spark.

    Attributes:
        algorithm: Logistic regression, naive Bayes, a linear SVM (one a class, calibrated by one
            temperature) or a random forest on n-grams and sentence embeddings, or Spark NLP's
            ClassifierDL on sentence embeddings alone: without an encoder those are averaged word
            vectors learned from the same texts.
        hyperparameters: Its settings; others than ``HYPERPARAMETERS`` names are an error, those
            left out take the defaults of :data:`vouch.usecases.sentiment.spark.space.STARTS`.
        imbalance: ``weights`` gives every class the same weight; ClassifierDL, which takes no
            weights, sees rows of rarer classes several times instead.
        longest: Words of the longest n-gram, 0 to 3; word vectors take single words. 0: sentence
            embeddings alone.
        min_df: Texts an n-gram must occur in, or times a word must occur, 1 to 1,000.
        stop_words: Whether English stop words are left out; an encoder reads them all the same.
        stem: Whether words are cut to their stems; an encoder reads them whole.
        encoder: Whose sentence embeddings are features, by name and digest
            (:attr:`vouch.usecases.sentiment.embeddings.Encoder.identity`).
        embedding_weight: What a linear model takes the standardised numbers of embeddings times,
            above 0: n-grams have length 1, and the penalty is one for all; None: it takes the
            numbers as they are.
    """

    algorithm: SparkAlgorithm
    imbalance: Literal["none", "weights"] = "weights"
    longest: int = Field(default=2, ge=0, le=3)
    min_df: int = Field(default=2, ge=1, le=1_000)
    stop_words: bool = False
    stem: bool = False
    encoder: str | None = None
    embedding_weight: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _check_features(self) -> "SparkCandidate":
        if self.algorithm == "naive_bayes" and self.encoder:
            raise ValueError(
                "naive_bayes counts: it cannot take embeddings, which are negative too"
            )
        linear = self.encoder and self.algorithm in LINEAR
        if self.embedding_weight is not None and not linear:
            raise ValueError("embedding_weight is for a linear model's encoder: leave it out")
        if not (self.longest or self.encoder):
            raise ValueError("longest 0 uses no n-grams: give an encoder")
        return self

    @property
    def ngrams(self) -> bool:
        """Whether n-grams are features."""
        return self.algorithm != "classifier_dl" and self.longest > 0

    def allowed(self) -> frozenset[str]:
        """Return the hyperparameters of the algorithm."""
        return HYPERPARAMETERS[self.algorithm]

    def settings(self) -> dict[str, object]:
        """Return the settings that MLflow logs."""
        return super().settings() | self.model_dump(exclude={"hyperparameters"})
