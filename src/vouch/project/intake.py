"""New raw files into a use case's data: into ingest to extract, or refused with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.project import lines
from vouch.project.inputs import choose
from vouch.project.stages import STAGES
from vouch.project.trial import on_trial
from vouch.project.versions import add, push, reproduce

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

    All are tried together; if that fails, each alone, so that one keeps no other from being taken.

    Args:
        root: The project's folder, whose lock the caller holds.
        usecase: Which use case of ``data/inputs.yaml``.
        files: Raw files of its present source.
        console: Where the stages' progress is shown.

    Returns:
        Which were taken and which refused; a refused one leaves the data as it was.

    Raises:
        Exception: What is no fault of a file, such as a full disk; nothing is in force then that
            was not before.
    """
    joined = False
    try:
        with on_trial(root, usecase):
            _join(root, usecase, files, console)
            joined = True
            _data(root, usecase, console)
    except VouchError as error:
        if len(files) > 1:
            return _one_by_one(root, usecase, files, console)
        if joined:  # the stage that failed had removed its outputs
            _data(root, usecase, console)
        return Taken(refused={files[0]: error})
    push(root)
    return Taken(list(files))


def _one_by_one(root: Path, usecase: str, files: Sequence[Path], console: Console) -> Taken:
    result = Taken()
    for file in files:
        alone = take(root, usecase, [file], console)
        result.files.extend(alone.files)
        result.refused.update(alone.refused)
    return result


def _join(root: Path, usecase: str, files: Sequence[Path], console: Console) -> None:
    for file in files:
        choice = choose(
            root, usecase, add=file, say=lambda text: terminal.say(console, f"  {text}")
        )
    add(root, Path(choice.raw))
    terminal.say(console, lines.heading(usecase, choice.source, choice.as_of))


def _data(root: Path, usecase: str, console: Console) -> None:
    for stage in DATA:
        with terminal.working(console, stage.name) as progress:
            outcome = reproduce(root, stage, usecase, progress=progress)
        lines.tell(console, outcome)
