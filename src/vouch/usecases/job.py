"""What an extract works on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vouch.holdout.keeper import HoldoutKey
from vouch.sources.declaration import Declaration
from vouch.usecases.params import SplitParams

if TYPE_CHECKING:
    from ibis import Table


@dataclass(frozen=True)
class Job:
    """What to extract from.

    Attributes:
        source: The source's declaration.
        rows: Silver rows, every version.
        labels: Issued labels.
        path: The file of the rows, for messages.
        as_of: What became known later is left out.
        key: Which holdout.
        holdout_files: Files whose rows are the holdout; none: it is cut off the rest.
        params: The stage's parameters.
        every: All rows and labels, where ``rows`` and ``labels`` are some of them.
    """

    source: Declaration
    rows: "Table"
    labels: "Table"
    path: Path
    as_of: datetime
    key: HoldoutKey
    holdout_files: Sequence[str]
    params: SplitParams
    every: "tuple[Table, Table] | None" = None
