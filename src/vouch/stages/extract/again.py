"""Gold that grows: rows from before the first change keep their features and labels.

A row sees itself, rows strictly before it, and labels issued by its time. So rows from before the
first time of a changed row, or of a row whose labels changed, are what they were. The others are
computed with all rows of the parties they look back on.
"""

import shutil
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow.parquet as pq

from vouch.core.cache import Cache, Entry, key_of
from vouch.core.files import sha256
from vouch.engine import PARQUET, ROW_GROUP, connect
from vouch.engine.splice import digests, grow, is_regular, unchanged
from vouch.holdout.keeper import Keeper
from vouch.holdout.split import Terms
from vouch.results.extract import Computed
from vouch.sources.declaration import Declaration
from vouch.sources.readers import literal, parquet
from vouch.stages.extract.late import count_decided
from vouch.stages.extract.parts import Divided, counts_of, split_rows
from vouch.usecases import find, own_code
from vouch.usecases.classes import class_names
from vouch.usecases.params import SplitParams

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from vouch.usecases.job import Job

TRAIN, HOLDOUT, LABELS = "train.parquet", "holdout.sealed", "labels.parquet"
LAST, RESERVED = "last.parquet", "reserved.parquet"


@dataclass(frozen=True)
class Grown:
    """Gold as it was kept, and from when on it is another.

    Attributes:
        entry: What was kept.
        since: Rows from before it stay; all of the holdout's are.
    """

    entry: Entry
    since: datetime

    @property
    def arrives(self) -> bool:
        """Whether any truth of held-out rows comes by itself, which stayed with them."""
        return bool(self.entry.facts["arrives"])


@dataclass(frozen=True)
class Made:
    """What extract made of its rows and the parts, and whether held-out rows' truth arrives."""

    computed: Computed
    divided: Divided
    arrives: bool


def key(
    source: Declaration,
    params: SplitParams,
    terms: Terms,
    as_of: str,
    engine: str,
    sealed: Path,
    use: tuple[str, ...],
) -> str:
    """Return what gold depends on beside rows and labels; empty where nothing is to be kept."""
    related = find(source.usecase).related(source)
    if related is None or own_code(source.usecase) or engine != "duckdb" or terms.files:
        return ""
    declared, chosen = source.model_dump(mode="json"), params.model_dump(mode="json")
    # what is sealed with another key is another file
    return key_of("gold", declared, chosen, str(terms.key), as_of, sha256(sealed), sorted(use))


def grown(
    connection: "DuckDBPyConnection",
    entry: Entry | None,
    terms: Terms,
    labels: Path,
    keeper: Keeper,
) -> Grown | None:
    """Find from when on gold is another than it was kept.

    Returns:
        None where all has to be computed: nothing was kept, another holdout was cut, or rows of
            the holdout or before it changed.
    """
    if entry is None or entry.facts["cut"] != _cut(terms, keeper) or not is_regular(terms.path):
        return None
    if not is_regular(entry.file(TRAIN)) or not is_regular(entry.file(LABELS)):
        return None
    since = _since(connection, entry, terms.path, labels)
    until = entry.facts["divided"]["until"]
    if since is None or until is None or since <= datetime.fromisoformat(until):
        return None
    return Grown(entry, since)


def _cut(terms: Terms, keeper: Keeper) -> dict[str, Any] | None:
    """Return what the ledger holds of the holdout's cut."""
    status = keeper.find(terms.key)
    if status is None:
        return None
    return asdict(terms.key) | {"boundary": status["boundary"], "until": status["until"]}


def _since(
    connection: "DuckDBPyConnection", entry: Entry, rows: Path, labels: Path
) -> datetime | None:
    """Return the first time of a changed row, or of one whose labels changed; None: unknown."""
    facts = entry.facts
    first = unchanged(facts["digests"], digests(rows), facts["rows"])
    if first < facts["rows"] // ROW_GROUP:
        return None  # what full row groups held before is not known any more
    table = f"SELECT * EXCLUDE (file_row_number) FROM {parquet(rows, numbered=True)}"
    new = f"{table} WHERE file_row_number >= {facts['rows'] // ROW_GROUP * ROW_GROUP}"
    connection.execute(f"CREATE TEMP TABLE differing AS {_differing(new, entry.file(LAST))}")
    same = unchanged(facts["issues"], digests(labels), facts["issued"])
    same = min(same, facts["issued"] // ROW_GROUP)
    now, before = (
        f"""SELECT * EXCLUDE (file_row_number) FROM {parquet(path, numbered=True)}
            WHERE file_row_number >= {same * ROW_GROUP}"""
        for path in (labels, entry.file(LABELS))
    )
    connection.execute(
        f"""CREATE TEMP TABLE relabelled AS SELECT DISTINCT entity AS id
            FROM (({now} EXCEPT ALL {before}) UNION ALL ({before} EXCEPT ALL {now}))
            ANTI JOIN differing ON entity = id"""
    )
    row = connection.execute(
        f"""SELECT count(*) = count(time), min(time) FROM (
              SELECT time FROM differing UNION ALL
              SELECT time FROM {parquet(rows)} WHERE id IN (FROM relabelled))"""
    ).fetchone()
    assert row is not None
    return row[1] if row[0] else None


def _differing(new: str, old: Path) -> str:
    before = f"FROM {parquet(old)}"
    return f"({new} EXCEPT ALL {before}) UNION ALL ({before} EXCEPT ALL {new})"


def fits(kept: Grown, computed: Computed) -> bool:
    """Return whether features computed again are those that were kept."""
    columns: list[Any] = kept.entry.facts["columns"]
    return columns == _columns(computed)


def _columns(computed: Computed) -> list[Any]:
    """Return which columns there are, and what they mean."""
    return [computed["features"], computed.get("categories")]


def narrowed(engine: Any, job: "Job", since: datetime, scratch: Path) -> "Job":
    """Return the job of the rows that may be others, and of all they look back on."""
    late = f"time >= TIMESTAMP '{since}'"
    rows, chosen, issued = parquet(job.path), scratch / "rows.parquet", scratch / "issues.parquet"
    related = find(job.source.usecase).related(job.source) or ()
    mine = [
        f"{p} IN (SELECT {p} FROM {rows} WHERE {late})" for p in related if p in job.rows.columns
    ]
    # every version of each: which one counts depends on when the first was known
    ids = f"SELECT id FROM {rows} WHERE {' OR '.join([late, *mine])}"
    engine.con.execute(
        f"""COPY (SELECT * FROM {rows} WHERE id IN ({ids}))
            TO {literal(chosen)} (FORMAT parquet)"""
    )
    some_rows = engine.read_parquet(chosen)
    # of those that may be learned from: decisions on the present holdout are left out already
    engine.to_parquet(job.labels.filter(job.labels.entity.isin(some_rows.id)), issued)
    every, some = (job.rows, job.labels), (some_rows, engine.read_parquet(issued))
    return replace(job, rows=some[0], labels=some[1], every=every, sealed=None)


def divide(
    kept: Grown, job: "Job", whole: Path, train: Path, holdout: Path, keeper: Keeper, reserved: Path
) -> Divided:
    """Write gold: the rows that stay, and those that were computed again.

    Args:
        kept: Gold as it was.
        job: What was extracted.
        whole: Features and labels (Parquet); of its rows those since the change count.
        train: Where the training table goes.
        holdout: Where the sealed holdout goes.
        keeper: Knows the cut.
        reserved: Where the times go of rows that are kept for the next holdout.
    """
    shutil.copyfile(kept.entry.file(HOLDOUT), holdout)
    before, since = kept.entry.facts["divided"], f"time < TIMESTAMP '{kept.since}'"
    with connect() as engine:
        table = engine.read_parquet(whole)
        parted, parts = split_rows(
            job, engine, table.filter(table.time >= kept.since), keeper.records
        )
        late = whole.with_name("late.parquet")
        engine.to_parquet(parts["train"], late)
        _grow(engine.con, kept.entry.file(TRAIN), since, late, train)
        stayed = f"SELECT time FROM {parquet(kept.entry.file(RESERVED))} WHERE {since}"
        engine.to_parquet(parts["reserved"].select("time"), whole.with_name("more.parquet"))
        more = f"FROM {parquet(whole.with_name('more.parquet'))}"
        engine.con.execute(f"COPY ({stayed} UNION ALL {more}) TO {literal(reserved)} {PARQUET}")
        trained = engine.read_parquet(train)
        counted: Any = counts_of(
            {
                "train": trained,
                "holdout": table.limit(0),
                "newer": trained.filter(trained.time > parted.cut.until),
                "reserved": engine.read_parquet(reserved),
                "near_holdout": table.limit(0),
            },
            class_names(job.source),
        )
        decided = count_decided(trained, parted.cut.boundary)
    for name in ("rows", "positives", "by_class"):
        counted[name]["holdout"] = before[name]["holdout"]
    if before["late"] is not None:  # of rows before the holdout nothing changed
        counted["late"] = before["late"] | {"decided": decided}
    return cast(Divided, before | counted)


def _grow(connection: "DuckDBPyConnection", old: Path, stays: str, late: Path, out: Path) -> None:
    """Write the rows of a sorted table that stay, and later ones."""
    row = connection.execute(
        f"""SELECT coalesce(min(file_row_number) FILTER (WHERE NOT coalesce({stays}, false)),
              count(*)) // {ROW_GROUP} FROM {parquet(old, numbered=True)}"""
    ).fetchone()
    assert row is not None
    groups = int(row[0])
    rest = f"""SELECT * EXCLUDE (file_row_number) FROM {parquet(old, numbered=True)}
               WHERE file_row_number >= {groups * ROW_GROUP} AND {stays}"""
    query = f"{rest} UNION ALL BY NAME SELECT * FROM {parquet(late)} ORDER BY time, id"
    grow(connection, old, groups, query, out, late.parent)


def keep(
    cache: Cache,
    place: str,
    terms: Terms,
    labels: Path,
    made: Made,
    files: dict[str, Path],
    keeper: Keeper,
    scratch: Path,
) -> None:
    """Keep gold, the labels it was made with, and the last of its rows.

    Args:
        cache: Where.
        place: The key.
        terms: Which rows, and what decides which are held out.
        labels: The labels.
        made: What was found of them.
        files: ``TRAIN``, ``HOLDOUT`` and ``RESERVED``.
        keeper: Knows the cut.
        scratch: A folder.
    """
    rows, issued = (pq.read_metadata(path).num_rows for path in (terms.path, labels))
    last = scratch / LAST
    with connect() as engine:
        engine.con.execute(
            f"""COPY (SELECT * EXCLUDE (file_row_number) FROM {parquet(terms.path, numbered=True)}
                  WHERE file_row_number >= {rows // ROW_GROUP * ROW_GROUP})
                TO {literal(last)} {PARQUET}"""
        )
    facts = {
        "cut": _cut(terms, keeper),
        "digests": digests(terms.path),
        "rows": rows,
        "issues": digests(labels),
        "issued": issued,
        "columns": _columns(made.computed),
        "divided": made.divided,
        "arrives": made.arrives,
    }
    cache.put(place, {**files, LABELS: labels, LAST: last}, facts)
