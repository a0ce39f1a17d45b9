"""A fitted model as an MLflow model folder: signature, example, exact requirements, no pickle."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vouch.models.saving import TRUSTED
from vouch.registry.packaging import MODEL, requirements
from vouch.usecases.fraud import models

if TYPE_CHECKING:
    from mlflow.models import Model


def package(folder: Path, example: pd.DataFrame, target: Path, model_id: str, run_id: str) -> None:
    """Write the MLflow model.

    Its native flavour (XGBoost as .ubj, scikit-learn as skops) is the bare estimator; as a Python
    function it gives calibrated probabilities, through ``vouch.usecases.fraud.models``.

    Args:
        folder: The model as tune wrote it.
        example: A few rows with its features.
        target: Folder to make.
        model_id: MLflow's id of the logged model.
        run_id: MLflow's id of the run it belongs to.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    fitted = models.load(folder)
    description = Model(model_id=model_id, run_id=run_id)
    _save_native(fitted, example[list(fitted.features)], target, description)
    shutil.copytree(folder, target / MODEL)
    written = Model.load(target)
    environments = written.flavors["python_function"]["env"]
    pyfunc.add_to_model(
        written,
        loader_module="vouch.usecases.fraud.served",
        data=MODEL,
        conda_env=environments["conda"],
        python_env=environments["virtualenv"],
    )
    written.save(target / "MLmodel")


def _save_native(
    fitted: models.Fitted, example: pd.DataFrame, target: Path, description: "Model"
) -> None:
    shared: dict[str, Any] = {
        "signature": signature(example),
        "input_example": example,
        "pip_requirements": requirements(fitted.candidate.algorithm),
        "mlflow_model": description,
        "metadata": {"inflation": fitted.inflation},
    }
    if fitted.candidate.algorithm == "xgboost":
        import mlflow.xgboost

        mlflow.xgboost.save_model(fitted.estimator, str(target), model_format="ubj", **shared)
        return
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        fitted.estimator,
        str(target),
        serialization_format="skops",
        skops_trusted_types=list(TRUSTED),
        **shared,
    )


def signature(example: pd.DataFrame) -> Any:
    """Declare the model's input, its features, and its output, one probability a row."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    kinds = {
        name: "float" if dtype == "float32" else "double" for name, dtype in example.dtypes.items()
    }
    columns = [ColSpec(kind, str(name)) for name, kind in kinds.items()]
    return ModelSignature(Schema(columns), Schema([ColSpec("double", "probability")]))
