"""New raw files into a use case's data: into ingest to extract, or refused with a reason."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from vouch.core import terminal
from vouch.core.errors import VouchError, described, is_of_data
from vouch.project import lines
from vouch.project.inputs import check_file, choose, present_source
from vouch.project.stages import STAGES, Stage
from vouch.project.trial import end_trial, on_trial
from vouch.project.versions import Outcome, add, reproduce
from vouch.sources.declaration import Declaration

DATA = STAGES[: [stage.name for stage in STAGES].index("extract") + 1]
"""The stages that new rows pass before anything learns from them."""


@dataclass(frozen=True)
class Taken:
    """What became of files.

    Attributes:
        files: Those whose rows are in force now.
        refused: Those that are not, and why.
    """

    files: list[Path] = field(default_factory=list)
    refused: dict[Path, VouchError] = field(default_factory=dict)


def take(root: Path, usecase: str, files: Sequence[Path], console: Console) -> Taken:
    """Add raw files to a use case's input and bring its data up to date.

    Those whose columns are right are tried together; if that fails, each half alone, so that one
    keeps no other from being taken.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Which use case of ``data/inputs.yaml``.
        files: Raw files of its present source.
        console: Where the stages' progress is shown.

    Returns:
        Which were taken and which refused; a refused one leaves the data as it was.

    Raises:
        Exception: What is no fault of a file, such as a full disk, a damaged note, or what another
            process changed meanwhile; nothing is in force then that was not before.
    """
    killed = end_trial(root, usecase)
    readable, refused = _readable(present_source(root, usecase), files)
    result = Taken(refused=refused)
    if readable:
        _try(root, usecase, readable, console, result)
    elif killed:
        update(root, usecase, console)
    return result


def _readable(
    declaration: Declaration, files: Sequence[Path]
) -> tuple[list[Path], dict[Path, VouchError]]:
    """Return the files of the declared columns, and why the others are none."""
    readable, refused = list[Path](), dict[Path, VouchError]()
    for file in files:
        try:
            if not declaration.simulator:  # which takes none: choosing it says so
                check_file(declaration, file)
            readable.append(file)
        except Exception as error:
            if not is_of_data(error):
                raise
            refused[file] = _refusal(error)
    return readable, refused


def _try(root: Path, usecase: str, files: Sequence[Path], console: Console, result: Taken) -> None:
    joined = False
    try:
        with on_trial(root, usecase):
            _join(root, usecase, files, console)
            joined = True
            update(root, usecase, console)
    except Exception as error:
        if not is_of_data(error):
            with suppress(Exception):
                update(root, usecase, console)
            raise
        if len(files) > 1:
            half = len(files) // 2
            for part in (files[:half], files[half:]):
                _try(root, usecase, part, console, result)
            return
        if joined:  # the stage that failed had removed its outputs
            update(root, usecase, console)
        result.refused[files[0]] = _refusal(error)
    else:
        result.files.extend(files)


def _refusal(error: Exception) -> VouchError:
    """Return an error that a file gives rise to in words for users."""
    if isinstance(error, VouchError):
        return error
    refusal = VouchError(described(error), "check the file's values")
    refusal.__cause__ = error
    return refusal


def reason(file: Path, error: VouchError) -> str:
    """Return why a file was refused, in one line that names it."""
    text = described(error)
    return text if text.startswith(str(file)) else f"{file}: {text}"


def _join(root: Path, usecase: str, files: Sequence[Path], console: Console) -> None:
    for file in files:
        choice = choose(
            root, usecase, add=file, say=lambda text: terminal.say(console, f"  {text}")
        )
    add(root, Path(choice.raw))
    terminal.say(console, lines.heading(usecase, choice.source, choice.as_of))


def update(
    root: Path,
    usecase: str,
    console: Console,
    stages: Sequence[Stage] = DATA,
    *,
    force: bool = False,
) -> list[Outcome]:
    """Bring stages up to date, each told in the terminal.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: For which use case.
        console: Where the progress is shown.
        stages: Which, in order.
        force: Run even where nothing changed.

    Returns:
        What became of each.
    """
    outcomes = []
    for stage in stages:
        with terminal.working(console, stage.name) as progress:
            outcome = reproduce(root, stage, usecase, force=force, progress=progress)
        lines.tell(console, outcome)
        outcomes.append(outcome)
    return outcomes
