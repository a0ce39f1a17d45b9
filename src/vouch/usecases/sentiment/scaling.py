"""Numbers of embeddings on the scale of n-grams, for the fit of a linear model only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vouch.usecases.sentiment.learners import Linear

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """What a column is brought to before a fit: ``(number - mean) * factor``.

    A linear model's penalty is one for all columns, so their scale is a setting. What was learned
    is told of the numbers as they are: nothing is scaled when a model predicts.

    Attributes:
        start: The first column that is scaled; all behind it are.
        mean: Shape (columns - start,).
        factor: Shape (columns - start,).
    """

    start: int
    mean: Floats
    factor: Floats

    @classmethod
    def of(cls, numbers: "csr_array", start: int, weight: float) -> "Scaling":
        """Standardise the columns of training rows, and multiply them by a weight."""
        dense = numbers[:, start:].toarray()
        deviation = dense.std(axis=0)
        safe = np.where(deviation > 0, deviation, 1.0)
        return cls(start, dense.mean(axis=0), weight / safe)

    def apply(self, numbers: "csr_array") -> "csr_array":
        """Return rows with scaled columns, shape (rows, columns)."""
        from scipy.sparse import csr_array, hstack

        dense = (numbers[:, self.start :].toarray() - self.mean) * self.factor
        return csr_array(hstack([numbers[:, : self.start], csr_array(dense)], format="csr"))

    def undo(self, fitted: Any) -> Any:
        """Return a linear model of scaled columns as one of the numbers as they are."""
        weights = fitted.weights.copy()
        weights[self.start :] *= self.factor[:, None]
        return Linear(weights, fitted.intercepts - self.mean @ weights[self.start :])
