"""What runs with and without Prefect share: the lock, the choice of input, the stages."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from vouch.core import terminal
from vouch.project import lines, versions
from vouch.project.blind import declare
from vouch.project.inputs import INPUTS, Choice, choose, load_inputs
from vouch.project.intake import DATA, update
from vouch.project.paths import STATE
from vouch.project.request import Request
from vouch.project.stages import STAGES
from vouch.project.trial import end_trial, on_trial


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


@contextmanager
def trying(root: Path, request: Request, console: Console) -> Iterator[None]:
    """Keep the files that a request brings in force only if the stages of data run on them.

    If these fail, input and data are put back as they were. What a killed run had only tried is
    taken out first.

    Args:
        root: The project's folder, whose lock the caller holds.
        request: What the run was asked for.
        console: Where it says what is put back.
    """
    usecase = request.usecase
    if end_trial(root, usecase):
        terminal.say(console, "what a killed run had only tried is out again: name its file anew")
    if not request.brings_files:
        yield
        return
    ready = _is_ready(root, usecase)
    try:
        with on_trial(root, usecase, request.source):
            yield
    except Exception:
        terminal.say(console, "the file is not taken: input and data are put back as they were")
        if ready:  # the stage that failed had removed its outputs
            with suppress(Exception):
                update(root, usecase, console)
        raise


def _is_ready(root: Path, usecase: str) -> bool:
    """Return whether a use case has input, and its data is up to date with it."""
    inputs = root / INPUTS
    if not inputs.exists() or usecase not in load_inputs(inputs).usecases:
        return False
    return versions.is_current(root, DATA, usecase)


def choose_input(root: Path, request: Request) -> Choice:
    """Write the request's input into ``data/inputs.yaml`` and put its raw files under DVC.

    Args:
        root: The project's folder.
        request: What the run was asked for.

    Returns:
        The use case's entry as it now stands.

    Raises:
        VouchError: Unknown use case or source, or a file that cannot be taken.
    """
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
    if request.force or request.brings_files:
        return None
    with alone(root, console):
        with trying(root, request, console):
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
    usecase, force = request.usecase, request.force
    with alone(root, console):
        with trying(root, request, console):
            choice = choose_input(root, request)
            terminal.say(console, lines.heading(usecase, choice.source, choice.as_of))
            outcomes = update(root, usecase, console, force=force)
        outcomes += update(root, usecase, console, STAGES[len(DATA) :], force=force)
        versions.push(root)
    return outcomes
