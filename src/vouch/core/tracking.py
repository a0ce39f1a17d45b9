"""Where MLflow keeps its runs: one SQLite file and one folder under the project's state."""

import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import FileLock
from sqlalchemy import Connection, text

from vouch.core.database import sqlite
from vouch.core.files import replacing

if TYPE_CHECKING:
    from mlflow import MlflowClient

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# progress bars of artifact transfers would break the terminal's own progress line
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Every column in which MLflow stores an absolute place of artifacts."""
DEFAULT = "experiment_id = 0"
"""MLflow's own experiment, which vouch never uses; it points to where the process was."""


def uri(state: Path) -> str:
    """Return MLflow's tracking URI: ``MLFLOW_TRACKING_URI`` if set, else SQLite under ``state``."""
    if served := os.environ.get("MLFLOW_TRACKING_URI"):
        return served
    state.mkdir(parents=True, exist_ok=True)
    path = str(database(state).resolve())
    if "?" not in path:  # all else an address of SQLAlchemy takes as it is
        return f"sqlite:///{path}"
    _make_no_folders()
    return f"sqlite:///file:{quote(path)}?uri=true"


def database(state: Path) -> Path:
    """Return where MLflow's own database is, unless ``MLFLOW_TRACKING_URI`` names another."""
    return state / DATABASE


def started(state: Path) -> bool:
    """Return whether MLflow has a store: opening a new one takes seconds."""
    return "MLFLOW_TRACKING_URI" in os.environ or database(state).exists()


def client(state: Path) -> "MlflowClient":
    """Open a client with explicit ids: MLflow's active run is thread-local and not used here."""
    from mlflow import MlflowClient

    prepare(state)
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
    existing = mlflow.get_experiment_by_name(name)
    if existing:
        return str(existing.experiment_id)
    place = (state / ARTIFACTS / name).resolve()
    return str(mlflow.create_experiment(name, artifact_location=place.as_uri()))


def prepare(state: Path) -> None:
    """Make the store ready: its tables whole, and its artifacts in the project's own folder.

    The store of a server, which ``MLFLOW_TRACKING_URI`` names, is the server's.

    Args:
        state: The project's state folder.
    """
    if "MLFLOW_TRACKING_URI" in os.environ:
        return
    state.mkdir(parents=True, exist_ok=True)
    with FileLock(state / f"{DATABASE}.lock"):
        if not database(state).exists() or _is_half_made(database(state)):
            _make(database(state))
    _relocate(state)


def _make(path: Path) -> None:
    """Write the tables of a new store to a draft, as MLflow writes them one by one.

    A kill between two of them would leave a store that MLflow cannot open.
    """
    from mlflow.store.db import utils

    # it says what it does, in lines of its own style
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    with replacing(path) as draft:
        engine = sqlite(draft)
        try:
            vars(utils)["_initialize_tables"](engine)
        finally:
            engine.dispose()


def _is_half_made(path: Path) -> bool:
    """Return whether a kill left tables that are not all there yet, so that nothing is in them."""
    engine = sqlite(path)
    try:
        with engine.connect() as connection:
            tables = _tables(connection)
            if "experiments" in tables and connection.scalar(text("SELECT 1 FROM experiments")):
                return False  # the last that a new store gets is an experiment
            version = "SELECT version_num FROM alembic_version"
            versions = connection.scalars(text(version)) if "alembic_version" in tables else ()
            return revision() not in versions
    finally:
        engine.dispose()


def installed() -> Path:
    """Return the folder of the MLflow that is installed; imports none of it."""
    spec = find_spec("mlflow")
    assert spec and spec.origin
    return Path(spec.origin).parent


def revision() -> str:
    """Return the version of the tables of the MLflow that is installed; imports none of it."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(installed() / "store/db_migrations"))
    return str(scripts.get_current_head())


def _relocate(state: Path) -> None:
    """Point the artifacts of a copied or moved project at its own folder.

    MLflow stores absolute places, so a copy would write into the project it was copied from.
    """
    ours = (state / ARTIFACTS).resolve().as_uri()
    engine = sqlite(database(state))
    try:
        with engine.connect() as connection:
            moved = _elsewhere(connection, state, ours)
        if moved:
            with engine.begin() as connection:
                _move(connection, state, ours)
    finally:
        engine.dispose()


def _elsewhere(connection: Connection, state: Path, ours: str) -> bool:
    """Return whether an experiment's artifacts are in another project's folder."""
    query = f"""SELECT 1 FROM experiments
                WHERE ({DEFAULT} OR instr(artifact_location, :inside))
                  AND substr(artifact_location, 1, length(:ours)) <> :ours LIMIT 1"""
    return bool(connection.scalar(text(query), {"inside": _inside(state), "ours": f"{ours}/"}))


def _move(connection: Connection, state: Path, ours: str) -> None:
    """Replace another project's folder in stored addresses by this project's own."""
    place = {"inside": _inside(state), "ours": f"{ours}/"}
    connection.execute(
        text(f"UPDATE experiments SET artifact_location = :ours || '0' WHERE {DEFAULT}"), place
    )
    for table in LOCATIONS.keys() & _tables(connection):  # an older MLflow has fewer
        for column in LOCATIONS[table]:
            below = f"substr({column}, instr({column}, :inside) + length(:inside))"
            where = f"{column} LIKE 'file:%' AND instr({column}, :inside)"
            connection.execute(
                text(f"UPDATE {table} SET {column} = :ours || {below} WHERE {where}"), place
            )


def _inside(state: Path) -> str:
    return f"/{quote(state.resolve().name)}/{ARTIFACTS}/"


def _tables(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))


def _make_no_folders() -> None:
    """Keep MLflow from making the folders of an address as if it were a path.

    MLflow 3.17 would leave a folder called ``file:`` wherever the process is; ours is there.
    """
    from mlflow.store.db import utils

    vars(utils)["_make_parent_dirs_if_sqlite"] = lambda _uri: None
