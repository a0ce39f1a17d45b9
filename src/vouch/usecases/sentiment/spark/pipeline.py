"""Spark NLP's annotators and Spark ML's learners as pipelines from a column ``text``.

A pipeline takes texts as they came: what scikit-learn's models clean beforehand is done by the
tokenizer and the normalizer, and for a sentence encoder in SQL, so that a saved pipeline needs
nothing of ours. It is fitted in two halves with the tokens and the embeddings kept in between,
because Spark computes a table anew for each pass over it.
"""

from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.spark import encoder as encoders
from vouch.usecases.sentiment.spark import svm
from vouch.usecases.sentiment.spark.candidate import LINEAR, SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel, Transformer
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
CLASS, FEATURES = "class", "features"  # ClassifierDL's output; other learners' input
WIDEST = 1 << 18  # n-grams kept at most, the most frequent ones
SELECT = 1_000  # the same for a forest: each of its splits looks through some of all
LONGEST_WORDS = 1_000  # words of a text that word vectors are learned from


def fit(
    candidate: SparkCandidate,
    rows: "DataFrame",
    count: int,
    seed: int,
    encoder: SparkEncoder | None = None,
) -> "PipelineModel":
    """Fit a candidate's pipeline.

    Args:
        candidate: What to fit.
        rows: Columns text, code (the class as a double, from 0), weight and group; with an encoder
            also numbers, what its stages would make of the texts.
        count: How many rows there are.
        seed: Seed of every random choice, 0 to 2**31 - 1.
        encoder: The candidate's encoder.

    Returns:
        The fitted pipeline, from ``text`` to ``probability`` or ClassifierDL's ``class``.

    Raises:
        VouchError: No n-gram is left, or an SVM cannot be calibrated.
    """
    from pyspark.ml import Pipeline, PipelineModel

    front = Pipeline(stages=_front(candidate)).fit(rows)
    table = front.transform(rows)
    if encoder:
        table = table.select("*", *encoders.kept(encoder.identity)).drop("numbers")
    stages = _back(candidate, count, seed, encoder.dimensions if encoder else 0)
    table = table.persist()
    try:
        back = _fit_back(candidate, table, stages)
    finally:
        table.unpersist()
    own = [*encoder.stages(), *_finishing(candidate)] if encoder else []
    return PipelineModel([*front.stages, *own, *back])


def _finishing(candidate: SparkCandidate) -> list[Any]:
    return [] if candidate.algorithm == "classifier_dl" else encoders.finishing()


def without_encoder(model: "PipelineModel") -> "PipelineModel":
    """Return a pipeline that takes what an encoder's stages make as columns that are there."""
    from pyspark.ml import PipelineModel

    names = [type(stage).__name__ for stage in model.stages]
    end = names.index(encoders.ANNOTATOR)
    last = end + (2 if encoders.FINISHER in names[end:] else 0)
    return PipelineModel([*model.stages[: end - 2], *model.stages[last + 1 :]])


def _fit_back(
    candidate: SparkCandidate, table: "DataFrame", stages: list[Any]
) -> list["Transformer"]:
    """Fit the stages that learn, the learner on what the others make of the rows."""
    from pyspark.ml import Pipeline

    *stages, learner = stages
    if candidate.ngrams or not candidate.encoder:
        stages[0] = _vocabulary(candidate, stages[0], table)
    prepared = Pipeline(stages=stages).fit(table)
    features = prepared.transform(table)
    if candidate.algorithm == "linear_svm":
        return [*prepared.stages, svm.fit(learner, features)]
    return [*prepared.stages, learner.fit(features)]


def _vocabulary(candidate: SparkCandidate, first: Any, tokens: "DataFrame") -> Any:
    """Fit the stage that counts n-grams or learns word vectors, and see that it found any."""
    from pyspark.errors import IllegalArgumentException

    try:
        fitted = first.fit(tokens)
        if not candidate.ngrams or fitted.vocabulary:
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

    if candidate.encoder and not candidate.ngrams:
        return []
    document = DocumentAssembler().setInputCol("text").setOutputCol("document")
    stages, last = _tokens(candidate)
    if not candidate.ngrams:
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


def _back(candidate: SparkCandidate, count: int, seed: int, dimensions: int) -> list[Any]:
    """Return the stages that learn, the learner last.

    Args:
        candidate: What to fit.
        count: How many rows there are.
        seed: Seed of every random choice.
        dimensions: Numbers of the encoder's embedding, 0 without one.
    """
    if candidate.algorithm == "classifier_dl":
        vectors = [] if candidate.encoder else _vectors(candidate, seed)
        return [*vectors, _network(candidate, seed)]
    if candidate.algorithm == "random_forest":
        return [*_numbers(candidate, dimensions), _forest(candidate, seed)]
    learner = {"logistic_regression": _regression, "naive_bayes": _bayes, "linear_svm": svm.learner}
    return [*_numbers(candidate, dimensions), learner[candidate.algorithm](candidate, count)]


def _numbers(candidate: SparkCandidate, dimensions: int) -> list[Any]:
    """Return the stages from n-grams and the encoder's vector to the column ``features``."""
    from pyspark.ml.feature import VectorAssembler

    parts = [_ngrams(candidate)] if candidate.ngrams else []
    if dimensions:
        parts.append(_embedding(candidate, dimensions))
    columns = [stages[-1].getOutputCol() for stages in parts]
    together = VectorAssembler(inputCols=columns, outputCol=FEATURES)
    return [stage for stages in parts for stage in stages] + [together]


def _ngrams(candidate: SparkCandidate) -> list[Any]:
    """Return TF-IDF scaled to length 1: without it logistic regression loses ten points."""
    from pyspark.ml.feature import IDF, CountVectorizer, Normalizer

    minimum = float(candidate.min_df)
    widest = SELECT if candidate.algorithm == "random_forest" else WIDEST
    return [
        CountVectorizer(inputCol=GRAMS, outputCol="counts", minDF=minimum, vocabSize=widest),
        IDF(inputCol="counts", outputCol="weighed"),
        Normalizer(inputCol="weighed", outputCol="ngrams", p=2.0),
    ]


def _embedding(candidate: SparkCandidate, dimensions: int) -> list[Any]:
    """Return the encoder's vector at length 1 and, for a linear model, on the scale of n-grams."""
    from pyspark.ml.feature import ElementwiseProduct, Normalizer, StandardScaler
    from pyspark.ml.linalg import Vectors

    unit = Normalizer(inputCol=encoders.VECTOR, outputCol="unit", p=2.0)
    if candidate.embedding_weight is None or candidate.algorithm not in LINEAR:
        return [unit]
    scaler = StandardScaler(inputCol="unit", outputCol="standard", withMean=True, withStd=True)
    weights = Vectors.dense([candidate.embedding_weight] * dimensions)
    weight = ElementwiseProduct(scalingVec=weights, inputCol="standard", outputCol="embedding")
    return [unit, scaler, weight]


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


def _forest(candidate: SparkCandidate, seed: int) -> Any:
    from pyspark.ml.classification import RandomForestClassifier

    return RandomForestClassifier(
        labelCol="code",
        weightCol="weight",
        numTrees=int(candidate.setting("n_estimators", 60) or 60),
        maxDepth=int(candidate.setting("max_depth", 12) or 12),
        minInstancesPerNode=int(candidate.setting("min_samples_leaf", 2) or 2),
        seed=seed,
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
    mean = (
        SentenceEmbeddings().setInputCols(["document", "vectors"]).setOutputCol(encoders.EMBEDDINGS)
    )
    return [vectors, mean.setPoolingStrategy("AVERAGE")]


def _network(candidate: SparkCandidate, seed: int) -> Any:
    from sparknlp.annotator import ClassifierDLApproach

    network = ClassifierDLApproach().setInputCols([encoders.EMBEDDINGS]).setOutputCol(CLASS)
    network.setLabelColumn("code").setRandomSeed(seed)
    network.setMaxEpochs(int(candidate.setting("epochs", 10) or 10))
    network.setBatchSize(int(candidate.setting("batch_size", 64) or 64))
    return network.setLr(float(candidate.setting("learning_rate", 5e-3) or 5e-3))


def annotating(model: "PipelineModel") -> "PipelineModel":
    """Return what a LightPipeline runs of a pipeline: Spark NLP's own stages, no Finisher."""
    from pyspark.ml import PipelineModel

    own = [stage for stage in model.stages if type(stage).__module__.startswith("sparknlp")]
    return PipelineModel([stage for stage in own if type(stage).__name__ != "Finisher"])
