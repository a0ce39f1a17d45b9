"""The command ``vouch simulate reviewers``: people to decide cases."""

from pathlib import Path
from typing import Annotated

import typer

from vouch.core.output import write


def reviewers(
    usecase: Annotated[str, typer.Argument(help="fraud or sentiment.")],
    file: Annotated[Path, typer.Argument(help="Cases to decide, as vouch enqueue writes them.")],
    out: Annotated[Path, typer.Option(help="Where the decided cases go (CSV).")],
    seed: Annotated[int, typer.Option(help="The same seed decides the same way.")] = 1,
    each: Annotated[int, typer.Option(help="How many reviewers decide each case.")] = 1,
    count: Annotated[
        int, typer.Option("--reviewers", min=1, max=1000, help="How many there are.")
    ] = 50,
    experienced: Annotated[
        bool, typer.Option("--experienced", help="Reviewers who err less (kappa .6 to .95).")
    ] = False,
    perfect: Annotated[bool, typer.Option("--perfect", help="Reviewers who never err.")] = False,
) -> None:
    """Decide cases as people would: each errs in their own measure, most on hard cases.

    The truth is the source's own label of the project's rows.

    Examples:
      vouch simulate reviewers fraud cases.csv --out decided.csv
      vouch simulate reviewers fraud cases.csv --out decided.csv --each 3 --seed 7
    """
    from vouch.review.reviewers import EXPERIENCED, KAPPA, PERFECT, fill, team
    from vouch.usecases import find

    find(usecase)
    kappas = PERFECT if perfect else EXPERIENCED if experienced else KAPPA
    counts = fill(Path(), usecase, file, out, team(count, seed, kappas), each, seed)
    write(f"{out}: {counts['decisions']:,} decisions on {counts['cases']:,} cases")
    if counts["unknown"]:
        write(f"{counts['unknown']:,} left undecided: their truth is not known")
