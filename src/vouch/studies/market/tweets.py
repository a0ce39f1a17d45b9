"""Bronze and silver: tweets as they came, then cleaned, classed and given their assets."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import yaml

from vouch.core.cells import restore
from vouch.core.errors import VouchError, suggest
from vouch.core.progress import Progress
from vouch.sources.declaration import Declaration, Role, load_declaration, source_path
from vouch.sources.readers import is_parquet, literal, parquet, table
from vouch.studies.market.assets import Assets
from vouch.studies.market.params import MarketParams

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK = 20_000
CLASSES = ("negative", "neutral", "positive")
GIVEN = ("id", "time", "text", "author", "asset", "followers", "retweets")
"""Columns that silver takes from bronze; null where a source lacks one."""
PREFERRED = "tweets"
NEEDED: tuple[Role, ...] = ("time", "text")


@dataclass(frozen=True)
class Bronze:
    """Tweets as read.

    Attributes:
        path: Parquet, one row a readable line, with the time it arrived.
        source: The declaration they were read by.
        lines: Lines of data in the file.
        rows: Readable ones.
    """

    path: Path
    source: Declaration
    lines: int
    rows: int


class Counts(TypedDict):
    """Counts of tweets; see :func:`write_silver`."""

    tweets: int
    twice: int
    unclassed: int
    unmapped: int
    classes: dict[str, int]


def choose_source(root: Path, file: Path, name: str | None) -> Declaration:
    """Return the declaration of a file of tweets.

    Args:
        root: The project's folder.
        file: The tweets.
        name: A source in ``data/sources``; None: the source of texts with times that fits the
            file's columns best.

    Raises:
        VouchError: No such file or source, no source fits, or it has no text or time.
    """
    from vouch.serve.reading import as_given, check_file

    check_file(file)
    folder = root / "data/sources"
    if name is None:
        return as_given(_fitting(folder, file), file)
    path = source_path(root, name)
    source = load_declaration(path)
    if lacking := [role for role in NEEDED if not source.has(role)]:
        raise VouchError(
            f"{path}: no column has the role {lacking[0]!r}",
            "a market report needs tweets with a text and a time",
        )
    return as_given(source, file)


def _fitting(folder: Path, file: Path) -> Declaration:
    """Find the source whose needed columns the file has, and most of the others."""
    declared = [load_declaration(path) for path in sorted(folder.glob("*.yaml"))]
    texts = [d for d in declared if all(d.has(role) for role in NEEDED)]
    fits: list[tuple[int, bool, Declaration]] = []
    for source in texts:
        present = _columns(file, source)
        needed = {name for name, column in source.columns.items() if not column.optional}
        if needed - {"label"} <= present and _timed(source, present):
            fits.append((len(present & source.columns.keys()), source.name == PREFERRED, source))
    if not fits:
        names = ", ".join(source.name for source in texts) or "none"
        raise VouchError(
            f"{file}: fits no source of texts with a time ({names})",
            "--source NAME to see what is missing, or declare it in data/sources",
        )
    return max(fits, key=lambda fit: fit[:2])[2]


def _timed(source: Declaration, present: set[str]) -> bool:
    return all(source.column(role) in present for role in NEEDED)


def _columns(file: Path, source: Declaration) -> set[str]:
    """List a file's columns by its first line."""
    import csv
    import json

    import duckdb

    try:
        if is_parquet(file):
            query = f"DESCRIBE SELECT * FROM {parquet(file)}"
            return {row[0] for row in duckdb.sql(query).fetchall()}
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            if file.suffix.lower() == ".jsonl":
                return set(json.loads(opened.readline()))
            return {name.strip() for name in next(csv.reader(opened, delimiter=source.separator))}
    except (duckdb.Error, csv.Error, json.JSONDecodeError, StopIteration, TypeError):
        return set()


def read_bronze(source: Declaration, file: Path, out: Path, progress: Progress) -> Bronze:
    """Read tweets as ingest does: each line becomes a row or a reject.

    Args:
        source: What the columns mean, in the file's format.
        file: The tweets.
        out: The folder for ``bronze.parquet`` and ``rejects.parquet``.
        progress: Called with the progress.

    Raises:
        VouchError: The file is not what the declaration says.
    """
    from vouch.sources.manifest import keep
    from vouch.stages.ingest import read
    from vouch.stages.ingest.params import IngestParams

    with tempfile.TemporaryDirectory(dir=out, prefix=".market-") as folder:
        raw, declared = Path(folder) / "raw", Path(folder) / f"{source.name}.yaml"
        declared.write_text(yaml.safe_dump(source.model_dump(mode="json", exclude_none=True)))
        counted = read(
            declaration=declared,
            raw=raw,
            files=[keep(raw, file)],
            rows=out / "bronze.parquet",
            rejects=out / "rejects.parquet",
            params=IngestParams(),
            progress=progress,
        )
    return Bronze(out / "bronze.parquet", source, counted.lines, counted.rows)


def write_silver(
    connection: "DuckDBPyConnection",
    bronze: Bronze,
    scores: Path | None,
    assets: Assets,
    out: Path,
    params: MarketParams,
    progress: Progress,
) -> Counts:
    """Clean, class and map tweets to assets.

    Args:
        connection: DuckDB.
        bronze: Tweets as read.
        scores: Classes by id, as ``vouch score`` writes them; None: by VADER's rule.
        assets: What assets are called. The column asset decides; where it is missing or unknown,
            every asset the text names.
        out: The Parquet file to write: a row for each tweet and asset it is about, ``asset`` null
            where it is about none; ``class`` 0 to 2, null where ``scores`` does not have the
            tweet.
        params: VADER's threshold.
        progress: Called with how many tweets are classed.

    Returns:
        ``tweets`` (distinct ids), ``twice`` (dropped), ``unclassed``, ``unmapped``, ``classes``.

    Raises:
        VouchError: The scores are of other tweets, or not of this form.
    """
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".market-") as folder:
        read = Path(folder) / "read.parquet"
        _read_texts(bronze, read, None if scores else params.threshold, progress)
        connection.execute(f"CREATE TEMP VIEW texts AS FROM {parquet(read)}")
        connection.execute(f"CREATE TEMP VIEW classed AS {_classed(connection, scores)}")
        _map_assets(connection, assets)
        connection.execute(f"COPY ({_SILVER}) TO {literal(out)} (FORMAT parquet)")
    return _counted(connection, out, bronze, scores)


def _read_texts(bronze: Bronze, out: Path, threshold: float | None, progress: Progress) -> None:
    """Write the columns silver takes, texts cleaned, and VADER's class if asked for."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"time": pa.timestamp("us"), "followers": pa.float64(), "retweets": pa.float64()}
    columns = {name: types.get(name, pa.string()) for name in GIVEN}
    schema = pa.schema({"n": pa.int64(), **columns, "clean": pa.string(), "vader": pa.int8()})
    done = 0
    with pq.ParquetWriter(out, schema) as writer:
        for rows in _batches(bronze.path):
            texts = [text or "" for text in rows["text"].to_pylist()]
            arrays = {
                name: rows[name].cast(kind)
                if name in rows.column_names
                else pa.nulls(len(rows), kind)
                for name, kind in columns.items()
            }
            read = _vader(texts, threshold)
            arrays |= {"n": pa.array(range(done, done + len(rows))), "vader": read}
            arrays["clean"] = pa.array(_clean(texts))
            writer.write_table(pa.table([arrays[name] for name in schema.names], schema=schema))
            done += len(rows)
            progress(done, bronze.rows, "reading sentiment")


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(CHUNK):
            yield pa.Table.from_batches([batch])


def _vader(texts: list[str], threshold: float | None) -> Any:
    import pyarrow as pa

    from vouch.usecases.sentiment import vader

    if threshold is None:
        return pa.nulls(len(texts), pa.int8())
    compound = vader.scores(texts)[:, 3]
    return pa.array(1 + (compound >= threshold).astype("i1") - (compound <= -threshold), pa.int8())


def _clean(texts: list[str]) -> list[str]:
    from vouch.usecases.sentiment.cleaning import Cleaning, clean_all

    return clean_all(texts, Cleaning(links="drop", handles="keep", timestamps="drop"))


def _classed(connection: "DuckDBPyConnection", scores: Path | None) -> str:
    """Return SQL for n and class of each tweet, each id once."""
    once = (
        "SELECT n, id, vader FROM texts QUALIFY row_number() OVER (PARTITION BY id ORDER BY n) = 1"
    )
    if scores is None:
        return f"SELECT n, vader AS class FROM ({once})"
    named = " ".join(f"WHEN '{name}' THEN {n}" for n, name in enumerate(CLASSES))
    table = _scores_table(connection, scores)
    connection.execute(
        f"""CREATE TEMP TABLE scored AS SELECT CAST(id AS VARCHAR) AS id, said,
              CASE lower(said) {named} ELSE CASE WHEN TRY_CAST(said AS DOUBLE) IN (0, 1, 2)
                THEN CAST(TRY_CAST(said AS DOUBLE) AS TINYINT) END END AS class
            FROM (SELECT {_id(connection, scores)} AS id, CAST(prediction AS VARCHAR) AS said
                  FROM {table})"""
    )
    wrong = connection.execute(
        "SELECT id, said FROM scored WHERE class IS NULL AND said IS NOT NULL ORDER BY id LIMIT 1"
    ).fetchone()
    if wrong:
        raise VouchError(
            f"{scores}: prediction of {wrong[0]!r}: {wrong[1]!r} is no class",
            f"give {', '.join(CLASSES)} or 0, 1, 2",
        )
    return f"""SELECT n, any_value(scored.class) AS class
               FROM ({once}) AS once LEFT JOIN scored USING (id) GROUP BY n"""


def _id(connection: "DuckDBPyConnection", scores: Path) -> str:
    """Return SQL for the id that a row of scores was given for: CSV cells may be escaped."""
    if is_parquet(scores):
        return "id"
    connection.create_function("restored", restore, ["VARCHAR"], "VARCHAR")
    return "restored(id)"


def _scores_table(connection: "DuckDBPyConnection", scores: Path) -> str:
    import duckdb

    from vouch.serve.reading import check_file

    check_file(scores)
    rows = table(scores)
    try:
        names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        kind = "parquet" if is_parquet(scores) else "csv"
        raise VouchError(
            f"{scores}: cannot be read as {kind} ({reason})", "check the file"
        ) from None
    if missing := [name for name in ("id", "prediction") if name not in names]:
        raise VouchError(
            f"{scores}: no column {missing[0]!r}; the file has: {', '.join(names)}",
            f"{suggest(missing[0], names)}; `vouch score` writes such a file",
        )
    return rows


def _map_assets(connection: "DuckDBPyConnection", assets: Assets) -> None:
    """Make ``about``: the assets of each tweet."""
    names = [a for (a,) in connection.execute("SELECT DISTINCT asset FROM texts").fetchall() if a]
    _pairs(connection, "columns_called", {name: assets.find(name) for name in names})
    _pairs(connection, "texts_called", assets.tokens())
    connection.execute(
        """CREATE TEMP TABLE about AS
           SELECT n, called.asset FROM texts JOIN columns_called AS called ON texts.asset = name
           WHERE called.asset IS NOT NULL"""
    )
    connection.execute(
        r"""INSERT INTO about SELECT DISTINCT n, called.asset FROM (
              SELECT n, unnest(regexp_extract_all(lower(text), '[@#$]?[a-z0-9_]+')) AS name
              FROM texts WHERE n NOT IN (SELECT n FROM about))
            JOIN texts_called AS called USING (name)"""
    )


def _pairs(connection: "DuckDBPyConnection", table: str, pairs: Any) -> None:
    connection.execute(f"CREATE TEMP TABLE {table} (name VARCHAR, asset VARCHAR)")
    if pairs:
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", list(pairs.items()))


_SILVER = """
    SELECT id, time, about.asset, class, clean AS text, length(text) AS length, author,
      followers, retweets
    FROM texts JOIN classed USING (n) LEFT JOIN about USING (n) ORDER BY time, id, about.asset"""


def _counted(
    connection: "DuckDBPyConnection", out: Path, bronze: Bronze, scores: Path | None
) -> Counts:
    tweets, unclassed, unmapped, *classes = connection.execute(
        f"""SELECT count(*), count(*) FILTER (class IS NULL), count(*) FILTER (asset IS NULL),
              count(*) FILTER (class = 0), count(*) FILTER (class = 1), count(*) FILTER (class = 2)
            FROM (SELECT id, any_value(class) AS class, any_value(asset) AS asset
                  FROM {parquet(out)} GROUP BY id)"""
    ).fetchall()[0]
    if scores and unclassed == tweets:
        raise VouchError(
            f"{scores}: has the id of none of the {tweets:,} tweets",
            "score the same file: vouch score sentiment --path TWEETS --out SCORES",
        )
    return {
        "tweets": tweets,
        "twice": bronze.rows - tweets,
        "unclassed": unclassed,
        "unmapped": unmapped,
        "classes": dict(zip(CLASSES, classes, strict=True)),
    }
