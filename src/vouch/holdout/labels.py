"""Labels of held-out rows, sealed as they come in; nothing else opens them.

Ingest takes the label columns of these rows out of bronze and seals them beside it. So no later
table, file or page has them: neither features nor expectations, counts nor training can use them.
Extract opens them to make the holdout, which is sealed in turn.

Every held-out row is there, with a label or without: where only positives have one, how many have
one is how many are positive. Nor does the file's size tell it: each row takes the same room.
"""

import hmac
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vouch.holdout import sealed as box
from vouch.holdout.ledger import Cut
from vouch.sources.declaration import LABELLING

if TYPE_CHECKING:
    from ibis import Table

PLACE = ("file", "line")
"""What tells a row of bronze from all others."""
ENDS = ("boundary", "until")
IS_THERE = " is there"
"""Ends the name of a column that says where a label column is not null."""


@dataclass(frozen=True)
class SealedLabels:
    """What ingest sealed.

    Attributes:
        table: ``file``, ``line`` and those of ``LABELLING`` the rows have, for each held-out row.
        cut: The ends of the holdout they are of; both None where it was not cut by time.
    """

    table: pa.Table
    cut: Cut

    @property
    def columns(self) -> list[str]:
        """The label columns."""
        return present(self.table.column_names)

    @property
    def has_confidence(self) -> bool:
        """Whether the rows have a column of how sure a label is."""
        return "label_confidence" in self.table.column_names

    def put_back(self, rows: "Table", sealed: "Table") -> "Table":
        """Return the held-out rows with their labels.

        Args:
            rows: Silver rows.
            sealed: :attr:`table`, where the rows are computed.
        """
        if self.cut.boundary and self.cut.until:  # by which most of a large file is not read
            rows = rows.filter(rows.time.between(self.cut.boundary, self.cut.until))
        back = rows.drop(self.columns).inner_join(sealed, list(PLACE))
        return back.mutate(label_confidence=_sure(back)) if self.has_confidence else back

    def with_confidence(self, rows: "Table", sealed: "Table") -> "Table":
        """Return all rows, held-out ones with how sure their label is, where a source says so."""
        if not self.has_confidence:
            return rows
        sure = sealed.select(*PLACE, sealed_confidence=_sure(sealed))
        joined = rows.left_join(sure, list(PLACE))
        confidence = joined.label_confidence.fill_null(joined.sealed_confidence)
        return joined.mutate(label_confidence=confidence).select(rows.columns)


def _sure(rows: "Table") -> Any:
    """Return how sure labels are; null out of its range, which no expectation checked."""
    sure = rows.label_confidence
    return ibis.ifelse(sure.between(0, 1), sure, ibis.null(sure.type()))


def seal_labels(state: Path, table: pa.Table, cut: Cut, path: Path) -> None:
    """Encrypt labels; the same ones and key give the same bytes, any others as many.

    Args:
        state: The project's state folder, where the key is made on first use.
        table: Sorted by ``file`` and ``line``.
        cut: The holdout's ends.
        path: Where to.
    """
    ends = {name: getattr(cut, name) for name in ENDS}
    noted = {name: moment.isoformat() for name, moment in ends.items() if moment}
    content, filled = io.BytesIO(), _filled(table)
    pq.write_table(
        filled.replace_schema_metadata(noted),
        content,
        # what tells labels neither shrinks nor is summed up
        compression={name: "zstd" if name == "line" else "none" for name in filled.column_names},
        use_dictionary=[name for name in table.column_names if name in PLACE],
        write_statistics=False,
    )
    box.seal_bytes(box.make_key(state), content.getvalue(), path)


def _filled(table: pa.Table) -> pa.Table:
    """Return labels of one width each: filled, with another column of where they were not null."""
    for name in present(table.column_names):
        column, place = table[name], table.column_names.index(name)
        table = table.append_column(name + IS_THERE, pc.is_valid(column))
        table = table.set_column(place, name, pc.fill_null(column, pa.scalar(0, column.type)))
    return table


def _emptied(table: pa.Table) -> pa.Table:
    """Return what :func:`_filled` got; an earlier release's has its nulls."""
    for name in present(table.column_names):
        if name + IS_THERE not in table.column_names:
            continue
        column, place = table[name], table.column_names.index(name)
        there = pc.if_else(table[name + IS_THERE], column, pa.scalar(None, column.type))
        table = table.set_column(place, name, there).drop_columns(name + IS_THERE)
    return table


def open_labels(state: Path, path: Path) -> SealedLabels:
    """Decrypt labels.

    Args:
        state: The project's state folder.
        path: What :func:`seal_labels` wrote.

    Raises:
        VouchError: The file is missing, was changed, or has another key; or there is no key.
    """
    content = box.unseal(box.read_key(state), path, "ingest")
    table = _emptied(pq.read_table(io.BytesIO(content)))
    noted = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    boundary, until = (
        datetime.fromisoformat(noted[name]) if name in noted else None for name in ENDS
    )
    return SealedLabels(table, Cut(boundary, until))


def hash_secret(state: Path) -> str:
    """Return the secret by which held-out rows are hashed; made on first use."""
    return hmac.digest(box.make_key(state), b"row hash", "sha256").hex()


def present(columns: Sequence[str]) -> list[str]:
    """Return which of a table's columns say something of a row's class; none without a label."""
    if "label" not in columns:
        return []
    return [name for name in LABELLING if name in columns]
