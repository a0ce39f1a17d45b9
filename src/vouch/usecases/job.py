"""What an extract works on."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vouch.holdout.keeper import HoldoutKey
from vouch.holdout.split import Terms
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
        as_of: What became known later is left out; ``sealed`` may be later.
        terms: What decides which rows are held out.
        params: The stage's parameters.
        sealed: Issues of the truth of held-out rows that count, which no feature may use; None:
            none were sealed.
        every: All rows and labels, where ``rows`` and ``labels`` are some of them.
    """

    source: Declaration
    rows: "Table"
    labels: "Table"
    as_of: datetime
    terms: Terms
    params: SplitParams
    sealed: "Table | None" = None
    every: "tuple[Table, Table] | None" = None

    @property
    def path(self) -> Path:
        """The file of the rows."""
        return self.terms.path

    @property
    def key(self) -> HoldoutKey:
        """Which holdout."""
        return self.terms.key

    def issued(self, labels: "Table") -> "Table":
        """Return some issues with those of held-out rows: the labels of rows, not of features."""
        by_then = labels.filter(labels.issued_at <= self.as_of)
        return by_then if self.sealed is None else by_then.union(self.sealed)
