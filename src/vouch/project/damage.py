"""Looking for what is damaged or missing among a project's files, without changing any."""

import os
import shlex
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vouch.core import parquet, tracking
from vouch.core.database import DATABASE, read_only, read_rows
from vouch.core.errors import VouchError
from vouch.core.files import read_yaml
from vouch.project.paths import STATE

PREFECT = Path(".prefect/prefect.db")
GIVEN = ("inbox", "outbox", "raw")
"""Folders below ``data`` for people's files, which are checked when they are read."""
AROUND = ("enqueue", "collect")
"""Sections of ``params.yaml`` that belong to no stage."""


def databases(root: Path) -> Iterator[VouchError]:
    """Check the project's databases.

    Args:
        root: The project's folder.
    """
    lost = {
        root / STATE / DATABASE: "it holds the holdout's ledger, promotions and cases",
        tracking.database(root / STATE): "it holds MLflow's runs and versions",
        root / PREFECT: "it holds only the history of Prefect's runs",
    }
    for path, holds in lost.items():
        if path.exists() and (why := _unreadable(path)):
            hint = f"restore it from a copy ({holds}), or without one: mv {path} {path}.damaged"
            yield VouchError(f"{path}: is no intact database: {why}", hint)


def _unreadable(path: Path) -> str:
    try:
        with read_only(path) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        passing = isinstance(error, sqlite3.OperationalError) and "lock" in str(error)
        return "" if passing else str(error)
    return "" if answer == "ok" else " ".join(answer.split())


def tables(root: Path, *, rows: bool = False) -> Iterator[VouchError]:
    """Check the Parquet files that the stages wrote.

    Args:
        root: The project's folder.
        rows: Read every row, not only what a file says of itself at its end.
    """
    for path in sorted((root / "data").rglob("*.parquet")):
        if path.relative_to(root / "data").parts[0] not in GIVEN and path.is_file():
            yield from parquet.check(path, rows=rows)


def lockfile(root: Path) -> Iterator[VouchError]:
    """Check ``dvc.lock``, the record of the stages' outputs.

    Args:
        root: The project's folder.
    """
    path = root / "dvc.lock"
    if not path.exists():
        return
    try:
        stages = read_yaml(path).get("stages")
    except VouchError as error:
        why = f"{error}"
    else:
        if isinstance(stages, dict) and all(isinstance(s, dict) for s in stages.values()):
            return
        why = f"{path}: has no stages"
    yield VouchError(why, f"git checkout {path}, or: vouch run USECASE, which mends it")


def missing(root: Path) -> Iterator[VouchError]:
    """Check that everything named by ``dvc.lock`` and the ``.dvc`` files is here.

    Args:
        root: The project's folder.
    """
    named = sorted({*_outputs(root), *_raw(root)})
    lost = [path for path in named if not path.exists()]
    if lost:
        more = f" and {len(lost) - 1} more of {len(named)}" if len(lost) > 1 else ""
        yield VouchError(f"{lost[0]}{more}: not here, though DVC knows of it", PULL)


PULL = "dvc pull, or make it again: vouch run USECASE"


def _outputs(root: Path) -> Iterator[Path]:
    try:
        stages = read_yaml(root / "dvc.lock").get("stages") or {}
        yield from (root / out["path"] for s in stages.values() for out in s.get("outs", ()))
    except (VouchError, AttributeError, KeyError, TypeError):
        return  # there is none, or it is damaged: said elsewhere


def _raw(root: Path) -> Iterator[Path]:
    for file in (root / "data").rglob("*.dvc"):
        yield file.with_suffix("")


def sections(root: Path) -> Iterator[VouchError]:
    """Check that ``params.yaml`` has every section that a use case of the project needs.

    Args:
        root: The project's folder.
    """
    from vouch.core.settings import no_section
    from vouch.project.inputs import INPUTS, load_inputs
    from vouch.project.stages import STAGES

    path = root / "params.yaml"
    try:
        content: dict[str, Any] = read_yaml(path)
        usecases = load_inputs(root / INPUTS).usecases
    except VouchError as error:
        yield error
        return
    for name in (*(stage.name for stage in STAGES), *AROUND):
        for usecase in usecases:
            section = content.get(name)
            if not isinstance(section, dict) or usecase not in section:
                yield no_section(path, name, usecase)


TABLES = "SELECT 1 FROM sqlite_master WHERE type = 'table' LIMIT 1"


def schema(root: Path) -> Iterator[VouchError]:
    """Check the version of MLflow's tables.

    Args:
        root: The project's folder.
    """
    path = tracking.database(root / STATE)
    if "MLFLOW_TRACKING_URI" in os.environ or not read_rows(path, TABLES):
        return  # a server's, or none: MLflow makes the tables when it comes
    version = read_rows(path, "SELECT version_num FROM alembic_version")
    present, expected = version[0][0] if version else "none", tracking.revision()
    if present != expected:
        yield outdated(path, f"version {present}, this MLflow wants {expected}")


def outdated(path: Path, why: str) -> VouchError:
    """Return that MLflow's tables are of another MLflow, and what mends it.

    Args:
        path: Its database.
        why: Which versions there are.
    """
    # a newer schema cannot be upgraded, which MLflow's command then says
    address = shlex.quote(f"sqlite:///{path}")
    hint = f"copy the file, then: mlflow db upgrade {address}"
    return VouchError(f"{path}: its tables are of another MLflow: {why}", hint)


def environment(_root: Path) -> Iterator[VouchError]:
    """Check the environment's path for a percent sign, which alembic would interpret.

    MLflow escapes it in the path of its database, so a project's may have one.
    """
    if "%" in (place := str(tracking.installed())):
        yield VouchError(
            f"{place}: MLflow cannot make its tables from a folder with % in its path",
            "make the environment in one without: move the project and make setup again, or "
            "python -m venv elsewhere and install vouch there",
        )


def repository(root: Path) -> Iterator[VouchError]:
    """Check that the project is in a git repository, as DVC needs.

    Args:
        root: The project's folder.
    """
    config = root / ".dvc/config"
    alone = config.exists() and "no_scm = true" in config.read_text(errors="replace").lower()
    if alone or any(
        (folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents)
    ):
        return
    yield VouchError(
        f"{root.resolve()}: is in no git repository", "git init, or clone the project anew"
    )


def unwritable(root: Path) -> Iterator[VouchError]:
    """Check that the project's folders can be written, by writing to them.

    Args:
        root: The project's folder.
    """
    for folder in (root, *(root / name for name in ("data", STATE, ".dvc", ".prefect"))):
        if not folder.is_dir():
            continue
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(1 << 16))
        except OSError as error:
            yield VouchError(f"{folder}: cannot be written: {error.strerror}", WRITE)


WRITE = "make room, or let your user write it (chown, chmod), or mount it for writing"


def champions(root: Path) -> Iterator[VouchError]:
    """Check that MLflow still has every champion, with the files that were registered.

    Args:
        root: The project's folder.
    """
    from vouch.registry.promotions import champion_version
    from vouch.registry.versions import CHAMPION, find, no_champion

    state = root / STATE
    if "MLFLOW_TRACKING_URI" in os.environ:
        return
    versions = {(n, int(v)) for n, v in read_rows(tracking.database(state), LEFT)}
    for (name,) in read_rows(state / DATABASE, "SELECT DISTINCT name FROM promotions"):
        number = champion_version(state, name)
        if number is None:
            continue
        if (name, number) not in versions:  # spares MLflow's import
            yield no_champion(state, name)
            continue
        try:
            _ = find(state, name, CHAMPION).folder  # compares its files
        except VouchError as error:
            yield error


LEFT = "SELECT name, version FROM model_versions WHERE current_stage <> 'Deleted_Internal'"
"""MLflow keeps deleted versions under that stage."""
