"""What a person at a terminal sees while something works: a bar, or a line now and then."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from vouch.core import progress as protocol
from vouch.core.errors import one_line, plain

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


def warn(console: Console, warnings: Iterable[object]) -> None:
    """Print warnings below the line of a stage or task."""
    for warning in warnings:
        say(console, f"            ! {one_line(warning)}")
