"""The truth of held-out rows: issued for the holdout alone, and only where gold is not kept."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from vouch.engine import write_parquet
from vouch.holdout.labels import SealedLabels
from vouch.labels.held import truth_arrives
from vouch.labels.issues import truth
from vouch.sources.declaration import Declaration
from vouch.usecases import find

if TYPE_CHECKING:
    from ibis import Table


@dataclass(frozen=True)
class HeldTruth:
    """What ingest sealed of some rows.

    Attributes:
        engine: Where to compute.
        silver: Silver rows, every version.
        opened: Their sealed labels.
        source: The source's declaration.
        use: Sources of labels that are in force.
        until: What came later is left out; None: nothing is.
        scratch: A folder.
    """

    engine: Any
    silver: "Table"
    opened: SealedLabels
    source: Declaration
    use: tuple[str, ...]
    until: datetime | None
    scratch: Path

    @cached_property
    def rows(self) -> "Table":
        """Silver rows; held-out ones get back how sure a label is, which is no feature."""
        if not self.opened.table.num_rows:
            return self.silver
        return self.opened.with_confidence(self.silver, self._sealed)

    @property
    def issues(self) -> "Table | None":
        """The issues of the truth, at which no feature may look; None where none was sealed."""
        issues = self._every
        if issues is None or self.until is None:
            return issues
        return issues.filter(issues.issued_at <= self.until)

    @cached_property
    def _every(self) -> "Table | None":
        if not self.opened.table.num_rows:
            return None
        path, usecase = self.scratch / "truth.parquet", find(self.source.usecase)
        held = self.opened.put_back(self.silver, self._sealed)
        write_parquet(truth(held, self.source, usecase, self.use), path, scratch=True)
        return self.engine.read_parquet(path)

    @cached_property
    def _sealed(self) -> "Table":
        path = self.scratch / "sealed.parquet"
        pq.write_table(self.opened.table, path)
        return self.engine.read_parquet(path)

    def arrives(self) -> bool:
        """Return whether any truth in force comes by itself, whenever: by when would tell it."""
        return self._every is not None and truth_arrives(self._every)
