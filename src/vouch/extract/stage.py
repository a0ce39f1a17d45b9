"""The extract stage: silver rows and labels to a training table and a sealed holdout."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from vouch.engine import connect, write_parquet
from vouch.errors import VouchError
from vouch.extract.features import features
from vouch.extract.known import labels_as_of, mean_delay, resolve_as_of, rows_as_of
from vouch.extract.params import ExtractParams
from vouch.extract.plain import observe
from vouch.extract.split import by_hash, latest
from vouch.files import write_json
from vouch.holdout.keeper import Cut, HoldoutKey, Keeper
from vouch.progress import Progress, silent
from vouch.sources.declaration import Declaration, load_declaration
from vouch.sources.inputs import Engine

if TYPE_CHECKING:
    from ibis import Table

STEPS = 4
FEW = 50  # frauds in a holdout; with fewer, its figures are mostly chance


@dataclass(frozen=True)
class Job:
    """What to extract from.

    Attributes:
        source: The source's declaration.
        rows: Silver rows, every version.
        labels: Issued labels.
        path: The file of the rows, for messages.
        as_of: What became known later does not exist.
        key: Which holdout.
        params: Groups and the holdout's share.
    """

    source: Declaration
    rows: "Table"
    labels: "Table"
    path: Path
    as_of: datetime
    key: HoldoutKey
    params: ExtractParams


def extract(
    *,
    declaration: Path,
    rows: Path,
    labels: Path,
    train: Path,
    holdout: Path,
    summary: Path,
    set: str,
    generation: int,
    as_of: str,
    engine: Engine,
    state: Path,
    params: ExtractParams,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Compute features and labels as of a time, and seal the latest rows away.

    Args:
        declaration: The source's YAML.
        rows: Silver rows (Parquet), every version.
        labels: Issued labels (Parquet).
        train: Where the training table goes (Parquet, sorted by time and id).
        holdout: Where the sealed holdout goes.
        summary: Where features, boundary and counts go (JSON).
        set: Name of the set of files the rows came from.
        generation: The how-many-eth holdout of this set.
        as_of: ``latest`` or an ISO date: what became known later does not exist.
        engine: Where features are computed; both engines make the same rows.
        state: The project's state folder.
        params: Groups and the holdout's share.
        progress: Told after each step.

    Returns:
        The summary.

    Raises:
        VouchError: No labelled rows, too few distinct times to cut a holdout off, or an engine
            that is not there.
    """
    source = load_declaration(declaration)
    key = HoldoutKey(source.usecase, source.name, set, generation)
    with tempfile.TemporaryDirectory(prefix="vouch-") as private:
        whole = Path(private) / "whole.parquet"
        progress(0, STEPS, "computing features")
        with connect(engine) as computing:
            silver, issued = computing.read_parquet(rows), computing.read_parquet(labels)
            moment = resolve_as_of(as_of, silver, issued, rows)
            job = Job(source, silver, issued, rows, moment, key, params)
            told = _compute(job, whole)
        result = _describe(job) | told | _part(job, whole, train, holdout, Keeper(state), progress)
    result["warnings"] = _warnings(result)
    write_json(summary, result)
    progress(STEPS, STEPS, "features extracted")
    return result


def _part(
    job: Job, whole: Path, train: Path, holdout: Path, keeper: Keeper, progress: Progress
) -> dict[str, Any]:
    """Cut and sort in DuckDB, whoever computed: the same rows are the same bytes."""
    with connect() as engine:
        progress(1, STEPS, "cutting the holdout off")
        cut, parts = _split(job, engine.read_parquet(whole), keeper)
        progress(2, STEPS, "writing the training table")
        write_parquet(_sorted(parts["train"]), train)
        progress(3, STEPS, "sealing the holdout")
        plain = whole.with_name("holdout.parquet")
        write_parquet(_sorted(parts["holdout"]), plain)
        sealed = {"holdout_id": keeper.seal(plain, holdout)}
        return sealed | _split_facts(cut) | _counts(parts)


def _compute(job: Job, path: Path) -> dict[str, Any]:
    """Write features and labels of all rows, unsorted, and tell what was computed."""
    current = rows_as_of(job.rows, job.as_of)
    known = job.labels.filter(job.labels.issued_at <= job.as_of)
    values = observe(current, job.source)
    table, found = features(current, job.source, known, job.params.groups, values)
    labels = labels_as_of(known)
    labelled = table.join(labels, table.id == labels.entity).drop("entity")
    write_parquet(labelled, path, scratch=True)
    return {
        "features": [asdict(feature) for feature in found],
        "categories": values,
        "delay_seconds": mean_delay(known, current),
    }


def _split(job: Job, table: "Table", keeper: Keeper) -> tuple[Cut, dict[str, "Table"]]:
    share = job.params.holdout_share
    if "time" not in table.columns:
        cut = keeper.cut(job.key, lambda: None)
        held = by_hash(table, share, f"{job.key.source} {job.key.set}", job.key.generation)
        parts = {"train": ~held, "holdout": held, "newer": ibis.literal(False)}
    else:
        asked = _asked_until(job.key, keeper)
        cut = keeper.cut(job.key, lambda: latest(table, share, job.path, asked))
        parts = {
            "train": table.time < cut.boundary,
            "holdout": table.time.between(cut.boundary, cut.until),
            "newer": table.time > cut.until,
        }
    tables = {name: table.filter(condition) for name, condition in parts.items()}
    _check_filled(job, cut, tables)
    return cut, tables


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


def _sorted(table: "Table") -> "Table":
    return table.order_by([name for name in ("time", "id") if name in table.columns])


def _describe(job: Job) -> dict[str, Any]:
    return {**asdict(job.key), "as_of": job.as_of.isoformat()}


def _split_facts(cut: Cut) -> dict[str, Any]:
    return {
        name: None if moment is None else moment.isoformat()
        for name, moment in (("boundary", cut.boundary), ("until", cut.until))
    }


def _counts(parts: Mapping[str, "Table"]) -> dict[str, Any]:
    rows, positives = {}, {}
    for name, table in parts.items():
        counts = table.aggregate(
            rows=table.count(),
            truth=(table.truth > 0).sum().fill_null(0),
            rule=(table.rule > 0).sum().fill_null(0),
        )
        counted = counts.to_pyarrow().to_pylist()[0]
        rows[name] = counted.pop("rows")
        positives[name] = counted
    positives.pop("newer")
    return {"rows": rows, "positives": positives}


def _warnings(result: dict[str, Any]) -> list[str]:
    found = []
    for part, counts in result["positives"].items():
        positives = counts["truth"] or counts["rule"]
        if positives < FEW:
            found.append(f"{part}: only {positives} positives, its figures are mostly chance")
    return found
