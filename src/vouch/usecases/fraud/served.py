"""What MLflow loads as a Python function: the project's own reading of its own model folder.

Only this module's name stands in the registry, never code: ``mlflow.pyfunc.load_model`` imports it
from the installed package.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.usecases.fraud import models


class Served:
    """A registered model as MLflow serves it."""

    def __init__(self, folder: Path) -> None:
        self._fitted = models.load(folder)

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> NDArray[np.float64]:
        """Return the probability of a positive, one a row, 0 to 1; ``params`` are not used."""
        return self._fitted.score(model_input)


def _load_pyfunc(path: str) -> Served:
    """MLflow's name for a loader module's entry."""
    return Served(Path(path))
