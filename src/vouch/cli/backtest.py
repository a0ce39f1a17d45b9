"""``vouch backtest``: how a model would have done, week by week."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(backtest)


def backtest(
    source: Annotated[str, typer.Argument(help="A declaration in data/sources, such as cards.")],
    path: Annotated[Path, typer.Option(help="The rows, with labels.")],
    folds: Annotated[str, typer.Option(help="First training days: 2018-07-11,2018-07-04.")],
    history: Annotated[
        int | None,
        typer.Option(min=1, help="Days of training rows; all that is known by default."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Backtest: train on what was known, assess the week after, fold by fold.

    A fold's date is its first training day; its assessed week starts 14 days later, so that the
    labels of the training days have arrived. Features may use all earlier rows. Rows in a holdout
    are neither learned from nor assessed. While the source's use case is blind (vouch blind), its
    figures are refused.

    Examples:
      vouch backtest cards --path cards.parquet --folds 2018-07-11,2018-07-04
      vouch backtest cards --path cards.parquet --folds 2018-07-11 --history 7 --json out.json
    """
    from functools import partial

    from rich.console import Console

    from vouch.core import terminal
    from vouch.core.errors import VouchError
    from vouch.core.files import write_json
    from vouch.holdout.blind import refusal
    from vouch.holdout.keeper import Keeper
    from vouch.project.paths import STATE
    from vouch.sources.declaration import load_declaration, source_path
    from vouch.studies.backtest.protocol import parse_folds
    from vouch.studies.backtest.run import DEFAULT, SEEDS, Settings
    from vouch.studies.backtest.run import backtest as run

    chosen = parse_folds(folds)
    declaration = load_declaration(source_path(Path(), source))
    if reason := refusal(STATE, declaration.usecase):
        raise VouchError(f"no backtest: {reason}", "freeze the pipeline first")
    settings = Settings(DEFAULT, SEEDS, history)
    declared = declaration.has("id")
    held_out = partial(Keeper(STATE).held_out, declaration.usecase, declared=declared)
    with terminal.working(Console(stderr=True), "backtest") as progress:
        result = run(declaration, path, chosen, settings, held_out, progress)
    write("first day   AUC    AP     CP@100")
    for row in [*result["folds"], {"start": "mean", **result["mean"]}]:
        write(f"{row['start']:10}  {row['auc']:.3f}  {row['ap']:.3f}  {row['cp100']:.3f}")
    if result["held_out"]:
        write(
            f"left out: {result['held_out']:,} rows of a holdout, on which models are compared",
            error=True,
        )
    if json_file:
        write_json(json_file, result)
