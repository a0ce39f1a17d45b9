"""What a run tells the person in front of it: one line a stage."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console

from vouch.core.terminal import say, warn
from vouch.project.versions import Outcome

HEADLINES: dict[str, tuple[str, ...]] = {
    "ingest": ("lines", "rows", "rejects", "dropped"),
    "validate": ("counts",),
    "label": ("issues",),
    "extract": ("rows", "boundary"),
    "tune": ("trials", "algorithm", "average_precision", "macro_recall", "interval", "blind"),
    "evaluate": ("holdout", "question", "blind"),
    "explain": ("cases", "poor", "unstable", "disagree", "r2"),
    "register": ("name", "version"),
    "report": ("bytes",),
}
"""Which numbers of a stage's summary its line shows."""


def heading(usecase: str, source: str, as_of: str) -> str:
    """Return a run's first line: what it works on, and as of when, if not the latest."""
    return f"{usecase} · source {source}" + (f" · as of {as_of}" if as_of != "latest" else "")


def tell(console: Console, outcome: Outcome) -> None:
    """Print what became of a stage, in one line, and what it warns of."""
    numbers = ", ".join(_phrases(outcome.summary, HEADLINES[outcome.stage]))
    line = f"  {outcome.stage:9} {outcome.status:9} {outcome.seconds:6.1f} s  {numbers}"
    say(console, line.rstrip())
    if outcome.stage == "report":  # it tells all the others' warnings once more
        return
    warn(console, outcome.summary.get("warnings", ()))


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
