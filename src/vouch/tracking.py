"""Where MLflow keeps its runs: one SQLite file and one folder under the project's state."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# progress bars of artifact transfers would break the terminal's own progress line
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def uri(state: Path) -> str:
    """Give MLflow's tracking URI: ``MLFLOW_TRACKING_URI`` if set, else SQLite under ``state``."""
    state.mkdir(parents=True, exist_ok=True)
    return os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{state.resolve()}/mlflow.db")


def client(state: Path) -> "MlflowClient":
    """Open a client with explicit ids: MLflow's active run is thread-local and not used here."""
    from mlflow import MlflowClient

    # the first client makes the tables and says so, in lines of its own style
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri(state), registry_uri=uri(state))


def experiment(state: Path, name: str) -> str:
    """Find or make an experiment.

    Args:
        state: The project's state folder.
        name: The experiment's name, ``<usecase>-<source>``.

    Returns:
        The experiment's id.
    """
    mlflow = client(state)
    found = mlflow.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    place = (state / "mlartifacts" / name).resolve()
    return str(mlflow.create_experiment(name, artifact_location=place.as_uri()))
