"""Raw files on trial: in force while the stages of data run on them, out again if one fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vouch.core.files import read_json, write_json
from vouch.project import versions
from vouch.project.inputs import INPUTS, load_inputs, save_choice
from vouch.project.paths import STATE
from vouch.sources.manifest import forget, load_manifest


@contextmanager
def on_trial(root: Path, usecase: str) -> Iterator[None]:
    """Take out of a use case's input what joined it meanwhile, if what is done with it fails.

    The note that this writes first lets the next run do so after a kill.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Whose input.
    """
    end_trial(root, usecase)
    choice = load_inputs(root / INPUTS).choice(usecase)
    note = _note(root, usecase)
    write_json(note, {"files": choice.files, "raw": sorted(load_manifest(root / choice.raw))})
    try:
        yield
    except BaseException:
        end_trial(root, usecase)
        raise
    note.unlink()


def end_trial(root: Path, usecase: str) -> bool:
    """Take out what a killed or failed trial left in force.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Whose input.

    Returns:
        Whether there was such a trial.
    """
    note = _note(root, usecase)
    if not note.exists():
        return False
    before = read_json(note)
    choice = load_inputs(root / INPUTS).choice(usecase)
    files = tuple(key for key in choice.files if key in before["files"])
    if files != choice.files:
        choice = save_choice(root, usecase, choice.model_copy(update={"files": files}))
    folder = root / choice.raw
    if forget(folder, sorted(load_manifest(folder).keys() - before["raw"])):
        versions.add(root, Path(choice.raw))
    note.unlink()
    return True


def _note(root: Path, usecase: str) -> Path:
    return root / STATE / "trials" / f"{usecase}.json"
