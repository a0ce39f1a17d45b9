"""The door: which rows are held out is decided here, and bronze does not have their labels."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from vouch.holdout.labels import PLACE, hash_secret, present, seal_labels
from vouch.holdout.ledger import Cut, Ledger
from vouch.holdout.split import Split, Terms, UncutError, split
from vouch.labels.known import moment_of
from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet
from vouch.stages.ingest.parse import HASH_DIGITS
from vouch.usecases import find

if TYPE_CHECKING:
    from ibis import Table


@dataclass(frozen=True)
class Door:
    """Decides which labels are sealed.

    Attributes:
        source: The declaration.
        terms: What decides which rows are held out; None: none are.
        as_of: A first cut by time looks at no later rows: ``latest`` or an ISO date.
        state: The project's state folder.
    """

    source: Declaration
    terms: Terms | None
    as_of: str
    state: Path

    @classmethod
    def open(cls, source: Declaration) -> "Door":
        """Return one for rows of which none are held out, such as a study's."""
        return cls(source, None, "latest", Path())

    def guard(self, backend: Any, parts: Sequence[Path], columns: Sequence[str]) -> "Guard":
        """Decide which rows are held out.

        Args:
            backend: Where to compute.
            parts: Every file's rows.
            columns: Those that the rows have.

        Returns:
            What seals their labels. Where no cut can be proposed, such as of rows of one time,
            none are held out: extract says why, of the rows that validation leaves.
        """
        guard = Guard(self, backend, _together(parts), present(columns))
        if self.terms is None:
            return guard
        with suppress(UncutError):
            chosen = guard.split(guard.rows(guard.every))
            terms = replace(self.terms, planned=chosen.cut)
            return replace(guard, door=replace(self, terms=terms), chosen=chosen)
        return guard


@dataclass(frozen=True)
class Guard:
    """Takes labels of held-out rows away.

    Attributes:
        door: What was decided.
        backend: Where to compute.
        every: SQL of all rows.
        columns: The rows' columns that say something of their class.
        chosen: Which of all rows are held out; None: none are.
    """

    door: Door
    backend: Any
    every: str
    columns: list[str]
    chosen: Split | None = None

    @cached_property
    def ledger(self) -> Ledger:
        """What was decided before."""
        return Ledger(self.door.state)

    @property
    def terms(self) -> Terms:
        """What decides which rows are held out."""
        assert self.door.terms is not None
        return self.door.terms

    @property
    def closes(self) -> bool:
        """Whether any labels may have to be taken away."""
        return self.chosen is not None and bool(self.columns)

    @property
    def identity(self) -> list[Any]:
        """What tells one decision from another; JSON-able."""
        if self.chosen is None:
            return []
        terms, secret = self.terms, self._secret()
        cut, reserve = asdict(self.chosen.cut), self.chosen.reserve
        by_hash = not terms.files and reserve is None
        take = self.ledger.foresee_take
        taken = [asdict(take(terms.key, terms.share, terms.reserve))] if by_hash else []
        before = self.ledger.reserve_of_previous(terms.key)
        return [str(terms.key), terms.files, cut, reserve, before, taken, self.columns, secret]

    def _secret(self) -> str:
        return hash_secret(self.door.state)

    def rows(self, query: str) -> "Table":
        """Return some rows, with what tells which party they are of."""
        table = self.backend.sql(query)
        return find(self.door.source.usecase).with_parties(table)

    def split(self, table: "Table") -> Split:
        """Return which of some rows are held out, or kept for later holdouts."""
        every = self.backend.sql(self.every)
        return split(table, every, self.terms, self.ledger, record=False, first=self._labelled)

    def _labelled(self, table: "Table") -> "Table":
        """Return the rows that a first cut by time looks at: those with a label, known by then.

        Extract cuts, by what validation leaves of them; mostly this is the same.
        """
        if moment := moment_of(self.door.as_of):
            table = table.filter(table.time <= moment)
        if self.door.source.rule is None and "label" in self.columns:
            table = table.filter(table.label.notnull())
        return table

    def without_labels(self, path: Path) -> str:
        """Return SQL for a file's rows without the labels of those held out or kept for later."""
        plain = f"SELECT * FROM {parquet(path)}"
        if not self.closes:
            return plain
        table = self.rows(plain)
        parted = self.split(table)
        hidden = parted.holdout | parted.reserved
        empty: dict[str, Any] = {
            name: ibis.ifelse(hidden, ibis.null(table[name].type()), table[name])
            for name in self.columns
            if name in table.columns
        }
        # a row's hash ends with its labels: repeats and corrections are told by a keyed digest
        keyed = (ibis.literal(self._secret()) + table.row_hash).hexdigest("sha256")
        digest = table.row_hash.left(HASH_DIGITS) + "/" + keyed.left(HASH_DIGITS)
        closed = table.mutate(**empty, row_hash=ibis.ifelse(hidden, digest, table.row_hash))
        return str(self.backend.compile(closed.select(self.backend.sql(plain).columns)))

    def labels(self, paths: Sequence[Path]) -> pa.Table:
        """Return what some files say of the class of the holdout's rows, in the order of rows."""
        table = self.rows(_together(paths))
        if not self.closes:
            return self.backend.to_pyarrow(table.select(*PLACE).limit(0))
        held = table.filter(self.split(table).holdout).select(*PLACE, *self.columns)
        told = held.filter(ibis.or_(*(held[name].notnull() for name in self.columns)))
        return self.backend.to_pyarrow(told.order_by(list(PLACE)))

    def seal(self, labels: pa.Table, path: Path) -> None:
        """Write labels that nobody but the keeper reads."""
        if self.door.terms is None:
            return
        cut = self.chosen.cut if self.chosen else Cut(None, None)
        seal_labels(self.door.state, labels, cut, path)


def _together(paths: Sequence[Path]) -> str:
    """Return SQL for the rows of several files."""
    return " UNION ALL BY NAME ".join(f"SELECT * FROM {parquet(path)}" for path in paths)
