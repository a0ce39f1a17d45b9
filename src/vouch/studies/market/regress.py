"""Regressions whose errors may depend on each other over time and across assets.

Matrices have a row a window and a column an asset; what is missing is NaN. A projection regresses
a response some windows ahead on an impulse now, given controls (local projections: Jordà,
"Estimation and Inference of Impulse Responses by Local Projections", American Economic Review 95,
2005). Its errors follow Newey and West, "A Simple, Positive Semi-definite, Heteroskedasticity and
Autocorrelation Consistent Covariance Matrix", Econometrica 55, 1987; over several assets the
scores of a window are summed first (Driscoll and Kraay, "Consistent Covariance Matrix Estimation
with Spatially Dependent Panel Data", Review of Economics and Statistics 80, 1998). Residuals are
enlarged by their leverage (HC3: MacKinnon and White, "Some Heteroskedasticity-Consistent Covariance
Matrix Estimators with Improved Finite Sample Properties", Journal of Econometrics 29, 1985).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from vouch.metrics.intervals import CONFIDENCE, normal

Floats = NDArray[np.float64]


def percent() -> str:
    """Return the confidence of the intervals as it is written."""
    return f"{CONFIDENCE * 100:g} %"


@dataclass(frozen=True)
class Estimate:
    """A coefficient.

    Attributes:
        value: Its estimate; NaN where the data allow none.
        error: Its standard error.
        rows: How many windows of assets it rests on.
    """

    value: float
    error: float
    rows: int

    @property
    def z(self) -> float:
        """The estimate in standard errors, 0 where there is none."""
        defined = np.isfinite(self.value) and self.error > 0
        return self.value / self.error if defined else 0.0

    @property
    def p(self) -> float:
        """Two-sided p-value against zero, by the normal distribution."""
        return 2 * NormalDist().cdf(-abs(self.z))

    @property
    def interval(self) -> tuple[float, float]:
        """The confidence interval, of :data:`vouch.metrics.intervals.CONFIDENCE`."""
        return normal(self.value, self.error)


NOTHING = Estimate(float("nan"), float("nan"), 0)


def later(matrix: Floats, windows: int) -> Floats:
    """Return for each window what comes so many windows later (before, if negative), or NaN."""
    moved = np.full_like(matrix, np.nan)
    if windows >= 0:
        moved[: len(matrix) - windows] = matrix[windows:]
    else:
        moved[-windows:] = matrix[:windows]
    return moved


def bandwidth(windows: int) -> int:
    """Return Newey and West's usual number of lags, floor(4 (T/100)^(2/9))."""
    return int(4 * (windows / 100) ** (2 / 9))


def long_run(scores: Floats, lags: int) -> Floats:
    """Return the sum of a series' autocovariances, weighted down linearly (Bartlett).

    Args:
        scores: Shape (windows, k).
        lags: Up to which lag, at least 0.

    Returns:
        Shape (k, k), times the number of windows; positive semi-definite.
    """
    total = scores.T @ scores
    for lag in range(1, min(lags, len(scores) - 1) + 1):
        crossed = scores[lag:].T @ scores[:-lag]
        total += (1 - lag / (lags + 1)) * (crossed + crossed.T)
    return np.asarray(total)


def slope(response: Floats, impulse: Floats, controls: Sequence[Floats] = ()) -> Estimate:
    """Regress a response on an impulse and controls, with a mean for each asset.

    Args:
        response: Shape (windows, assets).
        impulse: Same shape.
        controls: Further regressors of the same shape.

    Returns:
        The impulse's coefficient, its error robust to heteroskedasticity, to autocorrelation and
        to dependence between assets.
    """
    columns = [impulse, *controls, response]
    valid = np.all([np.isfinite(column) for column in columns], axis=0)
    rows, k = int(valid.sum()), len(columns) - 1
    if rows <= 2 * (k + valid.shape[1]):
        return NOTHING
    X = np.stack([_centred(column, valid) for column in columns], axis=2)
    X, y = X[:, :, :-1], X[:, :, -1]
    gram = np.tensordot(X, X, axes=((0, 1), (0, 1)))
    if np.linalg.matrix_rank(gram) < k:
        return NOTHING
    inverse = np.linalg.inv(gram)
    weights = inverse @ np.tensordot(X, y, axes=((0, 1), (0, 1)))
    # a burst of tweets pulls the line to itself: its own residual is too small (HC3)
    leverage = np.minimum(((X @ inverse) * X).sum(axis=2), 0.99)
    scores = X * ((y - X @ weights) / (1 - leverage))[:, :, None]
    summed = scores.sum(axis=1)[valid.any(axis=1)]
    meat = long_run(summed, bandwidth(len(summed)))
    return Estimate(float(weights[0]), float(np.sqrt((inverse @ meat @ inverse)[0, 0])), rows)


def _centred(column: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Subtract each asset's mean; invalid values become zero and have no weight."""
    filled = np.where(valid, column, 0.0)
    return np.where(valid, filled - filled.sum(axis=0) / np.maximum(valid.sum(axis=0), 1), 0.0)


def scaled(matrix: Floats) -> Floats:
    """Divide each asset's column by its standard deviation; a constant one becomes NaN."""
    seen = np.isfinite(matrix)
    centred = _centred(matrix, seen)
    spread = np.sqrt((centred**2).sum(axis=0) / np.maximum(seen.sum(axis=0), 1))
    usable = spread > 1e-12 * (1 + np.abs(np.where(seen, matrix, 0.0)).max(axis=0, initial=0))
    return np.asarray(np.where(usable, matrix / np.where(usable, spread, 1.0), np.nan))


def projection(response: Floats, impulse: Floats, ahead: int, controls: int) -> Estimate:
    """Project a response on an impulse some windows earlier, given what both did until then.

    Both series' own past is held fixed, the response's up to and including the impulse's window:
    where the impulse follows the response and the response has momentum, nothing else remains.

    Args:
        response: Shape (windows, assets).
        impulse: Same shape.
        ahead: How many windows the response is later, at least 1.
        controls: How many past windows of each are held fixed.

    Returns:
        How many units the response moves for a unit of the impulse.
    """
    past = [later(response, -lag) for lag in range(controls)]
    past += [later(impulse, -lag) for lag in range(1, controls + 1)]
    return slope(later(response, ahead), impulse, past)


def correlation(response: Floats, impulse: Floats, ahead: int) -> Estimate:
    """Correlate a response with an impulse some windows earlier (later, if negative).

    Args:
        response: Shape (windows, assets).
        impulse: Same shape.
        ahead: How many windows the response is later.

    Returns:
        Pearson's correlation, pooled over assets each in its own standard deviations; its error
        is that of the slope between the standardised series.
    """
    moved = later(response, ahead)
    both = np.isfinite(moved) & np.isfinite(impulse)
    first, second = (scaled(np.where(both, each, np.nan)) for each in (moved, impulse))
    return slope(first, second)


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for how many there are, so that any false finding is as rare as one's.

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 6, 1979.

    Args:
        p: The tests' p-values, 0 to 1.

    Returns:
        Corrected p-values in the same order: rejecting those of at most alpha keeps the chance of
        one false rejection or more at or below alpha, however the tests depend on each other.
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0) if len(values) else stepped
    return corrected.tolist()
