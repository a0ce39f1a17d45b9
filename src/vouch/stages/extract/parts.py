"""Cutting the holdout off, sealing it, and counting what is in either part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import ibis

from vouch.core.errors import VouchError
from vouch.engine import connect, write_parquet
from vouch.holdout.keeper import Cut, HoldoutKey, Keeper
from vouch.labels.held import in_use, released
from vouch.results import extract as results
from vouch.stages.extract.late import count_late, without_late_truth
from vouch.stages.extract.split import by_hash, is_reserved, latest, newest
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


def divide(
    job: Job,
    whole: Path,
    labels: Path,
    train: Path,
    holdout: Path,
    keeper: Keeper,
    reserved: Path | None = None,
) -> Divided:
    """Split and sort in DuckDB, whatever engine computed: the same rows are the same bytes.

    Args:
        job: What was extracted.
        whole: Features and labels of all rows (Parquet).
        labels: Issued labels (Parquet).
        train: Where the training table goes (Parquet, sorted by time and id).
        holdout: Where the sealed holdout goes.
        keeper: Records the cut and seals.
        reserved: Where the times go of rows that are kept for the next one; None: nowhere.

    Returns:
        What of it extract writes to its summary.
    """
    with connect() as engine:
        split, parts = split_rows(job, engine, engine.read_parquet(whole), keeper)
        _check_filled(job, split.cut, parts)
        before, issued = parts["train"], _released(job, engine.read_parquet(labels), keeper)
        in_time = without_late_truth(before, split.cut.boundary, issued)
        write_parquet(_sorted(in_time), train)
        trained = engine.read_parquet(train)
        _check_in_time(job, split.cut, trained)
        if reserved:
            write_parquet(parts["reserved"].select("time"), reserved)
        plain = whole.with_name("holdout.parquet")
        write_parquet(_sorted(parts["holdout"]), plain)
        declared = job.source.column("id") is not None
        keeper.know(job.key, job.path, plain, job.params.overlap, declared=declared)
        return {
            "holdout_id": keeper.seal(plain, holdout),
            "boundary": _iso(split.cut.boundary),
            "until": _iso(split.cut.until),
            "reserve": split.reserve,
            "late": count_late(before, trained, split.cut.boundary),
            **counts_of({**parts, "train": trained}, class_names(job.source)),
        }


def _released(job: Job, labels: "Table", keeper: Keeper) -> "Table":
    """Return the issues known by now that may be learned from, in this engine."""
    issued = released(labels, keeper.drawn(job.key), used=in_use(labels))
    return issued.filter(issued.issued_at <= job.as_of)


@dataclass(frozen=True)
class Split:
    """Which rows go where.

    Attributes:
        cut: The holdout's ends.
        holdout: Whether a row is in it, a boolean expression.
        newer: Whether a row is later than all of it.
        reserved: Whether it is kept for the next one; the others train.
        reserve: The share of the parties kept; None where rows are not split by time.
    """

    cut: Cut
    holdout: Any
    newer: Any = field(default_factory=lambda: ibis.literal(False))
    reserved: Any = field(default_factory=lambda: ibis.literal(False))
    reserve: float | None = None


def split_rows(job: Job, engine: Any, table: "Table", keeper: Keeper) -> tuple[Split, Parts]:
    """Split rows into ``train``, ``holdout``, ``newer``, ``reserved`` and ``near_holdout``."""
    split = _parted(job, engine, table, keeper)
    tables = {
        "train": table.filter(~(split.holdout | split.reserved)),
        "holdout": table.filter(split.holdout),
        "newer": table.filter(split.newer & ~split.reserved),
        "reserved": table.filter(split.reserved),
    }
    tables["near_holdout"] = table.limit(0)
    if "twin" in table.columns:
        # a text seen in training would answer for its near-duplicate in this holdout or the next
        sealed = table.filter((split.holdout | split.reserved) & table.twin.notnull()).twin
        near_holdout = tables["train"].twin.isin(sealed).fill_null(False)
        tables["near_holdout"] = tables["train"].filter(near_holdout)
        tables["train"] = tables["train"].filter(~near_holdout)
    return split, tables


def _parted(job: Job, engine: Any, table: "Table", keeper: Keeper) -> Split:
    """Return which rows are the holdout, and which are kept for the next one."""
    if job.holdout_files:
        keeper.cut(job.key, lambda: None)
        # in any version: a row that another file corrects still belongs to the holdout
        rows = engine.read_parquet(job.path)
        held_out = rows.filter(rows.file.isin(list(job.holdout_files))).id
        return Split(Cut(None, None), table.id.isin(held_out))
    if "time" not in table.columns:
        taken = keeper.take(job.key, job.params.holdout_share, job.params.reserve_share)
        salt = f"{job.key.source} {job.key.set}"
        held = by_hash(table, taken.first, taken.last, salt)
        kept = by_hash(table, taken.last, taken.kept, salt)
        return Split(Cut(None, None), held, reserved=kept)
    return _by_time(job, table, keeper)


def _by_time(job: Job, table: "Table", keeper: Keeper) -> Split:
    """Return the cut at a time: all rows of the first holdout, of later ones those kept for it."""
    key, after = job.key, _asked_until(job.key, keeper)
    before = keeper.reserve_of_previous(key)
    if before is None:
        mine: Any = ibis.literal(True)
        cut = keeper.cut(key, lambda: latest(table, job.params.holdout_share, job.path, after))
    else:
        mine = is_reserved(table, before, key)
        cut = keeper.cut(key, lambda: newest(table, mine, job.path, after))
    share = keeper.reserve(key, job.params.reserve_share)
    newer = table.time > cut.until
    in_holdout = table.time.between(cut.boundary, cut.until) & mine
    return Split(cut, in_holdout, newer, newer & is_reserved(table, share, key), share)


def _asked_until(key: HoldoutKey, keeper: Keeper) -> datetime | None:
    """Find where the holdouts before this one ended."""
    mine = (key.usecase, key.source, key.set)
    ends = [
        datetime.fromisoformat(entry["until"])
        for entry in keeper.status()
        if (entry["usecase"], entry["source"], entry["set"]) == mine
        and entry["generation"] < key.generation
        and entry["until"]
    ]
    return max(ends, default=None)


def _check_filled(job: Job, cut: Cut, parts: Mapping[str, "Table"]) -> None:
    for name in ("train", "holdout"):
        if not parts[name].count().to_pyarrow().as_py():
            where = f"holdout: {cut.boundary} to {cut.until}; " if cut.boundary else ""
            raise VouchError(
                f"{job.path}: as of {job.as_of} no labelled rows are in {name} ({where}{job.key})",
                "--as-of a later time, or latest; or give more rows",
            )


def _check_in_time(job: Job, cut: Cut, trained: "Table") -> None:
    if not trained.count().to_pyarrow().as_py():
        raise VouchError(
            f"{job.path}: no label was known at {cut.boundary}, when the holdout began, and truth "
            "that came later trains no model that it judges",
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
        name: {
            "truth": _by_class(parts[name], "truth", classes),
            "rule": _by_class(parts[name], "rule", classes),
        }
        for name in ("train", "holdout")
    }
    positives: dict[str, results.ByKind] = {
        name: {
            "truth": _positives(kinds["truth"], classes),
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
