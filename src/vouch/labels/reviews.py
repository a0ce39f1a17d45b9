"""People's decisions as they are kept: one immutable file a collected batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vouch.core.errors import VouchError
from vouch.sources.declaration import plain_word

if TYPE_CHECKING:
    from ibis import Table

SCHEMA = pa.schema(
    [
        ("entity", pa.string()),
        ("label", pa.int8()),
        ("source", pa.string()),
        ("actor", pa.string()),
        ("issued_at", pa.timestamp("us")),
        ("case", pa.string()),
        ("propensity", pa.float64()),
        ("model_version", pa.string()),
        ("confidence", pa.float64()),
        ("origin", pa.string()),
        ("stream", pa.string()),
        ("comment", pa.string()),
        ("seconds", pa.float64()),
        ("final", pa.bool_()),
        ("decided_at", pa.timestamp("us")),
        ("collected_at", pa.timestamp("us")),
        ("sequence", pa.int64()),
        ("superseded", pa.bool_()),
        ("annotation", pa.string()),
        ("unique_id", pa.string()),
        ("class_name", pa.string()),
        ("sealed", pa.binary()),
        ("via", pa.string()),
    ]
)
"""An issue's columns; then whose row it is (the declaration's name), why the case was put before
people, what the reviewer wrote, how long they took, whether no majority overrules it (a lead's
decision); when it was decided and when collected (by this machine's clock), its number in the order
of collecting, whether its reviewer had changed the answer before it was collected, and Label
Studio's ids of it (``task/annotation``, and its unique id); the word for the class, as the
reviewer wrote it: the class's number may be another one by now; of a row of the holdout, all that
tells which class it is for, encrypted (see :mod:`vouch.holdout.decisions`); and ``page`` where its
reviewer was logged in, ``file`` where a file names them.

``issued_at`` is when a decision is known: never before it was collected, and later than every
decision collected before it, also when the clock was set back."""
CONSENSUS = "consensus"
"""The actor of a decision that several reviewers of one case agreed on."""


def batches(folder: Path) -> list[Path]:
    """List a use case's batches, by name; none where the folder is not there.

    Raises:
        VouchError: A batch that DVC tracks is missing: its decisions would not count.
    """
    files = sorted(folder.glob("*.parquet"))
    tracked = {path.with_suffix("") for path in folder.glob("*.parquet.dvc")}
    if missing := sorted(tracked.difference(files)):
        raise VouchError(
            f"{missing[0]}: people's decisions are not here", f"dvc checkout {missing[0]}.dvc"
        )
    return files


@dataclass(frozen=True)
class DecisionWords:
    """What people's words for classes mean by now.

    Attributes:
        classes: Each word's class, in lower case; None: rows of it are left out.
        early: The classes' names when batches held numbers alone, class 0 first.
    """

    classes: Mapping[str, int | None]
    early: Sequence[str]

    def word(self, name: str | None, number: int) -> str:
        """Return a decision's word; of an early batch that of its number."""
        return plain_word(name if name is not None else self.early[number])


def reviews(folder: Path, origin: str, words: DecisionWords | None = None) -> "Table":
    """Read the decisions about a source's rows, without those superseded before they were known.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
        origin: The declaration's name: ids of another source may be the same by chance.
        words: What the words for classes mean, see :func:`numbered`; None: the numbers stay.

    Returns:
        Issues, in the columns of :data:`SCHEMA`.

    Raises:
        VouchError: See :func:`numbered`.
    """
    rows = read_batches(folder)
    superseded = pc.fill_null(rows["superseded"], False)
    own = pc.and_(pc.equal(rows["origin"], origin), pc.invert(superseded))
    return ibis.memtable(numbered(rows.filter(own), words, folder))


def numbered(rows: pa.Table, words: DecisionWords | None, folder: Path) -> pa.Table:
    """Return decisions with each class's present number: a declaration may change its classes.

    Args:
        rows: In the columns of :data:`SCHEMA`.
        words: What the words for classes mean by now; None: the numbers stay.
        folder: Where they come from, for the message.

    Returns:
        The rows, without those for a class whose rows are left out by now. Sealed ones have no
        label.

    Raises:
        VouchError: A decision for a class that the source no longer has.
    """
    if words is None:
        return rows
    columns = (rows[name].to_pylist() for name in ("class_name", "label", "sealed"))
    decided = [
        None if sealed and number is None else words.word(name, number)
        for name, number, sealed in zip(*columns, strict=True)
    ]
    if lost := sorted({word for word in decided if word} - words.classes.keys()):
        raise VouchError(
            f"{folder}: people decided for the class {lost[0]!r}, which the source's label no "
            f"longer has (it has {', '.join(words.classes)})",
            f"map it to a class, or to drop: values: {{{lost[0]}: ..., ...}}",
        )
    labels = pa.array([words.classes[word] if word else None for word in decided], pa.int8())
    place = SCHEMA.get_field_index("label")
    renumbered = rows.set_column(place, SCHEMA.field("label"), labels)
    closed = pa.array([word is None for word in decided], pa.bool_())
    return renumbered.filter(pc.or_(pc.is_valid(labels), closed))


def read_batches(folder: Path) -> pa.Table:
    """Read all of a use case's batches.

    Batches written before decisions were numbered lack the later columns: what they hold counts as
    decided and collected when it was issued, and comes before all that is numbered.

    Args:
        folder: ``data/labels/<usecase>/reviews``.

    Returns:
        Rows in the columns of :data:`SCHEMA`, superseded ones too.
    """
    tables = [_evolved(pq.read_table(file)) for file in batches(folder)]
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _evolved(table: pa.Table) -> pa.Table:
    """Add the columns that an earlier release did not write."""
    issued, rows = table["issued_at"], table.num_rows
    defaults = {
        "decided_at": issued,
        "collected_at": issued,
        "sequence": pa.array([0] * rows, pa.int64()),
        "superseded": pa.array([False] * rows, pa.bool_()),
    }
    for field in SCHEMA:
        if field.name not in table.column_names:
            column = defaults.get(field.name, pa.nulls(rows, field.type))
            table = table.append_column(field, column)
    return table.select(SCHEMA.names).cast(SCHEMA)


def decided(folder: Path, column: str = "case", origin: str | None = None) -> set[str]:
    """Return the cases that have a decision.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
        column: ``case``, or ``entity`` for their rows.
        origin: Only those of a source.
    """
    cases: set[str] = set()
    for file in batches(folder):
        table = pq.read_table(file, columns=[column, "origin"])
        own = table if origin is None else table.filter(pc.field("origin") == origin)
        cases |= set(own[column].to_pylist())
    return cases
