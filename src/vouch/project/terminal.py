"""A run's output on the terminal: one line per stage, a progress bar while it works."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from vouch.core import progress as protocol
from vouch.core.errors import one_line, plain
from vouch.project.versions import Outcome

HEADLINES: dict[str, tuple[str, ...]] = {
    "ingest": ("lines", "rows", "rejects"),
    "validate": ("counts",),
    "label": ("issues",),
    "extract": ("rows", "boundary"),
    "tune": ("trials", "algorithm", "average_precision", "macro_recall", "interval"),
    "evaluate": ("holdout", "question"),
    "explain": ("cases", "poor", "r2"),
    "register": ("name", "version"),
    "report": ("bytes",),
}
"""Which numbers of a stage's summary its line shows."""
EVERY = 10.0
"""Seconds between two progress lines where there is no terminal to draw a bar in."""


PLAIN: dict[str, Any] = {
    "highlight": False,
    "markup": False,
    "emoji": False,
    "soft_wrap": True,
}
"""How text is printed that may hold something from data."""


def say(console: Console, text: object) -> None:
    """Print a text as it is: no markup, no colours, no control sequences."""
    console.print(plain(text), **PLAIN)


@contextmanager
def working(console: Console, name: str) -> Iterator[protocol.Progress]:
    """Show progress while a stage works.

    Args:
        console: Where to; without a terminal, a plain line every ten seconds.
        name: The stage's name.

    Yields:
        The function to which the stage reports its progress.
    """
    if not console.is_terminal:
        yield _lines(console, name)
        return
    columns = (TextColumn("  {task.description:9}"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns,
        TextColumn("{task.fields[message]}", markup=False),
        console=console,
        transient=True,
    ) as p:
        task = p.add_task(name, total=None, message="")
        yield lambda done, total, message="": p.update(
            task, completed=done, total=total, message=one_line(message)
        )


def _lines(console: Console, name: str) -> protocol.Progress:
    last = time.monotonic()

    def tell(done: float, total: float, message: str = "") -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            last = time.monotonic()
            say(console, f"  {name:9} {done / total:4.0%} {message}")

    return tell


def heading(usecase: str, source: str, as_of: str) -> str:
    """Return a run's first line: what it works on, and as of when, if not the latest."""
    return f"{usecase} · source {source}" + (f" · as of {as_of}" if as_of != "latest" else "")


def tell(console: Console, outcome: Outcome) -> None:
    """Print a stage's outcome in one line, and its warnings."""
    numbers = ", ".join(_phrases(outcome.summary, HEADLINES[outcome.stage]))
    line = f"  {outcome.stage:9} {outcome.status:9} {outcome.seconds:6.1f} s  {numbers}"
    say(console, line.rstrip())
    if outcome.stage == "report":  # it repeats all the others' warnings
        return
    warn(console, outcome.summary.get("warnings", ()))


def warn(console: Console, warnings: Iterable[object]) -> None:
    """Print warnings below the line of a stage or task."""
    for warning in warnings:
        say(console, f"            ! {one_line(warning)}")


def _phrases(summary: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    """Flatten what is nested, such as counts, and word each number."""
    for name in names:
        value = summary.get(name)
        if isinstance(value, dict):
            yield from _phrases(value, tuple(value))
        elif isinstance(value, list | tuple):
            low, high = value
            yield f"{low:.3f} to {high:.3f}"
        elif isinstance(value, float):
            yield f"{name.replace('_', ' ')} {value:.3f}"
        elif isinstance(value, int):
            yield f"{name.replace('_', ' ')} {value:,}"
        elif value is not None:
            yield f"{name.replace('_', ' ')} {value}"
