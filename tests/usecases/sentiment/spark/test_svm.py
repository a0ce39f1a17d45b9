"""The SVM's probabilities: its own margins, and the temperature that is likeliest."""

import numpy as np
import pytest

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.learners import softmax
from vouch.usecases.sentiment.spark import svm
from vouch.usecases.sentiment.spark.candidate import SparkCandidate

pytestmark = pytest.mark.slow
CANDIDATE = SparkCandidate(algorithm="linear_svm", hyperparameters={"C": 0.1})
ROWS = 600


def table(spark, classes=3, groups=200, sparse=False):
    from pyspark.ml.linalg import Vectors

    random = np.random.default_rng(0)
    codes = random.integers(0, classes, ROWS)
    numbers = random.normal(0, 1, (ROWS, 4))
    numbers[np.arange(ROWS), codes] += 2
    rows = [
        (
            Vectors.sparse(4, dict(enumerate(map(float, row)))) if sparse else Vectors.dense(row),
            float(code),
            float(1 + code),
            str(group),
        )
        for row, code, group in zip(numbers, codes, random.integers(0, groups, ROWS), strict=True)
    ]
    return spark.createDataFrame(rows, ["features", "code", "weight", "group"])


def read(frame, column):
    return np.array([row[0].toArray() for row in frame.select(column).collect()])


@pytest.mark.parametrize("classes", [2, 3])
def test_the_probabilities_are_the_softmax_of_tempered_margins(spark_nlp, classes):
    rows = table(spark_nlp, classes, sparse=classes == 3).persist()
    learner = svm.learner(CANDIDATE, ROWS)
    model = svm.fit(learner, rows)
    margins = read(learner.fit(rows).transform(rows), "rawPrediction")
    likely = read(model.transform(rows), "probability")
    np.testing.assert_allclose(likely.sum(axis=1), 1, rtol=1e-12)
    if classes == 3:  # of two, Spark and we take one machine
        np.testing.assert_array_equal(likely.argmax(axis=1), margins.argmax(axis=1))
        tempered = np.log(likely[:, :1] / likely[:, 1:])
        ratio = tempered / (margins[:, :1] - margins[:, 1:])
        np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-5)
    codes = np.array([row.code for row in rows.select("code").collect()])
    assert (likely.argmax(axis=1) == codes).mean() > 0.6
    rows.unpersist()


def test_no_other_temperature_is_likelier(spark_nlp):
    rows = table(spark_nlp)
    linear = svm._linear(svm.learner(CANDIDATE, ROWS).fit(rows))
    best = svm._temperature(linear, rows)
    frame = rows.toPandas()
    margins = np.array([v.toArray() for v in frame.features]) @ linear.weights + linear.intercepts
    codes, weights = frame.code.astype(int).to_numpy(), frame.weight.to_numpy()

    def loss(temperature):
        likely = softmax(temperature * margins)[np.arange(ROWS), codes]
        return -(weights * np.log(likely)).sum()

    others = [loss(best * factor) for factor in (0.2, 0.8, 0.95, 1.05, 1.25, 5)]
    assert loss(best) < min(others)


def test_the_temperature_is_that_of_machines_of_the_same_c(spark_nlp):
    from pyspark.sql import functions

    rows = table(spark_nlp).persist()
    part = functions.pmod(functions.xxhash64("group"), functions.lit(svm.PARTS))
    seen, held_out = rows.filter(part > 0), rows.filter(part == 0)
    same = svm.learner(CANDIDATE, seen.count())
    expected = svm._temperature(svm._linear(same.fit(seen)), held_out)
    learner = svm.learner(CANDIDATE, ROWS)
    weights = svm.fit(learner, rows).coefficientMatrix.toArray().T
    ratio = weights / svm._linear(learner.fit(rows)).weights
    np.testing.assert_allclose(ratio, expected, rtol=1e-4)
    rows.unpersist()


def test_a_class_in_one_group_cannot_be_calibrated(spark_nlp):
    from pyspark.sql import functions

    rows = table(spark_nlp, groups=200).withColumn(
        "group", functions.when(functions.col("code") == 2, "one").otherwise(functions.col("group"))
    )
    with pytest.raises(VouchError, match="linear_svm: a class stands in too few groups"):
        svm.fit(svm.learner(CANDIDATE, ROWS), rows)


def test_a_saved_svm_is_read_by_spark_alone(spark_nlp, tmp_path):
    from pyspark.ml.classification import LogisticRegressionModel

    rows = table(spark_nlp)
    model = svm.fit(svm.learner(CANDIDATE, ROWS), rows)
    model.save((tmp_path / "svm").as_uri())
    again = LogisticRegressionModel.load((tmp_path / "svm").as_uri())
    own = [read(each.transform(rows), "probability") for each in (model, again)]
    np.testing.assert_array_equal(*own)
