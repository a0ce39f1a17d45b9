"""``vouch collect``: people's decisions, back as labels."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.output import write
from vouch.project.paths import STATE
from vouch.usecases import names

if TYPE_CHECKING:
    from vouch.review.collect.stage import Collected

ROOT = Path()
SHOWN = 10


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(collect)


def collect(
    usecase: Annotated[str, typer.Argument(help=" or ".join(names()))],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Filled-in cases (.csv) or Label Studio's export; none: the page's answers."
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write counts, conflicts and agreement here.")
    ] = None,
) -> None:
    """Take people's decisions in as labels; what cannot be taken is named and set aside.

    Decisions are kept for good and versioned. The same file twice changes nothing, so collect a
    half-filled file, fill in more, and collect it again. A reviewer's later decision on a case
    replaces the earlier one (back to an earlier word only with a time in the column decided_at);
    several reviewers come to a consensus.

    Examples:
      vouch collect fraud
      vouch collect fraud cases.csv
      vouch collect sentiment project-1-export.json --json collected.json
    """
    from rich.console import Console

    from vouch.core import terminal
    from vouch.core.files import write_json
    from vouch.operate.events import tell
    from vouch.project.training import alone
    from vouch.review.collect import collect as take_in

    console = Console(stderr=True)
    with alone(ROOT, console), terminal.working(console, "collect") as progress:
        result = take_in(
            ROOT, STATE, usecase, file, progress
        )  # no run may have it change meanwhile
    for line in _lines(usecase, result):
        write(line)
    for line in result["ignored"]:
        write(f"ignored: {line}", error=True)
    for decision in result["set_aside"]:
        who = f", {decision['reviewer']}" if decision["reviewer"] else ""
        write(
            f"set aside: line {decision['line']} ({decision['case']}{who}): {decision['reason']}",
            error=True,
        )
    for event in tell(ROOT, usecase, result):
        write(f"told the project's Prefect server: {event}")
    if json_file:
        write_json(json_file, result)


def _lines(usecase: str, result: "Collected") -> Iterator[str]:
    from vouch.metrics.agreement import in_words

    counts = f"{result['new']:,} new decisions, {result['known']:,} known"
    counts += f", {result['held']:,} on rows of the holdout" * bool(result["held"])
    batch = (
        f" -> data/labels/{usecase}/reviews/{result['batch']}.parquet" if result["batch"] else ""
    )
    yield f"{counts}, {len(result['set_aside']):,} set aside, {result['blank']:,} blank{batch}"
    for pair in result["agreement"][:SHOWN]:
        who = " and ".join(pair["reviewers"])
        yield f"agreement of {who} on {pair['cases']} cases: kappa {in_words(pair['kappa'])}"
    for conflict in result["conflicts"][:SHOWN]:
        votes = ", ".join(f"{who}: {label}" for who, label in conflict["votes"].items())
        sure = f" ({conflict['confidence']:.0%})" if conflict["confidence"] is not None else ""
        outcome = f"{conflict['consensus']} by {conflict['method']}{sure} holds"
        yield f"for a lead: {conflict['case']}: {votes}; {outcome}"
    if (more := len(result["conflicts"]) - SHOWN) > 0:
        yield f"and {more:,} more conflicts; --json FILE has them all"
    again = f": vouch run {usecase}" if result["enough"] else ""
    yield f"{result['since_training']:,} decisions that no model has learned from yet{again}"
