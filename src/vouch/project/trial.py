"""Raw files on trial: in force while the stages of data run on them, out again if one fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.core.results import Result
from vouch.project import versions
from vouch.project.inputs import INPUTS, load_inputs, save_choice
from vouch.project.paths import STATE
from vouch.sources.manifest import forget, load_manifest

TRIALS = STATE / "trials"


class Trial(Result):
    """What there was before a trial.

    Attributes:
        files: The files in force, as ``data/inputs.yaml`` names them.
        raw: All raw files of the source, likewise.
    """

    files: list[str]
    raw: list[str]


@contextmanager
def on_trial(root: Path, usecase: str) -> Iterator[None]:
    """Take out of a use case's input what joined it meanwhile, if what is done with it fails.

    The note that this writes first lets the next run do so after a kill.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Whose input.
    """
    choice = load_inputs(root / INPUTS).choice(usecase)
    trial = Trial(files=list(choice.files), raw=sorted(load_manifest(root / choice.raw)))
    trial.write(_note(root, usecase))
    try:
        yield
    except BaseException:
        end_trial(root, usecase)
        raise
    _note(root, usecase).unlink()


def end_trial(root: Path, usecase: str) -> bool:
    """Take out what a killed or failed trial left in force.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Whose input.

    Returns:
        Whether there was such a trial.

    Raises:
        VouchError: The note on it is damaged.
    """
    note = _note(root, usecase)
    if not note.exists():
        return False
    before = _read(note, usecase)
    choice = load_inputs(root / INPUTS).choice(usecase)
    files = tuple(key for key in choice.files if key in before.files)
    if files and files != choice.files:
        choice = save_choice(root, usecase, choice.model_copy(update={"files": files}))
    folder = root / choice.raw
    kept = {*before.raw, *choice.files, *choice.held_out}
    if forget(folder, sorted(load_manifest(folder).keys() - kept)):
        versions.add(root, Path(choice.raw))
    note.unlink()
    return True


def _read(note: Path, usecase: str) -> Trial:
    try:
        return Trial.read(note)
    except VouchError:
        raise VouchError(
            f"{note}: is damaged, so a file that was only tried may still be in force",
            f"name the source's files anew: vouch run {usecase} --path FILE, after rm {note}",
        ) from None


def trials(root: Path) -> list[str]:
    """List the use cases with raw files on trial, or left in force by a killed trial."""
    return sorted(note.stem for note in (root / TRIALS).glob("*.json"))


def end_trials(root: Path) -> None:
    """Take out what killed trials of any use case left in force."""
    for usecase in trials(root):
        end_trial(root, usecase)


def _note(root: Path, usecase: str) -> Path:
    return root / TRIALS / f"{usecase}.json"
