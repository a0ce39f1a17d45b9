"""A linear SVM with probabilities, of Spark's: one a class, and one temperature for all.

Spark's ``LinearSVC`` tells two classes apart and has no probabilities. The softmax of the margins
times one number, found by likelihood on rows the machines have not seen (Guo et al. 2017, On
calibration of modern neural networks), keeps the ranking. That is what Spark's multinomial logistic
regression computes, so the fitted model is one: it is saved, read and explained as such.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.learners import Linear, of_decisions, softmax
from vouch.usecases.sentiment.spark.candidate import SparkCandidate

if TYPE_CHECKING:
    from pyspark.ml.classification import LogisticRegressionModel
    from pyspark.sql import DataFrame

PARTS = 5  # one part in so many, by the hash of a row's group, is held out to calibrate
PASSES, SIDE_BY_SIDE = 50, 3  # over the rows, at most; machines fitted at once
LOWEST, HIGHEST = np.log(1e-2), np.log(1e3)  # a temperature's logarithm
Floats = NDArray[np.float64]


def learner(candidate: SparkCandidate, count: int) -> Any:
    """Return Spark's learner of one machine a class.

    Args:
        candidate: Its ``C`` is scikit-learn's, but of the hinge loss, which is not squared.
        count: How many rows there are.
    """
    from pyspark.ml.classification import LinearSVC, OneVsRest

    svm = LinearSVC(
        standardization=False,
        # scikit-learn's C: Spark takes the mean of the losses, not their sum
        regParam=1.0 / (count * float(candidate.setting("C", 0.5) or 0.5)),
        tol=1e-3,
        maxIter=PASSES,
    )
    # side by side: each pass is a small job, most of which is waiting
    return OneVsRest(classifier=svm, labelCol="code", weightCol="weight", parallelism=SIDE_BY_SIDE)


def fit(learner: Any, rows: "DataFrame") -> "LogisticRegressionModel":
    """Fit the machines on all rows, and their temperature on a part that others have not seen.

    Args:
        learner: As :func:`learner` returns it.
        rows: Columns features, code, weight and group; rows of one group are never split.

    Returns:
        A multinomial logistic regression of the same probabilities.

    Raises:
        VouchError: A class stands in too few groups.
    """
    from pyspark.sql import functions

    part = functions.pmod(functions.xxhash64("group"), functions.lit(PARTS))
    rows = rows.select("features", "code", "weight", part.alias("part")).persist()
    try:
        seen, held_out = rows.filter("part > 0"), rows.filter("part = 0")
        _check(rows, seen, held_out)
        tried = _of_fewer(learner, rows.count() / seen.count())
        temperature = _temperature(_linear(tried.fit(seen)), held_out)
        linear = _linear(learner.fit(rows))
    finally:
        rows.unpersist()
    return _as_regression(linear, temperature)


def _of_fewer(learner: Any, times: float) -> Any:
    """Return the learner with the same ``C`` for that many times fewer rows."""
    svm = learner.getClassifier()
    return learner.copy({svm.regParam: times * svm.getRegParam()})


def _check(*tables: "DataFrame") -> None:
    """See that each class stands on both sides."""
    counted = [table.select("code").distinct().count() for table in tables]
    if len(set(counted)) > 1:
        raise VouchError(
            "linear_svm: a class stands in too few groups of rows: it cannot be calibrated",
            "give more rows of each class, or leave linear_svm out of tune's algorithms",
        )


def _linear(fitted: Any) -> Linear:
    weights = np.array([one.coefficients.toArray() for one in fitted.models])
    return of_decisions(weights, np.array([one.intercept for one in fitted.models]), 1.0)


def _temperature(linear: Linear, rows: "DataFrame") -> float:
    """Return what margins are best multiplied by, of the highest likelihood of the rows."""
    from scipy.optimize import minimize_scalar

    table = rows.toPandas()
    margins = np.array([_margins(linear, vector) for vector in table["features"]])
    codes, weights = table["code"].to_numpy(np.int64), table["weight"].to_numpy()

    def loss(logarithm: float) -> float:
        likely = softmax(np.exp(logarithm) * margins)[np.arange(len(codes)), codes]
        return float(-(weights * np.log(np.maximum(likely, 1e-300))).sum())

    best = minimize_scalar(loss, bounds=(LOWEST, HIGHEST), method="bounded")
    return float(np.exp(best.x))


def _margins(linear: Linear, vector: Any) -> Floats:
    from pyspark.ml.linalg import SparseVector

    if isinstance(vector, SparseVector):
        result: Floats = vector.values @ linear.weights[vector.indices] + linear.intercepts
        return result
    dense: Floats = vector.toArray() @ linear.weights + linear.intercepts
    return dense


def _as_regression(linear: Linear, temperature: float) -> "LogisticRegressionModel":
    """Return Spark's model of these weights; its Python has no way to make one."""
    from pyspark import SparkContext
    from pyspark.ml.classification import LogisticRegressionModel
    from pyspark.ml.common import _py2java
    from pyspark.ml.linalg import Matrices, Vectors
    from pyspark.ml.util import Identifiable

    columns, classes = linear.weights.shape
    values = (temperature * linear.weights).ravel(order="C")  # Spark's matrices go by column
    matrix = Matrices.dense(classes, columns, values)
    context: Any = SparkContext._active_spark_context
    made = context._jvm.org.apache.spark.ml.classification.LogisticRegressionModel(
        f"linear_svm_{Identifiable().uid[-12:]}",
        _py2java(context, matrix),
        _py2java(context, Vectors.dense(temperature * linear.intercepts)),
        classes,
        True,
    )
    return LogisticRegressionModel(made)
