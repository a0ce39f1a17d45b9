"""A fitted Spark pipeline as an MLflow model folder: signature, example, exact requirements."""

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vouch.registry.packaging import COMMON, MODEL
from vouch.usecases.sentiment.signature import SERVED, signature
from vouch.usecases.sentiment.spark import models

if TYPE_CHECKING:
    from mlflow.models import Model

NEEDED = (*COMMON, "pyspark", "scikit-learn", "spark-nlp")


def package(folder: Path, example: pd.DataFrame, target: Path, model_id: str, run_id: str) -> None:
    """Write the MLflow model; Spark is started where none runs.

    Its native flavour is Spark's pipeline, from ``text`` to ``probability`` or ClassifierDL's
    ``class``;
    as a Python function it gives three probabilities, through ``.packaging``.

    Args:
        folder: The model as tune wrote it.
        example: A few rows with the column ``text``.
        target: Folder to make.
        model_id: MLflow's id of the logged model.
        run_id: MLflow's id of the run it belongs to.

    Raises:
        VouchError: No such model, or Spark cannot be started.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    fitted = models.load(folder)
    _save_native(fitted, example[["text"]], target, Model(model_id=model_id, run_id=run_id))
    shutil.copytree(folder, target / MODEL)
    written = Model.load(target)
    environments = written.flavors["python_function"]["env"]
    pyfunc.add_to_model(
        written,
        loader_module=SERVED,
        data=MODEL,
        conda_env=environments["conda"],
        python_env=environments["virtualenv"],
    )
    written.save(target / "MLmodel")


def _save_native(
    fitted: models.SparkFitted, example: pd.DataFrame, target: Path, description: "Model"
) -> None:
    import mlflow.spark

    # Spark writes there first; the default is one folder for everybody
    with tempfile.TemporaryDirectory(prefix="vouch-", dir=target.parent) as draft:
        mlflow.spark.save_model(
            fitted.pipeline,
            str(target),
            mlflow_model=description,
            dfs_tmpdir=Path(draft).resolve().as_uri(),
            signature=signature(fitted.names),
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED],
        )
