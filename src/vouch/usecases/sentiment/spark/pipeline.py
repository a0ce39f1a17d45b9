"""Spark NLP's annotators and Spark ML's learners as pipelines from a column ``text``.

A pipeline takes texts as they came: what scikit-learn's models clean beforehand is done by the
tokenizer and the normalizer, so that a saved pipeline needs nothing of ours. It is fitted in two
halves with the tokens kept in between, because Spark computes a table anew for each pass over it.
"""

from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.spark.candidate import LINEAR, SparkCandidate

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame

# before an emoji that no joiner binds to the one before, between an emoji and a word, before a hash
SPLIT = (
    r"(?<!\x{200d})(?=\p{So})"
    r"|(?<=[\x{dc00}-\x{dfff}\x{fe0f}])(?=[\p{L}\p{N}#@])"
    r"|(?<=[\p{L}\p{N}])(?=#)"
)
# tokens that go: links, handles, what an HTML entity leaves; signs, emoji and hashtags stay
NOISE = (r"(?U)^(?:https?://|www\.|pic\.twitter\.com/).*", r"(?U)^@\w+.*", r"^&\w+$")
TOKENS, GRAMS, WORDS = "words", "grams", "vocabulary"
CLASS = "class"  # ClassifierDL's output
WIDEST = 1 << 18  # n-grams kept at most, the most frequent ones
LONGEST_WORDS = 1_000  # words of a text that word vectors are learned from


def fit(candidate: SparkCandidate, rows: "DataFrame", count: int, seed: int) -> "PipelineModel":
    """Fit a candidate's pipeline.

    Args:
        candidate: What to fit.
        rows: Columns text, code (the class as a double, from 0) and weight.
        count: How many rows there are.
        seed: Seed of every random choice, 0 to 2**31 - 1.

    Returns:
        The fitted pipeline, from ``text`` to ``probability`` or ClassifierDL's ``class``.

    Raises:
        VouchError: No n-gram is left.
    """
    from pyspark.ml import Pipeline, PipelineModel

    front = Pipeline(stages=_front(candidate)).fit(rows)
    tokens = front.transform(rows).persist()
    stages = _back(candidate, count, seed)
    try:
        stages[0] = _vocabulary(candidate, stages[0], tokens)
        back = Pipeline(stages=stages).fit(tokens)
    finally:
        tokens.unpersist()
    return PipelineModel([*front.stages, *back.stages])


def _vocabulary(candidate: SparkCandidate, first: Any, tokens: "DataFrame") -> Any:
    """Fit the stage that counts n-grams or learns word vectors, and see that it found any."""
    from pyspark.errors import IllegalArgumentException

    try:
        fitted = first.fit(tokens)
        if candidate.algorithm not in LINEAR or fitted.vocabulary:
            return fitted
    except IllegalArgumentException as error:
        if "vocabulary size should be > 0" not in str(error):
            raise
    raise VouchError(
        f"no n-gram stands in {candidate.min_df} texts or more",
        "give more texts, or a lower min_df",
    )


def _front(candidate: SparkCandidate) -> list[Any]:
    """Return the stages that turn texts into tokens; none of them learns."""
    from sparknlp.base import DocumentAssembler, Finisher

    document = DocumentAssembler().setInputCol("text").setOutputCol("document")
    stages, last = _tokens(candidate)
    if candidate.algorithm not in LINEAR:
        return [document, *stages]
    grams = _grams(last, candidate.longest)
    finisher = Finisher().setInputCols([grams.getOutputCol()]).setOutputCols([GRAMS])
    return [document, *stages, grams, finisher.setCleanAnnotations(True)]


def _tokens(candidate: SparkCandidate) -> tuple[list[Any], str]:
    """Return the stages from document to tokens, and the name of the tokens' column."""
    from sparknlp.annotator import Normalizer, Stemmer, StopWordsCleaner, Tokenizer

    steps: list[Any] = [Tokenizer().setSplitPattern(SPLIT)]
    steps.append(Normalizer().setLowercase(True).setCleanupPatterns(list(NOISE)))
    if candidate.stop_words:
        steps.append(StopWordsCleaner())
    if candidate.stem:
        steps.append(Stemmer())
    names = ["document", *(f"step_{number}" for number in range(1, len(steps))), TOKENS]
    for step, before, after in zip(steps, names, names[1:], strict=False):
        step.setInputCols([before]).setOutputCol(after)
    return steps, TOKENS


def _grams(column: str, longest: int) -> Any:
    from sparknlp.annotator import NGramGenerator

    grams = NGramGenerator().setInputCols([column]).setOutputCol("annotated_grams")
    return grams.setN(longest).setEnableCumulative(True).setDelimiter(" ")


def _back(candidate: SparkCandidate, count: int, seed: int) -> list[Any]:
    """Return the stages that learn."""
    if candidate.algorithm == "classifier_dl":
        return [*_vectors(candidate, seed), _network(candidate, seed)]
    learner = {"logistic_regression": _regression, "naive_bayes": _bayes}[candidate.algorithm]
    return [*_numbers(candidate), learner(candidate, count)]


def _numbers(candidate: SparkCandidate) -> list[Any]:
    """Return TF-IDF scaled to length 1: without it logistic regression loses ten points."""
    from pyspark.ml.feature import IDF, CountVectorizer, Normalizer

    minimum = float(candidate.min_df)
    return [
        CountVectorizer(inputCol=GRAMS, outputCol="counts", minDF=minimum, vocabSize=WIDEST),
        IDF(inputCol="counts", outputCol="weighed"),
        Normalizer(inputCol="weighed", outputCol="features", p=2.0),
    ]


def _regression(candidate: SparkCandidate, count: int) -> Any:
    from pyspark.ml.classification import LogisticRegression

    return LogisticRegression(
        labelCol="code",
        weightCol="weight",
        family="multinomial",
        standardization=False,
        # scikit-learn's C: Spark takes the mean of the losses, not their sum
        regParam=1.0 / (count * float(candidate.setting("C", 1.0) or 1.0)),
        tol=1e-4,
    )


def _bayes(candidate: SparkCandidate, count: int) -> Any:
    from pyspark.ml.classification import NaiveBayes

    smoothing = float(candidate.setting("alpha", 0.3) or 0.0)
    return NaiveBayes(labelCol="code", weightCol="weight", smoothing=smoothing)


def _vectors(candidate: SparkCandidate, seed: int) -> list[Any]:
    """Return the stages that learn a vector for each word, and average a text's."""
    from sparknlp.annotator import SentenceEmbeddings, Word2VecApproach

    vectors = Word2VecApproach().setInputCols([TOKENS]).setOutputCol("vectors")
    vectors.setVectorSize(int(candidate.setting("dimensions", 100) or 100)).setSeed(seed)
    vectors.setMinCount(candidate.min_df).setMaxSentenceLength(LONGEST_WORDS)
    mean = SentenceEmbeddings().setInputCols(["document", "vectors"]).setOutputCol("embeddings")
    return [vectors, mean.setPoolingStrategy("AVERAGE")]


def _network(candidate: SparkCandidate, seed: int) -> Any:
    from sparknlp.annotator import ClassifierDLApproach

    network = ClassifierDLApproach().setInputCols(["embeddings"]).setOutputCol(CLASS)
    network.setLabelColumn("code").setRandomSeed(seed)
    network.setMaxEpochs(int(candidate.setting("epochs", 10) or 10))
    network.setBatchSize(int(candidate.setting("batch_size", 64) or 64))
    return network.setLr(float(candidate.setting("learning_rate", 5e-3) or 5e-3))


def annotating(model: "PipelineModel") -> "PipelineModel":
    """Return what a LightPipeline runs of a pipeline: Spark NLP's own stages, no Finisher."""
    from pyspark.ml import PipelineModel

    own = [stage for stage in model.stages if type(stage).__module__.startswith("sparknlp")]
    return PipelineModel([stage for stage in own if type(stage).__name__ != "Finisher"])
