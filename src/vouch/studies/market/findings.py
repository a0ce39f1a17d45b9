"""Tests of a panel of windows: which series move together, at which lags."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.progress import Progress, silent
from vouch.metrics.clusters import independent
from vouch.metrics.intervals import student
from vouch.studies.market.params import MarketParams
from vouch.studies.market.regress import (
    Estimate,
    Floats,
    correlation,
    holm,
    later,
    projection,
    scaled,
)

IMPULSES = ("sentiment", "tweets", "followers", "retweets")
ALL = "all"
"""The series of all assets together."""
POWER = 0.8
FEWEST_DAYS = 2  # whose difference tells how far a figure of days may be off


class Interval(TypedDict):
    """An estimate with its confidence interval, both None where the data allow none."""

    value: float | None
    interval: list[float] | None


class Test(TypedDict, total=False):
    """The test of an impulse on a series at a lag; see :func:`answer`."""

    impulse: str
    series: str
    lag: int
    rows: int
    correlation: Interval
    effect: Interval
    error: float | None
    z: float
    p: float
    p_holm: float
    found: bool


class Effect(TypedDict):
    """What the conclusion says of a test that was found."""

    sign: int
    lag: int
    series: str
    effect: Interval
    p_holm: float


class Conclusion(TypedDict, total=False):
    """Whether the price follows sentiment; see :func:`conclude`."""

    verdict: str
    most: int
    detectable: float | None
    follows: Effect | None
    same: Effect | None
    sign: int
    lag: int
    series: str
    effect: Interval
    p_holm: float


class Prediction(TypedDict):
    """The R² of a prediction out of sample, its interval, and the rows it was tested on."""

    value: float
    interval: list[float]
    rows: int


class OutOfSample(TypedDict, total=False):
    """Predictions of the last windows; empty without any; see :func:`out_of_sample`."""

    boundary: int
    sentiment: Prediction | None
    everything: Prediction | None


class Analysis(TypedDict):
    """All findings on a panel; see :func:`analyse`."""

    windows: dict[str, int]
    judged: list[str]
    tests: list[Test]
    out_of_sample: OutOfSample
    conclusion: Conclusion


@dataclass(frozen=True)
class Panel:
    """Windows of assets: a row a window in order of time, a column an asset.

    Attributes:
        assets: Names of the columns.
        returns: Return of each window in units of its trailing volatility, NaN where unknown.
        impulses: Name to values: the sum of sentiment, and logarithms of one more than the
            tweets, followers and retweets; NaN outside the time tweets were collected.
        windows: How many windows of each asset have both tweets and a return.
    """

    assets: tuple[str, ...]
    returns: Floats
    impulses: Mapping[str, Floats]
    windows: NDArray[np.int64]

    def of(self, columns: Sequence[int]) -> "Panel":
        """Return the panel of some assets."""
        return Panel(
            tuple(self.assets[c] for c in columns),
            self.returns[:, columns],
            {name: matrix[:, columns] for name, matrix in self.impulses.items()},
            self.windows[list(columns)],
        )


@dataclass(frozen=True)
class Question:
    """One impulse and one direction: its tests are corrected together.

    Attributes:
        impulse: One of ``IMPULSES``.
        lags: By how many windows the price comes later (negative: earlier).
    """

    impulse: str
    lags: tuple[int, ...]


def panel(
    assets: Sequence[str], returns: Floats, impulses: Mapping[str, Floats], params: MarketParams
) -> Panel:
    """Make a panel of raw windows.

    Args:
        assets: Names of the columns.
        returns: Share by which each price rose, shape (windows, assets).
        impulses: ``IMPULSES`` to values of the same shape; sums and counts.
        params: How long volatility looks back.

    Returns:
        The panel; no value in it depends on a later window.
    """
    transformed = {
        name: values if name == "sentiment" else np.log1p(values)
        for name, values in impulses.items()
    }
    both = np.isfinite(returns) & (impulses["tweets"] > 0)
    return Panel(tuple(assets), _in_volatilities(returns, params), transformed, both.sum(axis=0))


def _in_volatilities(returns: Floats, params: MarketParams) -> Floats:
    """Divide returns by the volatility of those before; large moves then weigh no more."""
    span = params.trailing // 4
    squares = pd.DataFrame(returns**2).shift(1)
    trailing = squares.ewm(halflife=span, min_periods=span).mean().to_numpy() ** 0.5
    # of a price that stood still nothing can be said
    return np.asarray(np.where(trailing > 0, returns / np.where(trailing > 0, trailing, 1), np.nan))


def analyse(whole: Panel, params: MarketParams, progress: Progress = silent) -> Analysis:
    """Test every question on every asset that has windows enough, and on all together.

    Args:
        whole: The panel.
        params: Lags, the chance of a false finding, how many windows are enough.
        progress: Called with how many questions are done.

    Returns:
        ``windows`` by asset; ``judged`` assets; ``tests``, one a question, series and lag;
        ``conclusion`` and ``out_of_sample`` (see :func:`conclude`, :func:`out_of_sample`).
    """
    chosen = [c for c, n in enumerate(whole.windows) if n >= params.least]
    series = {whole.assets[c]: whole.of([c]) for c in chosen}
    if len(chosen) > 1:
        series = {ALL: whole.of(chosen)} | series
    planned = list(questions(params)) if series else []
    tests: list[Test] = []
    for done, question in enumerate(planned):
        progress(done, len(planned), f"{question.impulse} and price")
        tests += answer(question, series, params)
    return {
        "windows": dict(zip(whole.assets, whole.windows.tolist(), strict=True)),
        "judged": [whole.assets[c] for c in chosen],
        "tests": tests,
        "out_of_sample": out_of_sample(whole.of(chosen), params) if chosen else {},
        "conclusion": conclude(tests, whole, params),
    }


def questions(params: MarketParams) -> Iterator[Question]:
    """Yield every question: each impulse ahead of the price, in the same window, and behind it."""
    ahead = tuple(range(1, params.lags + 1))
    for impulse in IMPULSES:
        yield Question(impulse, ahead)
        yield Question(impulse, (0,))
        yield Question(impulse, tuple(-lag for lag in reversed(ahead)))


def answer(question: Question, series: Mapping[str, Panel], params: MarketParams) -> list[Test]:
    """Test a question on each series and lag.

    Returns:
        One dictionary a test: ``impulse``, ``series``, ``lag``, ``correlation`` and ``effect``
        (value, interval), ``error``, ``z``, ``p``, ``p_holm`` (corrected within the question),
        ``found``.
    """
    tests: list[Test] = []
    for name, part in series.items():
        for lag in question.lags:
            raw = correlation(part.returns, part.impulses[question.impulse], lag)
            effect = _effect(part, question.impulse, lag, params)
            tests.append(
                {
                    "impulse": question.impulse,
                    "series": name,
                    "lag": lag,
                    "rows": effect.rows,
                    "correlation": _as_json(raw),
                    "effect": _as_json(effect),
                    "error": _finite_or_none(effect.error),
                    "z": effect.z,
                    "p": effect.p,
                }
            )
    for test, corrected in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test |= {"p_holm": corrected, "found": corrected <= params.alpha}
    return tests


def _effect(part: Panel, impulse: str, lag: int, params: MarketParams) -> Estimate:
    """Estimate the effect of the earlier series on the later one, both standardised."""
    returns, series = scaled(part.returns), scaled(part.impulses[impulse])
    if lag > 0:
        return projection(returns, series, lag, params.controls)
    if lag < 0:
        return projection(series, returns, -lag, params.controls)
    return correlation(part.returns, part.impulses[impulse], 0)


def _as_json(estimate: Estimate) -> Interval:
    finite = np.isfinite(estimate.value)
    return {
        "value": estimate.value if finite else None,
        "interval": list(estimate.interval) if finite else None,
    }


def _finite_or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


def strongest(tests: Sequence[Test]) -> Test | None:
    """Return the test that was found most clearly, or None."""
    significant = [test for test in tests if test["found"]]
    return max(significant, key=lambda test: abs(test["z"]), default=None)


def conclude(tests: Sequence[Test], whole: Panel, params: MarketParams) -> Conclusion:
    """Return whether the price follows sentiment.

    Returns:
        ``verdict``: ``effect``, ``none`` or ``too few``; with an effect its ``sign`` (1 or -1),
        ``lag`` in windows, ``series`` and ``effect``; ``follows``: whether sentiment follows the
        price; ``same``: whether they move within one window; ``detectable``: the effect on all
        assets that would be found in four of five histories, in standard deviations.
    """
    if not tests:
        return {"verdict": "too few", "most": int(max(whole.windows, default=0))}
    about = [test for test in tests if test["impulse"] == "sentiment"]
    best = strongest([test for test in about if test["lag"] > 0])
    behind = strongest([test for test in about if test["lag"] < 0])
    result: Conclusion = {
        "verdict": "effect" if best else "none",
        "detectable": detectable([test for test in about if test["lag"] > 0], params),
        "follows": _brief(behind),
        "same": _brief(strongest([test for test in about if test["lag"] == 0])),
    }
    summary = _brief(best)
    return {**result, **summary} if summary else result


def detectable(tests: Sequence[Test], params: MarketParams) -> float | None:
    """Return the effect that the least certain lag would show with a chance of four in five.

    Args:
        tests: A question's tests, the first of them on all assets together.
        params: The chance of a false finding.

    Returns:
        The effect's size, by the strictest step of Holm's correction; None without estimates.
    """
    errors = [t["error"] for t in tests if t["series"] == tests[0]["series"] and t["error"]]
    normal = NormalDist()
    needed = normal.inv_cdf(1 - params.alpha / (2 * len(tests))) + normal.inv_cdf(POWER)
    return needed * max(errors) if errors else None


def _brief(test: Test | None) -> Effect | None:
    if test is None:
        return None
    return {
        "sign": 1 if test["z"] > 0 else -1,
        "lag": test["lag"],
        "series": test["series"],
        "effect": test["effect"],
        "p_holm": test["p_holm"],
    }


def out_of_sample(whole: Panel, params: MarketParams) -> OutOfSample:
    """Predict the last windows' returns by what was learnt of the first ones.

    Source of the measure: Campbell and Thompson, "Predicting Excess Stock Returns Out of Sample",
    Review of Financial Studies 21, 2008: one less the squared errors over those of the mean.

    Returns:
        ``boundary`` (windows of the training part), and for ``sentiment`` and ``everything`` the
        R² with an interval that takes the windows of a day together;
        ``rows`` tested.
    """
    boundary = int(len(whole.returns) * params.train)

    def predict(impulses: Sequence[str]) -> Prediction | None:
        lags = range(1, params.lags + 1)
        X = np.stack([later(whole.impulses[i], -lag) for i in impulses for lag in lags], axis=2)
        return _predicted(X, whole.returns, boundary, params.trailing)

    return {
        "boundary": boundary,
        "sentiment": predict(IMPULSES[:1]),
        "everything": predict(IMPULSES),
    }


def _predicted(X: Floats, y: Floats, boundary: int, day: int) -> Prediction | None:
    valid = np.isfinite(y) & np.isfinite(X).all(axis=2)
    train, test = valid.copy(), valid.copy()
    train[boundary:], test[:boundary] = False, False
    if train.sum() <= 2 * X.shape[2] or not test.any():
        return None
    mean, spread = X[train].mean(axis=0), np.maximum(X[train].std(axis=0), 1e-9)
    base = y[train].mean()
    fitted = np.linalg.lstsq((X[train] - mean) / spread, y[train] - base, rcond=None)[0]
    missed = np.where(test, y - base, 0) ** 2
    residual = np.zeros_like(missed)
    residual[test] = (y[test] - base - (X[test] - mean) / spread @ fitted) ** 2
    days = np.arange(len(y)) // day
    sums = [np.bincount(days, part.sum(axis=1)).astype(float) for part in (residual, missed)]
    by_day = [part[sums[1] > 0] for part in sums]
    if len(by_day[0]) < FEWEST_DAYS:
        return None
    return _r2(by_day[0], by_day[1], int(test.sum()))


def _r2(residual: Floats, missed: Floats, rows: int) -> Prediction:
    """Return one less the ratio of two sums over days, with the interval of as many days."""
    total = float(missed.sum())
    ratio, days = float(residual.sum()) / total, len(missed)
    influence = -(residual - ratio * missed) / total
    spread = independent(days).spread(influence, np.ones(days))
    low, high = student(1 - ratio, spread)
    return {"value": 1 - ratio, "interval": [low, min(high, 1.0)], "rows": rows}
