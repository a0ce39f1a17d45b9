"""Cutting the holdout off, sealing it, and counting what is in either part."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from vouch.core.errors import VouchError
from vouch.engine import connect, write_parquet
from vouch.holdout.keeper import Cut, Keeper
from vouch.holdout.ledger import Ledger
from vouch.holdout.split import Split, split
from vouch.labels.resolve import ARRIVING
from vouch.results import extract as results
from vouch.stages.extract.late import count_late, without_late_truth
from vouch.usecases.classes import class_names
from vouch.usecases.job import Job

if TYPE_CHECKING:
    from ibis import Table

Parts = Mapping[str, "Table"]


class Counts(TypedDict):
    """Rows and classes of each part; see :class:`vouch.results.extract.Extracted`."""

    classes: list[str]
    rows: results.Parts
    positives: dict[str, results.ByKind]
    by_class: dict[str, results.ClassesByKind]


class Divided(Counts):
    """The sealed file's digest, the holdout's ends, what is kept for the next, and counts."""

    holdout_id: str
    boundary: str | None
    until: str | None
    reserve: float | None
    late: results.LateLabels | None
    unsealed: int


def divide(
    job: Job,
    whole: Path,
    issued: "Callable[[Any], Table]",
    train: Path,
    holdout: Path,
    keeper: Keeper,
    reserved: Path | None = None,
) -> Divided:
    """Split and sort in DuckDB, whatever engine computed: the same rows are the same bytes.

    Args:
        job: What was extracted.
        whole: Features and labels of all rows (Parquet).
        issued: Returns, on an engine, the issues that may be learned from.
        train: Where the training table goes (Parquet, sorted by time and id).
        holdout: Where the sealed holdout goes.
        keeper: Records the cut and seals.
        reserved: Where the times go of rows that are kept for the next one; None: nowhere.

    Returns:
        What of it extract writes to its summary.
    """
    with connect() as engine:
        parted, parts = split_rows(job, engine, engine.read_parquet(whole), keeper.records)
        boundary = parted.cut.boundary
        _check_filled(job, parted.cut, parts)
        before, known = parts["train"], issued(engine)
        in_time = without_late_truth(before, boundary, known.filter(known.issued_at <= job.as_of))
        write_parquet(_sorted(in_time), train)
        trained = engine.read_parquet(train)
        _check_in_time(job, parted.cut, trained)
        if reserved:
            write_parquet(parts["reserved"].select("time"), reserved)
        plain = whole.with_name("holdout.parquet")
        write_parquet(_sorted(parts["holdout"]), plain)
        declared = job.source.column("id") is not None
        keeper.know(job.key, job.path, plain, job.params.overlap, declared=declared)
        return {
            "holdout_id": keeper.seal(plain, holdout),
            "boundary": _iso(boundary),
            "until": _iso(parted.cut.until),
            "reserve": parted.reserve,
            "late": count_late(before, trained, boundary),
            "unsealed": _count_unsealed(parts["holdout"], known),
            **counts_of({**parts, "train": trained}, class_names(job.source)),
        }


def _count_unsealed(held: "Table", issues: "Table") -> int:
    """Count the rows of the holdout whose truth any table tells."""
    arrived = issues.filter(issues.source.isin(ARRIVING))
    counted: int = held.semi_join(arrived, held.id == arrived.entity).count().to_pyarrow().as_py()
    return counted


def split_rows(job: Job, engine: Any, table: "Table", ledger: Ledger) -> tuple[Split, Parts]:
    """Split rows into ``train``, ``holdout``, ``newer``, ``reserved`` and ``near_holdout``."""
    parted = split(table, engine.read_parquet(job.path), job.terms, ledger, record=True)
    tables = {
        "train": table.filter(~(parted.holdout | parted.reserved)),
        "holdout": table.filter(parted.holdout),
        "newer": table.filter(parted.newer & ~parted.reserved),
        "reserved": table.filter(parted.reserved),
    }
    tables["near_holdout"] = table.limit(0)
    if "twin" in table.columns:
        # a text seen in training would answer for its near-duplicate in this holdout or the next
        sealed = table.filter((parted.holdout | parted.reserved) & table.twin.notnull()).twin
        near_holdout = tables["train"].twin.isin(sealed).fill_null(False)
        tables["near_holdout"] = tables["train"].filter(near_holdout)
        tables["train"] = tables["train"].filter(~near_holdout)
    return parted, tables


def _check_filled(job: Job, cut: Cut, parts: Mapping[str, "Table"]) -> None:
    for name in ("train", "holdout"):
        if not parts[name].count().to_pyarrow().as_py():
            where = f"holdout: {cut.boundary} to {cut.until}; " if cut.boundary else ""
            raise VouchError(
                f"{job.path}: as of {job.as_of} no labelled rows are in {name} ({where}{job.key})",
                "--as-of a later time, or latest; or give more rows",
            )


def _check_in_time(job: Job, cut: Cut, trained: "Table") -> None:
    if not trained.label.count().to_pyarrow().as_py():
        raise VouchError(
            f"{job.path}: no label was known at {cut.boundary}, when the holdout began, and truth "
            "that came later may not train a model which this holdout judges",
            "give a longer span of rows, or declare a rule, whose labels are known at once",
        )


def _sorted(table: "Table") -> "Table":
    return table.order_by([name for name in ("time", "id") if name in table.columns])


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def counts_of(parts: Parts, classes: tuple[str, ...]) -> Counts:
    """Count rows and classes; positives are, of more than two classes, the rarest one's rows."""
    rows = {name: table.count().to_pyarrow().as_py() for name, table in parts.items()}
    counted: results.Parts = {
        "train": rows["train"],
        "holdout": rows["holdout"],
        "newer": rows["newer"],
        "reserved": rows["reserved"],
    }
    if rows["near_holdout"]:
        counted["near_holdout"] = rows["near_holdout"]
    by_class: dict[str, results.ClassesByKind] = {
        "train": {
            "truth": _by_class(parts["train"], "truth", classes),
            "rule": _by_class(parts["train"], "rule", classes),
        },
        "holdout": {"truth": None, "rule": _by_class(parts["holdout"], "rule", classes)},
    }
    positives: dict[str, results.ByKind] = {
        name: {
            "truth": None if kinds["truth"] is None else _positives(kinds["truth"], classes),
            "rule": _positives(kinds["rule"], classes),
        }
        for name, kinds in by_class.items()
    }
    return {
        "classes": list(classes),
        "rows": counted,
        "positives": positives,
        "by_class": by_class,
    }


def _positives(counts: dict[str, int], classes: tuple[str, ...]) -> int:
    return min(counts.values()) if len(classes) > 2 else counts[classes[1]]


def _by_class(table: "Table", kind: str, classes: tuple[str, ...]) -> dict[str, int]:
    counts = {str(n): (table[kind] == n).sum().fill_null(0) for n in range(len(classes))}
    (row,) = table.aggregate(**counts).to_pyarrow().to_pylist()
    return {name: row[str(number)] for number, name in enumerate(classes)}
