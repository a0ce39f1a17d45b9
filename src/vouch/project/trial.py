"""Input on trial: in force while the stages of data run on it, as before again if one fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.core.results import Result
from vouch.project import versions
from vouch.project.blind import declare
from vouch.project.inputs import RAW, Choice, Inputs, inputs_so_far, write_inputs
from vouch.project.paths import STATE
from vouch.sources.manifest import forget, load_manifest

TRIALS = STATE / "trials"


class Trial(Result):
    """What there was before a trial.

    Attributes:
        choice: What the use case ran on; None: it had no input yet.
        remembered: Its other sources and what they last ran on.
        raw: All raw files of each source that the trial may bring files to, by folder.
    """

    FORMAT = 2
    choice: Choice | None
    remembered: dict[str, Choice]
    raw: dict[str, list[str]]


@contextmanager
def on_trial(root: Path, usecase: str, source: str | None = None) -> Iterator[None]:
    """Put a use case's input back as it was, if what is done with a new one fails.

    The note that this writes first lets the next run do so after a kill.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Whose input.
        source: To which source files come; None: the present one.
    """
    _before(root, usecase, source).write(_note(root, usecase))
    try:
        yield
    except BaseException:
        end_trial(root, usecase)
        raise
    _note(root, usecase).unlink()


def _before(root: Path, usecase: str, source: str | None) -> Trial:
    inputs = inputs_so_far(root)
    choice = inputs.usecases.get(usecase)
    folders = {choice.raw} if choice else set()
    folders |= {f"{RAW}/{source}"} if source else set()
    raw = {folder: sorted(load_manifest(root / folder)) for folder in sorted(folders)}
    return Trial(choice=choice, remembered=inputs.remembered.get(usecase, {}), raw=raw)


def end_trial(root: Path, usecase: str) -> bool:
    """Put back what there was before a killed or failed trial, and take out its files.

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
    write_inputs(root, _restored(inputs_so_far(root), usecase, before))
    for folder, kept in before.raw.items():
        if forget(root / folder, sorted(load_manifest(root / folder).keys() - set(kept))):
            versions.add(root, Path(folder))
    note.unlink()
    declare(root, usecase)
    return True


def _restored(inputs: Inputs, usecase: str, before: Trial) -> Inputs:
    """Return the inputs with what one use case had before; its blind period is the ledger's."""
    others = {name: choice for name, choice in inputs.usecases.items() if name != usecase}
    remembered = {name: of for name, of in inputs.remembered.items() if name != usecase}
    if before.choice is None:
        return Inputs(usecases=others, remembered=remembered)
    present = inputs.usecases.get(usecase, before.choice)
    choice = before.choice.model_copy(update={"blind": present.blind, "frozen": present.frozen})
    # in the file's order: the same choices are the same bytes
    usecases = {name: others.get(name, choice) for name in {**inputs.usecases, usecase: choice}}
    order = {**inputs.remembered, usecase: before.remembered}
    return Inputs(
        usecases=usecases,
        remembered={name: remembered.get(name, before.remembered) for name in order},
    )


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
