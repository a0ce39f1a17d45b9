"""The learners: five ways to get three probabilities from features, three of them linear."""

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.usecases.sentiment.candidate import LINEAR, Candidate

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
CALIBRATION = 3  # folds in which the SVM's temperature is found
ONE_SVM = Lock()
"""liblinear draws from one generator a process: fits side by side would draw from each other's."""


class Sample(NamedTuple):
    """Rows to fit on.

    Attributes:
        numbers: Shape (rows, columns), float64, at least one column.
        codes: Each row's class, 0 to classes - 1.
        weights: Each row's weight, above 0.
        groups: Rows of one group are never split in calibration.
    """

    numbers: "csr_array"
    codes: NDArray[np.int64]
    weights: Floats
    groups: NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """A linear model: probabilities are the softmax of ``numbers @ weights + intercepts``.

    Attributes:
        weights: Shape (columns, classes).
        intercepts: Shape (classes,).
    """

    weights: Floats
    intercepts: Floats


def softmax(scores: Floats) -> Floats:
    """Return the probabilities of scores along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return result


def probabilities(estimator: Any, numbers: "csr_array", threads: int) -> Floats:
    """Return the probabilities of the classes an estimator knows, shape (rows, classes)."""
    if isinstance(estimator, Linear):
        return softmax(numbers @ estimator.weights + estimator.intercepts)
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(_narrow(numbers)), np.float64)
    estimator.set_param({"nthread": threads})
    return np.asarray(estimator.inplace_predict(_narrow(numbers)), np.float64)


def _narrow(numbers: "csr_array") -> Any:
    """Return what trees take: float32, as they store their thresholds."""
    from scipy.sparse import csr_matrix

    return csr_matrix(numbers, dtype=np.float32)


def learn(candidate: Candidate, sample: Sample, seed: int, threads: int) -> Any:
    """Fit a candidate's learner.

    Returns:
        A ``Linear``, a scikit-learn forest or an XGBoost booster.
    """
    from threadpoolctl import threadpool_limits

    if candidate.algorithm in LINEAR:
        fit = {
            "naive_bayes": _naive_bayes,
            "logistic_regression": _logistic_regression,
            "linear_svm": _linear_svm,
        }[candidate.algorithm]
        # vectors are short beside the texts: threads wait for one another more than they work
        with threadpool_limits(1):
            return fit(candidate, sample, seed)
    return (_boost if candidate.algorithm == "xgboost" else _forest)(
        candidate, sample, seed, threads
    )


def _naive_bayes(candidate: Candidate, sample: Sample, seed: int) -> Linear:
    """Fit naive Bayes: its log likelihood is linear in the numbers."""
    from sklearn.naive_bayes import ComplementNB, MultinomialNB

    alpha = candidate.setting("alpha", 1.0)
    complement = bool(candidate.setting("complement", 0))
    model = (ComplementNB if complement else MultinomialNB)(alpha=alpha)
    model.fit(sample.numbers, sample.codes, sample_weight=sample.weights)
    prior = np.zeros(len(model.classes_)) if complement else model.class_log_prior_
    return Linear(np.ascontiguousarray(model.feature_log_prob_.T), np.asarray(prior, np.float64))


def _logistic_regression(candidate: Candidate, sample: Sample, seed: int) -> Linear:
    from sklearn.linear_model import LogisticRegression

    # beyond this tolerance the ranking of rows no longer changes
    model = LogisticRegression(C=candidate.setting("C", 1.0), tol=1e-3, max_iter=200)
    model.fit(sample.numbers, sample.codes, sample_weight=sample.weights)
    return of_decisions(model.coef_, model.intercept_, 1.0)


def _linear_svm(candidate: Candidate, sample: Sample, seed: int) -> Linear:
    """Fit one SVM a class, and one temperature for all on rows they have not seen.

    Guo et al. 2017, On calibration of modern neural networks: one number keeps the ranking.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.svm import LinearSVC

    svm = LinearSVC(C=candidate.setting("C", 0.2), random_state=seed)
    folds = [*StratifiedGroupKFold(CALIBRATION).split(sample.numbers, sample.codes, sample.groups)]
    seen = min(len(np.unique(sample.codes[train])) for train, _ in folds)
    if seen < min(3, len(np.unique(sample.codes))):  # scikit-learn cannot go on with so few
        raise VouchError(
            "linear_svm: a class stands in too few groups of rows: it cannot be calibrated",
            "give more rows of each class, or leave linear_svm out of tune's algorithms",
        )
    model = CalibratedClassifierCV(svm, method="temperature", cv=folds, ensemble=False)
    with ONE_SVM:
        model.fit(sample.numbers, sample.codes, sample_weight=sample.weights)
    fitted = model.calibrated_classifiers_[0]
    inner = fitted.estimator
    return of_decisions(inner.coef_, inner.intercept_, float(fitted.calibrators[0].beta_))


def of_decisions(weights: Floats, intercepts: Floats, temper: float) -> Linear:
    """Lay out decision values; of two classes scikit-learn has only the second's."""
    if len(weights) == 1:
        weights = np.vstack([np.zeros_like(weights), weights])
        intercepts = np.concatenate([[0.0], intercepts])
    return Linear(np.ascontiguousarray(weights.T) * temper, np.asarray(intercepts) * temper)


def _forest(candidate: Candidate, sample: Sample, seed: int, threads: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=seed, n_jobs=threads, **candidate.hyperparameters)
    forest.fit(_narrow(sample.numbers), sample.codes, sample_weight=sample.weights)
    # scikit-learn's threads add up the trees in any order, and cost 20 ms a call
    return forest.set_params(n_jobs=1)


def _boost(candidate: Candidate, sample: Sample, seed: int, threads: int) -> Any:
    import xgboost

    settings = dict(candidate.hyperparameters)
    rounds = int(settings.pop("n_estimators", 100) or 100)
    data = xgboost.QuantileDMatrix(
        _narrow(sample.numbers), sample.codes, weight=sample.weights, nthread=threads
    )
    parameters = {
        **settings,
        "objective": "multi:softprob",
        "num_class": int(sample.codes.max()) + 1,
        "tree_method": "hist",
        "nthread": threads,
        "seed": seed,
    }
    return xgboost.train(parameters, data, rounds)
