"""Reading the rows to backtest on, and their features as of each row's own time."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pandas as pd
import pyarrow as pa

from vouch.core.errors import VouchError
from vouch.engine import connect, write_parquet
from vouch.labels.issues import issues
from vouch.labels.known import labels_as_of
from vouch.sources.declaration import Declaration
from vouch.stages.ingest import parse
from vouch.usecases import find
from vouch.usecases.fraud.features.feature import Feature
from vouch.usecases.fraud.features.table import features

if TYPE_CHECKING:
    from ibis import Table

ROLES = ("time", "payer", "label")
USE = ("rule", "chargeback")


@dataclass(frozen=True)
class Observations:
    """The data of a backtest.

    Attributes:
        rows: id, time, payer, truth (0 or 1), truth_known_at and the features; sorted by time, id.
        features: The features chosen.
        rejected: Rows that could not be read.
        held_out: Rows whose label is left out, as they are in a holdout.
    """

    rows: pd.DataFrame
    features: list[Feature]
    rejected: int
    held_out: int


def check_roles(source: Declaration) -> None:
    """Check that the source has what the protocol needs.

    Raises:
        VouchError: A role is missing.
    """
    if missing := [role for role in ROLES if not source.has(role)]:  # type: ignore[arg-type]
        raise VouchError(
            f"data/sources/{source.name}.yaml: no column in role {missing[0]!r}",
            f"a backtest needs columns in the roles {', '.join(ROLES)}",
        )


class Reader:
    """Reads one file, checks it and computes its features, in a private folder.

    Args:
        source: The file's declaration.
        path: The file.
        held_out: Returns the ids of rows (Parquet) that are in a holdout: they are history of
            others, but their labels are left out.

    Raises:
        VouchError: The file is not as declared.
    """

    def __init__(
        self, source: Declaration, path: Path, held_out: Callable[[Path], list[str]]
    ) -> None:
        check_roles(source)
        self._source, self._path, self._held_out = source, path, held_out

    def read(self, until: Any, choose: Callable[[Sequence[Feature]], list[str]]) -> Observations:
        """Read all rows and compute features.

        Args:
            until: Given the first and last time, checks them and returns the time (exclusive)
                after which rows are not needed.
            choose: Chooses among the features there could be.
        """
        with tempfile.TemporaryDirectory(prefix="vouch-") as private, connect() as engine:
            folder = Path(private)
            rows, rejected = self._parse(engine, folder)
            first, last = self._span(rows)
            rows = rows.filter(rows.time < until(first, last))
            rows, held_out = self._without_held(engine, rows, folder / "rows.parquet")
            labels = folder / "labels.parquet"
            write_parquet(issues(rows, self._source, find(self._source.usecase), USE), labels)
            table, available = features(rows, self._source, engine.read_parquet(labels))
            # what is not selected is not computed either
            table = table.select(*dict.fromkeys(("id", "time", "payer", *choose(available))))
            frame = self._collect(table, engine.read_parquet(labels), folder / "features.parquet")
        chosen = [item for item in available if item.name in frame]
        return Observations(frame, chosen, rejected, held_out)

    def _without_held(self, engine: Any, rows: "Table", path: Path) -> tuple["Table", int]:
        """Return rows without the labels of those in a holdout, and how many these are."""
        write_parquet(rows, path, scratch=True)
        held = self._held_out(path)
        if not held:
            return rows, 0
        engine.con.register("held_out", pa.table({"id": held}))
        hidden = rows.id.isin(engine.table("held_out").id)
        return rows.mutate(label=ibis.ifelse(hidden, ibis.null("int8"), rows.label)), len(held)

    def _parse(self, engine: Any, folder: Path) -> tuple["Table", int]:
        if not self._path.is_file():
            raise VouchError(f"{self._path}: no such file", "give the file of rows with --path")
        parse.parse_file(engine.con, self._source, self._path, "parsed", folder)
        table = engine.table("parsed")
        good = table.filter(table.reason.isnull())
        if not self._source.has("id"):
            good = good.mutate(id=good.row_hash + "-" + good.line.cast("string"))
        rejected = int(table.reason.count().to_pyarrow().as_py())
        return good.mutate(known_at=good.time, superseded_at=ibis.null("timestamp(6)")), rejected

    def _span(self, rows: "Table") -> tuple[datetime, datetime]:
        counts = rows.aggregate(
            first=rows.time.min(), last=rows.time.max(), rows=rows.count(), ids=rows.id.nunique()
        )
        row = counts.to_pyarrow().to_pylist()[0]
        if not row["rows"]:
            raise VouchError(f"{self._path}: no row of it can be read", "check the declaration")
        if row["ids"] < row["rows"]:
            raise VouchError(
                f"{self._path}: {row['rows'] - row['ids']:,} rows repeat an id",
                "give each row once, or declare another id",
            )
        return row["first"], row["last"]

    def _collect(self, table: "Table", labels: "Table", path: Path) -> pd.DataFrame:
        truths = labels_as_of(labels)
        truths = truths.filter(truths.truth.notnull())
        joined = table.join(truths, table.id == truths.entity).drop("entity", "label")
        write_parquet(joined.order_by("time", "id"), path)
        frame = pd.read_parquet(path)
        if frame.empty:
            raise VouchError(f"{self._path}: no row has a label", "a backtest needs the truth")
        return frame.assign(truth=(frame["truth"] > 0).astype("int8"))
