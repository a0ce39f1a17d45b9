"""The truth of held-out rows: issued for the holdout alone, and only where gold is not kept."""

from collections.abc import Sequence
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
class Arrival:
    """When held-out rows' truth was issued.

    Attributes:
        newest: The newest issue; None: there is none.
        first: The first that is in force; None: none is.
    """

    newest: datetime | None = None
    first: datetime | None = None

    def arrives(self, labels: "Table", as_of: datetime) -> bool:
        """Return whether by then any truth in force came by itself, here or in issued labels."""
        by_then = labels.filter(labels.issued_at <= as_of)
        return (self.first is not None and self.first <= as_of) or truth_arrives(by_then)

    def facts(self) -> list[str]:
        """Return it as JSON has it; empty texts where there is none."""
        return [moment.isoformat() if moment else "" for moment in (self.newest, self.first)]

    @classmethod
    def read(cls, facts: Sequence[str]) -> "Arrival":
        """Return what :meth:`facts` wrote."""
        return cls(*(datetime.fromisoformat(text) if text else None for text in facts))


@dataclass(frozen=True)
class HeldTruth:
    """What ingest sealed of some rows.

    Attributes:
        engine: Where to compute.
        silver: Silver rows, every version.
        opened: Their sealed labels.
        source: The source's declaration.
        use: Sources of labels that are in force.
        scratch: A folder.
    """

    engine: Any
    silver: "Table"
    opened: SealedLabels
    source: Declaration
    use: tuple[str, ...]
    scratch: Path

    @cached_property
    def rows(self) -> "Table":
        """Silver rows; held-out ones get back how sure a label is, which is no feature."""
        if not self.opened.table.num_rows:
            return self.silver
        return self.opened.with_confidence(self.silver, self._sealed)

    @cached_property
    def issues(self) -> "Table | None":
        """The issues of the truth, at which no feature may look; None where none was sealed."""
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

    def arrival(self) -> Arrival:
        """Compute when the truth was issued."""
        issues = self.issues
        if issues is None:
            return Arrival()
        moments = issues.aggregate(
            newest=issues.issued_at.max(), first=issues.issued_at.min(where=issues.in_force)
        )
        return Arrival(**moments.to_pyarrow().to_pylist()[0])
