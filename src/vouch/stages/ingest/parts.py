"""Each raw file's part of bronze, made once, and bronze, which grows by the parts that are new."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.cache import Cache, Entry, key_of
from vouch.core.progress import Progress
from vouch.engine import ROW_GROUP, connect
from vouch.engine.splice import copy, grow, is_regular
from vouch.sources.declaration import Declaration
from vouch.sources.readers import parquet, quoted
from vouch.stages.ingest import parse
from vouch.stages.ingest.door import Door, Guard
from vouch.stages.ingest.params import IngestParams
from vouch.stages.ingest.rows import File, check_ids, parse_one, rejected, twice, write_bronze
from vouch.usecases import own_code

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS, REJECTS, SEALED = "rows.parquet", "rejects.parquet", "labels.sealed"


@dataclass(frozen=True)
class Work:
    """What the steps of the stage share."""

    source: Declaration
    params: IngestParams
    cache: Cache
    scratch: Path
    progress: Progress


@dataclass(frozen=True)
class Facts:
    """What there is to tell of a parsed file.

    Attributes:
        columns: Its raw columns.
        rows: Lines that became rows.
        rejects: The other lines.
        dropped: Those of them that are left out on purpose.
        arrived_at: When it arrived, as text.
        rejected: A warning of rejected lines, or nothing.
        twice: A warning of times that come twice, or nothing.
    """

    columns: tuple[str, ...]
    rows: int
    rejects: int
    dropped: int
    arrived_at: str
    rejected: str
    twice: str


@dataclass(frozen=True)
class Part(Facts):
    """A file's part of bronze.

    Attributes:
        file: The raw file.
        key: What the part depends on.
        folder: Where its rows and rejects are, written as bronze is.
    """

    file: File
    key: str
    folder: Path


def part_of(work: Work, file: File, number: int, steps: int) -> Part:
    """Return a file's part, kept or made.

    Args:
        work: The declaration, the parameters and the cache.
        file: The raw file; a simulator's rows where there is none at its path.
        number: Its place among the files.
        steps: How many steps there are, for the progress.

    Raises:
        VouchError: The file is not what the declaration says, or its ids repeat.
    """
    key = key_of("part", *_made_of(work), file.name, file.sha256, file.arrived_at, file.held_out)
    if entry := work.cache.get(key):
        work.progress(number, steps, f"{file.name} was parsed before")
        return _part(file, key, entry)
    work.progress(number, steps, f"parsing {file.name}")
    folder = work.scratch / str(number)
    folder.mkdir()
    facts = _parse(work, file, folder)
    work.cache.put(key, {name: folder / name for name in (ROWS, REJECTS)}, asdict(facts))
    return _part(file, key, Entry(folder, asdict(facts)))


def _made_of(work: Work) -> list[Any]:
    """Return what every part depends on beside its file and the code."""
    declared = work.source.model_dump(mode="json")
    return [declared, own_code(work.source.usecase), work.params.id_conflicts]


def _part(file: File, key: str, entry: Entry) -> Part:
    facts = entry.facts | {"columns": tuple(entry.facts["columns"])}
    return Part(**facts, file=file, key=key, folder=entry.folder)


def _parse(work: Work, file: File, folder: Path) -> Facts:
    """Write a file's rows and rejects, and tell of them."""
    if work.source.simulator and not file.path.exists():
        from vouch.sources.simulators import write

        write(work.source.simulator, file.path, work.progress)
    with connect(memory=work.params.memory) as backend:
        parsed = parse_one(backend.con, work.source, file, folder, 0)
        check_ids(backend.con, work.source, parsed, work.params.id_conflicts)
        write_bronze(backend.con, work.source, [parsed], folder / ROWS, folder / REJECTS)
        return Facts(
            columns=parsed.columns,
            rows=parsed.rows,
            rejects=parsed.rejects,
            dropped=parsed.dropped,
            arrived_at=str(parsed.file.arrived_at),
            rejected=rejected(backend.con, parsed),
            twice=twice(backend.con, work.source, parsed),
        )


def columns_of(source: Declaration, parts: Sequence[Part]) -> list[str]:
    """List the canonical columns that at least one file has."""
    seen = {column for each in parts for column in each.columns}
    return [canonical for raw, canonical in parse.values(source) if raw in seen]


def merge(
    work: Work, parts: Sequence[Part], door: Door, rows: Path, rejects: Path, sealed: Path
) -> tuple[int, str]:
    """Write bronze, all rejects, and the labels of held-out rows, sealed.

    The largest table there is, bronze as it was kept or a part, stays as far as no new row comes
    before or among its own.

    Args:
        work: The declaration, the parameters and the cache.
        parts: Every file's part.
        door: Decides which rows are held out.
        rows: Where bronze is written: sorted by time, id, file, line.
        rejects: Where the others are written: sorted by file, line.
        sealed: Where the sealed labels are written.

    Returns:
        How many rows the holdout has, and a warning of those sealed for other holdouts.
    """
    columns = columns_of(work.source, parts)
    with connect(memory=work.params.memory) as backend:
        guard = door.guard(backend, [each.folder / ROWS for each in parts], columns)
        key = key_of("bronze", *_made_of(work), guard.identity)
        kept = work.cache.get(key)
        if kept and not {*kept.facts["parts"]} <= {each.key for each in parts}:
            kept = None
        base, new = _base(work, guard, kept, parts)
        fresh = [each.folder / ROWS for each in new]
        _grow(backend.con, columns, base, fresh, guard.without_labels, rows, work.scratch)
        count, elsewhere = _seal(guard, kept, parts, fresh, sealed), guard.elsewhere()
        every = " UNION ALL ".join(f"FROM {parquet(each.folder / REJECTS)}" for each in parts)
        copy(backend.con, f"SELECT * FROM ({every}) ORDER BY file, line", rejects)
    if new or kept is None:
        facts = {"parts": [each.key for each in parts], "sealed": count}
        work.cache.put(key, {ROWS: rows, SEALED: sealed}, facts)
    return count, elsewhere


def _seal(
    guard: Guard, kept: Entry | None, parts: Sequence[Part], fresh: Sequence[Path], sealed: Path
) -> int:
    """Write the labels of held-out rows; they stay as they were kept where none are new."""
    if kept and not (fresh and guard.labels(fresh).num_rows):
        shutil.copyfile(kept.file(SEALED), sealed)
        return int(kept.facts["sealed"])
    labels = guard.labels([each.folder / ROWS for each in parts])
    guard.seal(labels, sealed)
    return labels.num_rows


def _base(
    work: Work, guard: Guard, kept: Entry | None, parts: Sequence[Part]
) -> tuple[Path, list[Part]]:
    """Return the largest table whose rows all are bronze's, and the parts that it lacks."""
    if kept:
        lacking = [each for each in parts if each.key not in kept.facts["parts"]]
        return kept.file(ROWS), lacking
    largest = max(parts, key=lambda each: each.rows)
    closed = largest.folder / ROWS
    if guard.closes:
        closed = work.scratch / "largest.parquet"
        copy(guard.backend.con, guard.without_labels(largest.folder / ROWS), closed)
    return closed, [each for each in parts if each is not largest]


def _grow(
    connection: "DuckDBPyConnection",
    columns: Sequence[str],
    base: Path,
    new: Sequence[Path],
    closed: Callable[[Path], str],
    out: Path,
    scratch: Path,
) -> None:
    """Write the rows of a sorted table and of others, sorted; the others ``closed``."""
    chosen = [name for name in columns if name != "arrival"]
    # bronze begins with the id, declared or not
    order = ["id", *(name for name in chosen if name != "id")]
    names = [*order, "source", "file", "line", "arrived_at", "row_hash"]
    described = connection.execute(f"DESCRIBE SELECT * FROM {parquet(base)}").fetchall()
    same = [row[0] for row in described] == names
    if same and not new:
        shutil.copyfile(base, out)
        return
    grows = same and "time" in names and is_regular(base)
    stays = _stays(connection, base, new) if grows else 0
    tail = f"""SELECT * EXCLUDE (file_row_number) FROM {parquet(base, numbered=True)}
               WHERE file_row_number >= {stays * ROW_GROUP}"""
    every = " UNION ALL BY NAME ".join([tail, *(f"FROM ({closed(path)})" for path in new)])
    by = ", ".join([*(["time"] if "time" in names else []), "id", "file", "line"])
    listed = ", ".join(map(quoted, names))
    query = f"SELECT {listed} FROM ({every}) ORDER BY {by}"
    if stays:
        grow(connection, base, stays, query, out, scratch)
    else:
        copy(connection, query, out)


def _stays(connection: "DuckDBPyConnection", base: Path, new: Sequence[Path]) -> int:
    """Count the first row groups of a table whose rows all come before any new one's."""
    every = " UNION ALL ".join(f"SELECT time FROM {parquet(path)}" for path in new)
    row = connection.execute(
        f"""WITH groups AS (
              SELECT file_row_number // {ROW_GROUP} AS number, count(*) = {ROW_GROUP}
                AND count(time) = count(*)
                AND max(time) < (SELECT min(time) FROM ({every})) AS stays
              FROM {parquet(base, numbered=True)} GROUP BY 1)
            SELECT coalesce(min(number) FILTER (WHERE stays IS NOT TRUE), count(*)) FROM groups"""
    ).fetchone()
    assert row is not None
    return int(row[0])
