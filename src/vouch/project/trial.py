"""Raw files on trial: in force while the stages of data run on them, out again if one fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vouch.core.files import read_json, write_json
from vouch.project import versions
from vouch.project.inputs import INPUTS, Inputs, load_inputs, save_choice
from vouch.project.paths import STATE
from vouch.sources.manifest import DIGITS, forget, load_manifest, sha256_of


@contextmanager
def on_trial(root: Path, usecase: str, files: Sequence[Path]) -> Iterator[None]:
    """Take files back out of a use case's input if what is done with them fails.

    The note that this writes first lets the next run do so after a kill.

    Args:
        root: The project's folder.
        usecase: Whose input they join.
        files: The files; those that are in force already stay so.

    Raises:
        VouchError: A file cannot be read.
    """
    end_trial(root, usecase)
    choice = load_inputs(root / INPUTS).choice(usecase)
    keys = [sha256_of(file)[:DIGITS] for file in files]
    new = [key for key in keys if key not in choice.files]
    kept = load_manifest(root / choice.raw)
    note = _note(root, usecase)
    write_json(note, {"in_force": new, "kept": [key for key in new if key not in kept]})
    try:
        yield
    except BaseException:
        end_trial(root, usecase)
        raise
    note.unlink()


def end_trial(root: Path, usecase: str) -> bool:
    """Take files that a killed or failed trial left in force back out.

    Args:
        root: The project's folder.
        usecase: Whose input.

    Returns:
        Whether there was such a trial.
    """
    note = _note(root, usecase)
    if not note.exists():
        return False
    trial = read_json(note)
    inputs = load_inputs(root / INPUTS)
    choice = inputs.choice(usecase)
    files = tuple(key for key in choice.files if key not in trial["in_force"])
    if files != choice.files:
        choice = save_choice(root, usecase, choice.model_copy(update={"files": files}))
    folder = root / choice.raw
    if forget(folder, [key for key in trial["kept"] if not _used(inputs, usecase, key)]):
        versions.add(root, Path(choice.raw))
    note.unlink()
    return True


def _note(root: Path, usecase: str) -> Path:
    return root / STATE / "trials" / f"{usecase}.json"


def _used(inputs: Inputs, usecase: str, key: str) -> bool:
    """Return whether anything but the use case's present input needs a raw file."""
    others = [choice for name, choice in inputs.usecases.items() if name != usecase]
    others += [choice for each in inputs.remembered.values() for choice in each.values()]
    held_out = inputs.usecases[usecase].held_out
    return key in held_out or any(key in (*each.files, *each.held_out) for each in others)
