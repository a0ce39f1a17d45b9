"""The door: which rows are held out is decided here, and bronze does not have their labels.

Nor does it have those of the source's other holdouts that are in force by the ledger, whatever set
is chosen, nor of any other version of a row of which one is held out.
"""

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
from vouch.holdout.rows import among
from vouch.holdout.split import Other, Split, Terms, UncutError, others, split
from vouch.labels.known import moment_of
from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet
from vouch.stages.ingest.parse import HASH_DIGITS
from vouch.usecases import find

if TYPE_CHECKING:
    from ibis import Table


VARIABLE = "row_secret"
"""The variable of the connection that holds what held-out rows are hashed with: no query does."""


@ibis.udf.scalar.builtin
def getvariable(variable: str) -> str:  # type: ignore[empty-body]
    """Return a variable of DuckDB's connection."""


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
        guard = Guard(self, backend, tuple(parts), present(columns))
        if self.terms is None:
            return guard
        guard = replace(guard, others=tuple(others(self.terms.key, guard.ledger)))
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
        parts: Every file's rows.
        columns: The rows' columns that say something of their class.
        chosen: Which of all rows are held out; None: none are.
        others: Other holdouts of the source in force.
    """

    door: Door
    backend: Any
    parts: tuple[Path, ...]
    columns: list[str]
    chosen: Split | None = None
    others: tuple[Other, ...] = ()

    @property
    def every(self) -> str:
        """SQL of all rows."""
        return _together(self.parts)

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
        return bool(self.columns) and (self.chosen is not None or bool(self.others))

    @property
    def identity(self) -> list[Any]:
        """What tells one decision from another; JSON-able."""
        if not self.closes:
            return []
        elsewhere = [asdict(other) for other in self.others]
        return [*self._of_chosen(), elsewhere, self.entities, self.columns, self._secret()]

    def _of_chosen(self) -> list[Any]:
        if self.chosen is None:
            return []
        terms = self.terms
        cut, reserve = asdict(self.chosen.cut), self.chosen.reserve
        by_hash = not terms.files and reserve is None
        take = self.ledger.foresee_take
        taken = [asdict(take(terms.key, terms.share, terms.reserve))] if by_hash else []
        before = self.ledger.reserve_of_previous(terms.key)
        return [str(terms.key), terms.files, cut, reserve, before, taken]

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

    def _by_place(self, table: "Table") -> Any:
        """Return whether rows are held out or kept for later, by what stands in them."""
        places = [other.holds(table) for other in self.others]
        if self.chosen is not None:
            parted = self.split(table)
            places += [parted.holdout, parted.reserved]
        return ibis.or_(*places).fill_null(False)

    @cached_property
    def entities(self) -> list[str]:
        """The ids of rows that are sealed whatever stands in them, sorted.

        Those that are held out in one version and not in another, and those of other holdouts that
        were given as files.
        """
        ids = {*self._moved(), *self._given()} if self.closes else set[str]()
        if ids:
            self.backend.con.register("sealed_entities", pa.table({"id": sorted(ids)}))
        return sorted(ids)

    def _moved(self) -> list[str]:
        if not self.door.source.has("id"):
            return []  # other content is another row
        rows = self.rows(self.every)
        marked = rows.select("id", hidden=self._by_place(rows))
        held, others = marked.filter(marked.hidden), marked.filter(~marked.hidden)
        ids: list[str] = held.semi_join(others, "id").id.to_pyarrow().to_pylist()
        return ids

    def _given(self) -> list[str]:
        rows = [self.ledger.rows(other.key) for other in self.others if other.given]
        if not rows:
            return []
        secret, declared = self.ledger.secret(), self.door.source.has("id")
        return [each for p in self.parts for each in among(p, rows, secret, declared=declared)]

    def hidden(self, table: "Table") -> Any:
        """Return whether rows' labels are to be taken away, a boolean expression."""
        hidden = self._by_place(table)
        if not self.entities:
            return hidden
        return hidden | table.id.isin(self.backend.table("sealed_entities").id)

    def elsewhere(self) -> str:
        """Return a warning of rows that are sealed for other holdouts alone; empty without any."""
        if not self.closes or not self.others:
            return ""
        rows = self.rows(self.every)
        inside = ibis.or_(*(other.holds(rows) for other in self.others))
        mine = self.split(rows).holdout if self.chosen is not None else ibis.literal(False)
        count = rows.filter(inside & ~mine).count().to_pyarrow().as_py()
        sets = ", ".join(sorted({other.key.set for other in self.others}))
        return (
            f"{count:,} rows come in without their labels, as they are in a holdout of another set "
            f"of {self.door.source.name} (set {sets}) that is in force: they are learned from once "
            "it was rotated"
        ) * bool(count)

    def without_labels(self, path: Path) -> str:
        """Return SQL for a file's rows without the labels of those held out or kept for later."""
        plain = f"SELECT * FROM {parquet(path)}"
        if not self.closes:
            return plain
        table = self.rows(plain)
        hidden = self.hidden(table)
        empty: dict[str, Any] = {
            name: ibis.ifelse(hidden, ibis.null(table[name].type()), table[name])
            for name in self.columns
            if name in table.columns
        }
        # a row's hash ends with its labels: repeats and corrections are told by a keyed digest
        self.backend.con.execute(f"SET VARIABLE {VARIABLE} = $secret", {"secret": self._secret()})
        keyed = (getvariable(VARIABLE) + table.row_hash).hexdigest("sha256")
        digest = table.row_hash.left(HASH_DIGITS) + "/" + keyed.left(HASH_DIGITS)
        closed = table.mutate(**empty, row_hash=ibis.ifelse(hidden, digest, table.row_hash))
        return str(self.backend.compile(closed.select(self.backend.sql(plain).columns)))

    def labels(self, paths: Sequence[Path]) -> pa.Table:
        """Return what some files say of the class of the holdout's rows, nothing of some of them.

        Returns:
            One of each row in the holdout, in the order of files and lines.
        """
        table = self.rows(_together(paths))
        if self.chosen is None or not self.closes:
            return self.backend.to_pyarrow(table.select(*PLACE).limit(0))
        held = table.filter(self.split(table).holdout).select(*PLACE, *self.columns)
        return self.backend.to_pyarrow(held.order_by(list(PLACE)))

    def seal(self, labels: pa.Table, path: Path) -> None:
        """Write labels that nobody but the keeper reads."""
        if self.door.terms is None:
            return
        cut = self.chosen.cut if self.chosen else Cut(None, None)
        seal_labels(self.door.state, labels, cut, path)


def _together(paths: Sequence[Path]) -> str:
    """Return SQL for the rows of several files."""
    return " UNION ALL BY NAME ".join(f"SELECT * FROM {parquet(path)}" for path in paths)
