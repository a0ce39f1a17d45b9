"""A fitted text model as an MLflow model folder: signature, example, requirements, no pickle.

MLflow's scikit-learn flavour would be the bare estimator, which takes columns of a matrix that
nobody outside can make. So everything from a text to its probabilities is packaged: a
Python function of this module that reads the project's own files.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from vouch.core.files import read_json
from vouch.registry.packaging import MODEL, requirements
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.signature import SERVED, signature

NEEDED = ("scikit-learn", "scipy", "vadersentiment")
ENCODER = ("onnxruntime", "tokenizers")


def package(folder: Path, example: pd.DataFrame, target: Path, model_id: str, run_id: str) -> None:
    """Write the MLflow model; see :func:`vouch.usecases.fraud.packaging.package`.

    Args:
        folder: The model as tune wrote it.
        example: A few rows with the column ``text``.
        target: Folder to make.
        model_id: MLflow's id of the logged model.
        run_id: MLflow's id of the run it belongs to.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    described = read_json(folder / "candidate.json")
    if described.get("engine") == "spark":
        from vouch.usecases.sentiment.spark import packaging as on_spark

        on_spark.package(folder, example, target, model_id, run_id)
        return
    pyfunc.save_model(
        str(target),
        loader_module=SERVED,
        data_path=str(folder),
        mlflow_model=Model(model_id=model_id, run_id=run_id),
        signature=signature(described["classes"]),
        input_example=example[["text"]],
        pip_requirements=_requirements(folder),
    )
    written = Model.load(target)
    (target / written.flavors["python_function"]["data"]).rename(target / MODEL)
    written.flavors["python_function"]["data"] = MODEL
    written.save(target / "MLmodel")


def _requirements(folder: Path) -> list[str]:
    candidate = read_json(folder / "candidate.json")["candidate"]
    embedded = ENCODER if candidate["preparation"]["encoders"] else ()
    return requirements(candidate["algorithm"], (*NEEDED, *embedded))


class Served:
    """A registered text model as MLflow serves it."""

    def __init__(self, folder: Path) -> None:
        self._fitted = load(folder)

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return each text's probabilities, a column a class; ``params`` are not used."""
        return pd.DataFrame(self._fitted.predict(model_input), columns=list(self._fitted.names))


def _load_pyfunc(path: str) -> Served:
    """MLflow's name for a loader module's entry."""
    return Served(Path(path))
