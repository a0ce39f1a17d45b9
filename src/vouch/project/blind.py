"""Making a use case blind, and unblinding it once its pipeline is frozen."""

import hashlib
import json
import os
from pathlib import Path

from vouch.core import tracking
from vouch.core.code import package_digest
from vouch.core.database import exists, read_rows
from vouch.core.files import sha256
from vouch.holdout import blind
from vouch.holdout.blind import Status
from vouch.holdout.ledger import Ledger
from vouch.project.inputs import INPUTS, load_inputs, save_choice
from vouch.project.paths import STATE
from vouch.project.stages import find
from vouch.registry.digests import git_commit
from vouch.results.blind import Frozen
from vouch.sources.declaration import source_path

SHOWING = ("tune", "evaluate", "register", "report")
"""The stages whose outputs hold development figures."""
OTHERS_SEARCHES = (
    "SELECT tags.value FROM tags JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id) "
    "WHERE tags.key = 'vouch.fingerprint' AND experiments.name NOT LIKE ? || '-%'"
)
EXPERIMENTS = "SELECT name FROM experiments WHERE name LIKE ? || '-%'"


def begin(root: Path, usecase: str) -> bool:
    """Make a use case blind from the next run on.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Which one.

    Returns:
        Whether it was not blind before.

    Raises:
        VouchError: The ledger was changed, or ``data/inputs.yaml`` is missing or wrong.
    """
    _check(root, usecase)
    new = blind.begin(root / STATE, usecase, seen=figures_seen(root, usecase))
    declare(root, usecase)
    return new


def end(root: Path, usecase: str) -> bool:
    """Unblind a use case, and record what is frozen; the next run shows the true figures.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Which one.

    Returns:
        Whether it was blind before.

    Raises:
        VouchError: The pipeline's files are missing, the ledger was changed, or the project's key
            is another one.
    """
    _check(root, usecase)
    was = blind.status(root / STATE, usecase).blind
    if was:
        blind.end(root / STATE, usecase, pipeline(root, usecase), git_commit(root))
    declare(root, usecase)
    return was


def abandon(root: Path, usecase: str) -> bool:
    """End a blind period whose key was lost; the next run searches anew.

    The true figures of its trials are lost with the key, so the searches that hold any are dropped.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Which one.

    Returns:
        Whether it was blind before.

    Raises:
        VouchError: The key still opens the period's offset, or the ledger was changed.
    """
    _check(root, usecase)
    period = status(root, usecase).period
    was = blind.abandon(root / STATE, usecase)
    if was and period:
        for journal in (root / STATE / "tune").glob("*.journal"):
            if period in journal.read_text():
                journal.unlink()
    declare(root, usecase)
    return was


def status(root: Path, usecase: str) -> Status:
    """Return whether a use case is blind, since when, and what was frozen."""
    return blind.status(root / STATE, usecase)


def figures_seen(root: Path, usecase: str) -> bool:
    """Return whether development figures of a use case may have been seen before.

    What a reset leaves counts, too: a holdout in the ledger was cut by a run. A search whose use
    case cannot be told counts as any's.

    Args:
        root: The project's folder.
        usecase: Which one.

    Raises:
        MlflowException: ``MLFLOW_TRACKING_URI`` names a server that does not answer.
    """
    state = root / STATE
    results = [path for stage in SHOWING for path in find(stage).outputs.values()]
    return (
        any((root / path.format(usecase=usecase)).exists() for path in results)
        or status(root, usecase).since is not None
        or (exists(state) and any(h["usecase"] == usecase for h in Ledger(state).status()))
        or bool(read_rows(tracking.database(state), EXPERIMENTS, usecase))
        or _searched(state, usecase)
        or _served(state, usecase)
    )


def _searched(state: Path, usecase: str) -> bool:
    """Return whether there is a search's journal that MLflow does not know as another's."""
    tagged = read_rows(tracking.database(state), OTHERS_SEARCHES, usecase)
    others = {fingerprint.partition("-")[0] for (fingerprint,) in tagged}
    return any(path.stem not in others for path in (state / "tune").glob("*.journal"))


def _served(state: Path, usecase: str) -> bool:
    """Return whether a tracking server has runs of the use case; no matter whose project's."""
    if "MLFLOW_TRACKING_URI" not in os.environ:
        return False
    return bool(tracking.client(state).search_experiments(filter_string=f"name LIKE '{usecase}-%'"))


def changed_since_frozen(root: Path, usecase: str) -> bool:
    """Return whether what makes the figures is no longer what was frozen; see :func:`frozen`."""
    was = frozen(root, usecase)
    return was is not None and not was["unchanged"]


def frozen(root: Path, usecase: str) -> Frozen | None:
    """Return what was frozen when a use case was unblinded, and whether it still makes the figures.

    Args:
        root: The project's folder.
        usecase: Which use case; one that never was blind, or is, has nothing frozen.

    Raises:
        VouchError: The use case has no input.
    """
    last = status(root, usecase)
    if last.pipeline is None:
        return None
    return {
        "pipeline": last.pipeline,
        "git_commit": last.git_commit or "",
        "unchanged": last.pipeline == pipeline(root, usecase),
    }


def pipeline(root: Path, usecase: str) -> str:
    """Digest all that decides what a use case's pipeline makes of which rows.

    Args:
        root: The project's folder.
        usecase: Which one.

    Returns:
        64 hexadecimal digits: of the choice of input, the source's declaration and expectations,
        ``params.yaml``, and the code.

    Raises:
        VouchError: The use case has no input.
    """
    choice = load_inputs(root / INPUTS).choice(usecase)
    files = [
        source_path(root, choice.source),
        root / f"expectations/{choice.source}.json",
        root / "params.yaml",
        root / choice.code,
    ]
    parts = [
        choice.model_dump_json(exclude={"blind", "frozen"}),
        package_digest("vouch"),
        *(sha256(path) if path.is_file() else "" for path in files),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _check(root: Path, usecase: str) -> None:
    """Check that ``data/inputs.yaml`` can be written: what the ledger gets stays in it."""
    if choice := load_inputs(root / INPUTS).usecases.get(usecase):
        blind.in_force(root / STATE, usecase, choice.blind)


def declare(root: Path, usecase: str) -> None:
    """Write what the ledger says where DVC sees it; what was never run gets it with its run.

    Args:
        root: The project's folder.
        usecase: Which use case.

    Raises:
        VouchError: The ledger does not know the period that ``data/inputs.yaml`` names.
    """
    if choice := load_inputs(root / INPUTS).usecases.get(usecase):
        period = blind.in_force(root / STATE, usecase, choice.blind)
        said = {"blind": period, "frozen": frozen(root, usecase)}
        save_choice(root, usecase, choice.model_copy(update=said))
