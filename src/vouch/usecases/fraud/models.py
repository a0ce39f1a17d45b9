"""Models as data: a candidate says what to fit, a fitted model predicts and survives on disk.

On disk a model is ``candidate.json`` with ``model.ubj`` (XGBoost) or ``model.skops``
(scikit-learn): neither format can run code when it is read.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256, write_json
from vouch.models.predictions import of_positive
from vouch.models.proposal import Hyperparameter
from vouch.models.ripeness import RIPENESS, unripe
from vouch.models.saving import dump_estimator, read_estimator
from vouch.models.strength import decided, found_weight, ruled, weigh
from vouch.usecases.fraud.candidate import Candidate

# threads that wait without spinning: on a busy machine two that spin take 25 times as long as one
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


BLOCK = 65_536  # rows a thread predicts at a time
FEW = 4_096  # up to so many rows, starting threads costs more than it saves
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Fitted:
    """A model that can predict.

    Attributes:
        candidate: What was fitted.
        features: Its input columns, in the order the model takes them.
        estimator: The scikit-learn estimator, or the XGBoost booster.
        inflation: By how much the treatment of imbalance multiplied the odds of a positive in
            the rows the learner saw, above 0; predictions divide their odds by it.
        threads: Threads used on many rows; few rows are predicted by one, which is faster.
    """

    candidate: Candidate
    features: tuple[str, ...]
    estimator: Any
    inflation: float = 1.0
    threads: int = 1

    def __post_init__(self) -> None:
        """Leave XGBoost with one thread: it sets itself up anew after each change of a setting."""
        if self.candidate.algorithm == "xgboost":
            self.estimator.set_param({"nthread": 1})

    def predict(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities of both classes, shape (rows, 2); see :meth:`score`."""
        return of_positive(self.score(frame))

    def score(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probability of a positive.

        Args:
            frame: Any number of rows; columns other than the features are ignored.

        Returns:
            One probability a row, 0 to 1, in row order. The same for any number of threads.

        Raises:
            VouchError: A feature's column is missing.
        """
        return self.score_matrix(matrix(frame, self.features))

    def score_matrix(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of a positive of rows as :func:`matrix` gives them.

        Args:
            rows: Shape (rows, features), in the order of ``features``.
        """
        if not len(rows):
            return np.empty(0)
        if self.candidate.algorithm == "xgboost":
            return deflate(self._boosted(rows), self.inflation)
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        if len(blocks) == 1:
            return deflate(self._block(rows), self.inflation)
        with ThreadPoolExecutor(self.threads) as pool:
            return deflate(np.concatenate(list(pool.map(self._block, blocks))), self.inflation)

    def _boosted(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        if len(rows) <= FEW:
            return np.asarray(self.estimator.inplace_predict(rows), dtype=np.float64)
        self.estimator.set_param({"nthread": self.threads})
        try:
            return np.asarray(self.estimator.inplace_predict(rows), dtype=np.float64)
        finally:
            self.estimator.set_param({"nthread": 1})

    def _block(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.candidate.algorithm == "random_forest":
            return _vote(self.estimator, rows)
        return np.asarray(self.estimator.predict_proba(rows)[:, 1], dtype=np.float64)


def _vote(forest: Any, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what a forest's ``predict_proba`` gives, to the bit, without a check a tree.

    The checks take scikit-learn 2 ms a call, more than the trees on a thousand rows.
    """
    total = np.zeros((len(rows), 2))
    for tree in forest.estimators_:
        total += tree.tree_.predict(rows)
    return np.asarray(total[:, 1] / len(forest.estimators_))


def matrix(frame: pd.DataFrame, features: Sequence[str]) -> NDArray[np.float32]:
    """Return the features of a table.

    Args:
        frame: The table.
        features: The columns wanted, in order.

    Returns:
        Rows by features, float32; undefined stays NaN, infinite becomes the largest float32.

    Raises:
        VouchError: A column is missing.
    """
    if missing := [name for name in features if name not in frame.columns]:
        raise VouchError(
            f"the table lacks the feature {missing[0]!r} ({len(missing)} missing in all)",
            "extract it with the features the model was trained on",
        )
    return narrow(frame[list(features)].to_numpy(dtype=np.float32, na_value=np.nan))


def narrow(rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return rows as models take them: undefined stays NaN, infinite becomes the largest."""
    with np.errstate(over="ignore"):
        values = np.asarray(rows, dtype=np.float32)
    return np.clip(values, -LARGEST, LARGEST)


def deflate(probability: NDArray[np.float64], inflation: float) -> NDArray[np.float64]:
    """Return probabilities with the odds divided by ``inflation``, as without rebalancing.

    Order is kept, 0 stays 0 and 1 stays 1 (Dal Pozzolo et al. 2015, Calibrating probability with
    undersampling for unbalanced classification, eq. 4).
    """
    if inflation == 1.0:
        return probability
    return probability / (probability + inflation * (1.0 - probability))


def fit(
    candidate: Candidate,
    frame: pd.DataFrame,
    features: Sequence[str],
    target: str,
    seed: int,
    threads: int,
    max_rows: int | None = None,
) -> Fitted:
    """Fit a candidate.

    Above ``max_rows`` negatives are drawn at random and weighted back, which changes nothing but
    the noise; those a rule did not label, or else those people decided, are kept where they are
    the fewer. Positives that people found may weigh more, see
    :func:`vouch.models.strength.found_weight`. ``weights`` and
    ``undersampling`` then show the learner more balanced classes; the odds it predicts are divided
    by the same factor, so probabilities stay calibrated to the classes as they came and weighed.

    Args:
        candidate: What to fit.
        frame: Rows to fit on, with the features and the target; ``label_source`` says whose label
            each is, without it all weigh the same; ``ripeness`` how ripe it is, without it all are.
        features: Columns to fit on, in order.
        target: Column of 0 and 1.
        seed: Seed of every random choice, 0 to 2**32 - 1.
        threads: Threads to use, at least 1.
        max_rows: The most rows to fit on; every positive is kept.

    Returns:
        The fitted model; the same for the same arguments.

    Raises:
        VouchError: A column is missing, or the target has only one class.
    """
    if candidate.unripe == "left_out":
        frame = frame[~_unripe(frame)]
    labels = frame[target].to_numpy(dtype=np.int8)
    if len(np.unique(labels)) < 2:
        raise VouchError(
            f"all {len(labels)} rows to fit on have the same {target}",
            "give a longer span, or labels that tell rows apart",
        )
    given = Given.of(candidate, frame, labels)
    rows, weights, inflation = _balance(candidate, given, np.random.default_rng(seed), max_rows)
    learner = _boost if candidate.algorithm == "xgboost" else _fit_sklearn
    chosen = frame if len(rows) == len(frame) else frame.iloc[rows]
    sample = Sample(matrix(chosen, features), labels[rows], weights)
    estimator = learner(candidate, sample, seed, threads)
    return Fitted(candidate, tuple(features), estimator, inflation, threads)


class Given(NamedTuple):
    """Rows' labels (0 or 1), weights (above 0), and how dear: 0 rule, 1 truth, 2 people."""

    labels: NDArray[np.int8]
    weights: NDArray[np.float64]
    rank: NDArray[np.int64]

    @classmethod
    def of(cls, candidate: Candidate, frame: pd.DataFrame, labels: NDArray[np.int8]) -> "Given":
        """Return them of rows to fit on."""
        of_rule, people = ruled(frame), decided(frame)
        weights = weigh(of_rule, candidate.rule_weight)
        weights[people & (labels == 1)] *= found_weight(labels == 1, frame)
        # what the rule calls positive is no surer for having waited
        late = _unripe(frame) & (labels == 0)
        if candidate.unripe == "weighted" and late.any():
            weights[late] *= frame[RIPENESS].to_numpy()[late]
        return cls(labels, weights, np.where(of_rule, 0, 1 + people))


def _unripe(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows' labels truth may still overrule; none where ripeness is not known."""
    if RIPENESS not in frame:
        return np.zeros(len(frame), np.bool_)
    return unripe(frame[RIPENESS].to_numpy())


def _balance(
    candidate: Candidate,
    given: Given,
    generator: np.random.Generator,
    max_rows: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Choose rows and weights: row numbers ascending, their weights, the inflation of the odds."""
    labels, weights = given.labels, given.weights.copy()
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    before = weights[positive].sum() / weights[negative].sum()
    room = len(negative) if max_rows is None else max(max_rows - len(positive), 1)
    drawn, stand_for = _draw(negative, given.rank, room, generator)
    weights[drawn] *= stand_for
    if candidate.imbalance == "undersampling":
        ratio = float(candidate.hyperparameters.get("ratio") or 20)
        drawn, _ = _draw(drawn, given.rank, max(round(ratio * len(positive)), 1), generator)
        weights[drawn] = given.weights[drawn]
    if candidate.imbalance == "weights":
        for rows in (positive, drawn):
            weights[rows] *= len(labels) / 2 / weights[rows].sum()
    rows = np.sort(np.concatenate([positive, drawn]))
    if candidate.imbalance == "none":
        return rows, weights[rows], 1.0
    return rows, weights[rows], float(weights[positive].sum() / weights[drawn].sum() / before)


def _draw(
    rows: NDArray[np.int64], rank: NDArray[np.int64], size: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw rows, and how many each stands for; the dearest are all kept if few."""
    dear = (rows[rank[rows] >= least] for least in (1, 2))
    strong = next((kept for kept in dear if 2 * len(kept) <= size), rows[:0])
    weak, room = np.setdiff1d(rows, strong, assume_unique=True), size - len(strong)
    if room >= len(weak):
        return rows, np.ones(len(rows))
    drawn = generator.choice(weak, room, replace=False)
    stand_for = np.repeat([1.0, len(weak) / room], [len(strong), room])
    return np.concatenate([strong, drawn]), stand_for


class Sample(NamedTuple):
    """Rows to fit on: features, and each row's label (0 or 1) and weight (above 0)."""

    rows: NDArray[np.float32]
    labels: NDArray[np.int8]
    weights: NDArray[np.float64]


def _boost(candidate: Candidate, sample: Sample, seed: int, threads: int) -> Any:
    import xgboost

    settings = dict(candidate.hyperparameters)
    settings.pop("ratio", None)
    rounds = int(settings.pop("n_estimators", 100) or 100)
    settings = {
        **settings,
        "objective": "binary:logistic",
        "tree_method": "hist",
        # XGBoost 3 estimates it from the labels, which on rare ones costs .1 of average precision
        "base_score": 0.5,
        "nthread": threads,
        "seed": seed,
    }
    bins = settings.get("max_bin", 256)
    data = xgboost.QuantileDMatrix(
        sample.rows, sample.labels, weight=sample.weights, max_bin=bins, nthread=threads
    )
    return xgboost.train(settings, data, rounds)


def _fit_sklearn(candidate: Candidate, sample: Sample, seed: int, threads: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    settings = {k: v for k, v in candidate.hyperparameters.items() if k != "ratio"}
    if candidate.algorithm == "logistic_regression":
        return _fit_logistic(sample, seed, **settings)
    if candidate.algorithm == "decision_tree":
        tree = DecisionTreeClassifier(random_state=seed, **settings)
        return tree.fit(sample.rows, sample.labels, sample_weight=sample.weights)
    forest = RandomForestClassifier(random_state=seed, n_jobs=threads, **settings)
    forest.fit(sample.rows, sample.labels, sample_weight=sample.weights)
    # threads are ours: scikit-learn's add up the trees in any order, and cost 20 ms a call
    return forest.set_params(n_jobs=1)


def _fit_logistic(
    sample: Sample, seed: int, transform: Hyperparameter = "log", **settings: Any
) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

    # asinh is a logarithm that takes zero and negative values: amounts have heavy tails
    tails = (
        FunctionTransformer(np.arcsinh)
        if transform == "log"
        else QuantileTransformer(
            n_quantiles=min(1000, len(sample.rows)),
            output_distribution="normal",
            random_state=seed,
        )
    )
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    steps = [("tails", tails), ("impute", imputer), ("scale", StandardScaler())]
    learner = LogisticRegression(max_iter=200, random_state=seed, **settings)
    pipeline = Pipeline([*steps, ("learn", learner)])
    rows = sample.rows.astype(np.float64)
    rows[:, np.isnan(rows).all(axis=0)] = 0  # a feature without any value tells nothing
    return pipeline.fit(rows, sample.labels, learn__sample_weight=sample.weights)


def save(fitted: Fitted, folder: Path) -> None:
    """Write a model.

    Args:
        fitted: The model.
        folder: Where to; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _file(fitted.candidate, folder)
    if fitted.candidate.algorithm == "xgboost":
        fitted.estimator.save_model(path)
    else:
        path.write_bytes(dump_estimator(fitted.estimator))
    description = {
        "candidate": fitted.candidate.model_dump(),
        "features": list(fitted.features),
        "inflation": fitted.inflation,
        "sha256": sha256(path),
    }
    write_json(folder / "candidate.json", description)


def _file(candidate: Candidate, folder: Path) -> Path:
    return folder / ("model.ubj" if candidate.algorithm == "xgboost" else "model.skops")


def load(folder: Path, threads: int = 1) -> Fitted:
    """Read a model; nothing in the file is run, and no type but the listed ones is made.

    Args:
        folder: Where ``save`` wrote it.
        threads: Threads to predict many rows with, at least 1.

    Raises:
        VouchError: A file is missing or damaged, or holds a type that is not listed.
    """
    path = folder / "candidate.json"
    description = read_json(path)
    try:
        candidate = Candidate.model_validate(description["candidate"])
        rest = tuple(description["features"]), float(description["inflation"])
        digest = description["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise VouchError(f"{path}: no description of a model: {error}", "run tune again") from None
    return Fitted(
        candidate, rest[0], read_estimator(_file(candidate, folder), digest), rest[1], threads
    )
