"""``vouch blind``: hide the values of development figures until the pipeline is frozen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.output import write
from vouch.usecases import find, names

if TYPE_CHECKING:
    from vouch.holdout.blind import Status

app = typer.Typer(help="Hide figures until the pipeline is frozen.", no_args_is_help=True)
ROOT = Path()
Usecase = Annotated[str, typer.Argument(help=" or ".join(names()))]
Json = Annotated[Path | None, typer.Option("--json", help="Write the answer here too.")]


@app.command()
def on(usecase: Usecase, json_file: Json = None) -> None:
    """Blind a use case: every development figure gets one hidden offset a metric.

    Trials keep their order and differences, values mean nothing. Nothing is promoted and the
    holdout is not asked until `vouch blind off`. The ledger records it.

    Example:
      vouch blind on fraud
    """
    from rich.console import Console

    from vouch.holdout.blind import SEEN
    from vouch.project.blind import begin, status
    from vouch.project.training import alone

    find(usecase)
    with alone(ROOT, Console(stderr=True)):
        new = begin(ROOT, usecase)
    now = status(ROOT, usecase)
    if not new:
        write(f"nothing changes: {_sentence(now)}")
    else:
        write(f"{usecase} is blind from the next run on: vouch run {usecase}")
        if now.seen:
            write(f"{SEEN} Until the next run, pages still show true figures.")
    _save(json_file, now)


@app.command()
def off(
    usecase: Usecase,
    abandon: Annotated[
        bool,
        typer.Option("--abandon", help="The key is lost: end it without figures, search anew."),
    ] = False,
    json_file: Json = None,
) -> None:
    """Unblind a use case, which declares that its pipeline is frozen.

    The ledger records who, when, a digest of the pipeline (inputs, declaration, expectations,
    parameters, code), and the hidden numbers. The next run shows the true figures of the same
    search, and asks the holdout. Where .vouch/holdout.key is lost, the true figures of the period
    are lost, too: --abandon ends it, and the next run searches anew.

    Examples:
      vouch blind off fraud
      vouch blind off fraud --abandon
    """
    from rich.console import Console

    from vouch.project import blind
    from vouch.project.training import alone

    find(usecase)
    with alone(ROOT, Console(stderr=True)):
        was = (blind.abandon if abandon else blind.end)(ROOT, usecase)
    now = blind.status(ROOT, usecase)
    if was and abandon:
        write(f"{_sentence(now)}; to search anew: vouch run {usecase}")
    elif was:
        write(f"{_sentence(now)}; to see the true figures: vouch run {usecase}")
    else:
        write(f"nothing changes: {_sentence(now)}")
    _save(json_file, now)


@app.command()
def status(usecase: Usecase, json_file: Json = None) -> None:
    """Show whether a use case is blind, since when, and what pipeline was frozen.

    Example:
      vouch blind status fraud
    """
    from vouch.project.blind import changed_since_frozen
    from vouch.project.blind import status as read_status

    find(usecase)
    now = read_status(ROOT, usecase)
    changed = changed_since_frozen(ROOT, usecase)
    write(_sentence(now))
    if changed:
        write("the pipeline has changed since it was frozen")
    if now.seen:
        write("figures had been seen before the period began")
    _save(json_file, now)


def _sentence(now: "Status") -> str:
    if now.since is None:
        return f"{now.usecase} is not blind, and never was"
    by = f"since {now.since:%Y-%m-%d %H:%M} UTC, by {now.actor}"
    if now.blind:
        return f"{now.usecase} is blind {by} (period {now.period})"
    if now.abandoned:
        return f"{now.usecase} is not blind {by}: period {now.period} was abandoned, nothing frozen"
    frozen = f"pipeline {(now.pipeline or '')[:12]}, commit {(now.git_commit or '')[:12]}"
    return f"{now.usecase} is unblinded {by}; frozen: {frozen}"


def _save(path: Path | None, now: "Status") -> None:
    from dataclasses import asdict

    from vouch.core.files import write_json

    if path:
        write_json(path, asdict(now))
