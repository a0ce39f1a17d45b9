"""What runs with and without Prefect share: the lock, the choice of input, the stages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from vouch.core import terminal
from vouch.project import lines, versions
from vouch.project.blind import declare
from vouch.project.inputs import INPUTS, Choice, choose, load_inputs
from vouch.project.paths import STATE
from vouch.project.request import Request
from vouch.project.stages import STAGES
from vouch.project.trial import end_trial


@contextmanager
def alone(root: Path, console: Console, name: str = "run") -> Iterator[None]:
    """Hold the lock by which one run at a time works on the project; a second one waits.

    Args:
        root: The project's folder.
        console: Where to say that another run is in the way.
        name: Which lock.
    """
    folder = root / STATE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        terminal.say(console, "another run is at work on this project: waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def choose_input(root: Path, request: Request) -> Choice:
    """Write the request's input into ``data/inputs.yaml`` and put its raw files under DVC.

    Files that a killed intake had only tried are taken out first.

    Args:
        root: The project's folder.
        request: What the run was asked for.

    Returns:
        The use case's entry as it now stands.

    Raises:
        VouchError: Unknown use case or source, or a file that cannot be taken.
    """
    end_trial(root, request.usecase)
    choice = choose(
        root,
        request.usecase,
        request.source,
        path=request.path,
        add=request.add,
        holdout=request.holdout,
        as_of=request.as_of,
        engine=request.engine,
    )
    if choice.files:
        versions.add(root, Path(choice.raw))
    declare(root, request.usecase)
    return load_inputs(root / INPUTS).choice(request.usecase)


def nothing_to_do(root: Path, request: Request, console: Console) -> list[versions.Outcome] | None:
    """Choose a request's input, and see whether every stage is up to date with it.

    Args:
        root: The project's folder.
        request: What the run was asked for; one that brings files or forces has something to do.
        console: Where each stage's line is shown.

    Returns:
        The outcomes of an unchanged project; None where a stage has to run.

    Raises:
        VouchError: What the user can mend.
    """
    if request.force or request.path or request.add or request.holdout:
        return None
    with alone(root, console):
        choice = choose_input(root, request)
        if not versions.is_current(root, STAGES, request.usecase):
            return None
        terminal.say(console, lines.heading(request.usecase, choice.source, choice.as_of))
        outcomes = [
            versions.Outcome(stage.name, request.usecase, "unchanged", 0.0, 0.0) for stage in STAGES
        ]
        for outcome in outcomes:
            lines.tell(console, outcome)
        versions.push(root)
    return outcomes


def train(root: Path, request: Request, console: Console) -> list[versions.Outcome]:
    """Run every stage in order, without Prefect.

    Args:
        root: The project's folder.
        request: What the run was asked for.
        console: Where its progress is shown.

    Returns:
        What became of each stage.

    Raises:
        VouchError: What the user can mend.
    """
    with alone(root, console):
        choice = choose_input(root, request)
        terminal.say(console, lines.heading(request.usecase, choice.source, choice.as_of))
        outcomes = []
        for stage in STAGES:
            with terminal.working(console, stage.name) as progress:
                outcome = versions.reproduce(
                    root, stage, request.usecase, force=request.force, progress=progress
                )
            lines.tell(console, outcome)
            outcomes.append(outcome)
        versions.push(root)
    return outcomes
