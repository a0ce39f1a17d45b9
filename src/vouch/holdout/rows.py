"""What a row is, whatever file, set and source name it came in: keyed hashes by which rows match.

A row has up to two identities. Its *content*: of a text the text itself (of a short one with its
author and time), else time, amount and
parties as they were parsed, or where a source declares fewer than two of these all its columns but
the labels; equal rows are told apart by their number, but where any row that repeats another is to
be found (*unnumbered*). And its declared *id* with its time, or
without times an id that is no mere row number. Renaming the file or the source, another window
over the same rows, a few rows more or less, or a declaration without the id leave one of them.

All identities are kept, 8 bytes each, sorted: a sketch would be smaller, but could not say whether
a model learned from any single row. Of 10 million rows against 10 million others two agree by
chance with a probability of 5 in a million. The key is the ledger's own, so hashes of two ledgers
cannot be compared, and those who share a ledger share the key.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vouch.engine import connect
from vouch.sources.declaration import LATER
from vouch.sources.readers import parquet, quoted

Hashes = NDArray[np.uint64]
"""Sorted, without repeats, shape (rows,)."""
Identities = Mapping[str, Hashes]
"""By kind; see :data:`KINDS` and :data:`UNNUMBERED`."""
CONTENT, ID = "content", "id"
KINDS = (CONTENT, ID)
"""The kinds by which rows are counted: each row has one of either, or none."""
UNNUMBERED = "unnumbered"
"""The kind that equal rows share; ledgers of earlier releases have none."""
EVERY = (*KINDS, UNNUMBERED)
CORE = ("time", "amount", "payer", "payee", "author")
FEWEST = 2  # of the core columns, below which all columns count
OUTER = LATER | {"id", "arrival"}
"""Columns that say where a row came from or what people say of it, not what it is."""
SHORT = 20  # characters
ROW_NUMBER = r"\d{1,9}"


def identities(rows: Path, ids: Path, secret: bytes, *, declared: bool) -> dict[str, Hashes]:
    """Return the identities of some of a source's rows.

    Args:
        rows: Silver rows, every version (Parquet); the versions in force count.
        ids: Which rows: a table with their ``id`` (Parquet).
        secret: The key.
        declared: Whether the source declares a column of ids.
    """
    table = _hashed(rows, ids, secret, declared=declared)
    return {kind: np.unique(table[kind].drop_null().to_numpy().astype("<u8")) for kind in EVERY}


def among(rows: Path, theirs: Iterable[Identities], secret: bytes, *, declared: bool) -> list[str]:
    """Return the ids of the rows that are among others, or repeat one of them.

    Args:
        rows: A source's rows (Parquet).
        theirs: The others' identities.
        secret: The key.
        declared: Whether the source declares a column of ids.
    """
    table = _hashed(rows, rows, secret, declared=declared)
    matches = np.zeros(table.num_rows, bool)
    for each in theirs:
        for kind in (UNNUMBERED if len(each[UNNUMBERED]) else CONTENT, ID):
            mine = table[kind].fill_null(0).to_numpy().astype("<u8")
            matches |= table[kind].is_valid().to_numpy() & shared(mine, each[kind])
    ids: list[str] = table["row"].filter(pa.array(matches)).to_pylist()
    return ids


def _hashed(rows: Path, ids: Path, secret: bytes, *, declared: bool) -> pa.Table:
    """Return ``row``, the id, and the hashes of some of a source's rows."""
    with connect() as backend:
        connection = backend.con
        columns = set(connection.execute(f"FROM {parquet(rows)} LIMIT 0").df().columns)
        content, own = _content(columns), _own(columns) if declared else "NULL"
        # rows that come later number none
        arrival = "arrived_at" if "arrived_at" in columns else "1"
        current = "WHERE superseded_at IS NULL" if "superseded_at" in columns else ""
        return (
            connection.execute(
                f"""WITH every AS (
                  SELECT id, {arrival} AS place, {own} AS own, sha256({content}) AS content
                  FROM {parquet(rows)} {current}),
                numbered AS (
                  SELECT id, own, content AS unnumbered, content
                      || row_number() OVER (PARTITION BY content ORDER BY place, id) AS content
                  FROM every)
                SELECT id AS row, {_hash("content")} AS content, {_hash("own")} AS id,
                  {_hash("unnumbered")} AS unnumbered
                FROM numbered SEMI JOIN {parquet(ids)} AS wanted USING (id)""",
                {"secret": secret.hex()},
            )
            .arrow()
            .read_all()
        )


def shared(mine: Hashes, theirs: Hashes) -> NDArray[np.bool_]:
    """Return which hashes are among others, shape of ``mine``."""
    if not len(theirs):
        return np.zeros(len(mine), bool)
    places = np.searchsorted(theirs, mine)
    return np.asarray(theirs[np.minimum(places, len(theirs) - 1)] == mine)


def count_shared(mine: Identities, theirs: Identities) -> int:
    """Return how many rows are among others, by the identity of which more are."""
    return max(
        (int(shared(mine[kind], theirs[kind]).sum()) for kind in KINDS if kind in mine), default=0
    )


def write(path: Path, rows: Identities, ledger: str) -> None:
    """Write identities with the ledger whose key they have (NumPy's archive)."""
    with path.open("wb") as file:
        np.savez(file, ledger=np.array(ledger), content=rows[CONTENT], id=rows[ID])


def read(path: Path, ledger: str) -> dict[str, Hashes]:
    """Read identities; none where there is no file, or it has another ledger's key."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as content:
        return {kind: content[kind] for kind in KINDS} if str(content["ledger"]) == ledger else {}


def _content(columns: set[str]) -> str:
    if "text" in columns:
        text = r"lower(regexp_replace(trim(coalesce(text, '')), '\s+', ' ', 'g'))"
        outer = [name for name in ("time", "author") if name in columns]
        longer = " || ".join([text, *(f"coalesce({name}::VARCHAR, '')" for name in outer)])
        # "gm" is many people's: short texts are one row only with their author and time
        return f"CASE WHEN length({text}) < {SHORT} THEN {longer} ELSE {text} END"
    core = [name for name in CORE if name in columns]
    chosen = core if len(core) >= FEWEST else sorted(columns - OUTER)
    # where nothing but labels and ids is declared, rows are told apart by their number alone
    values = [f"coalesce({quoted(name)}::VARCHAR, '')" for name in chosen] or ["''"]
    return f"concat_ws(chr(31), {', '.join(values)})"


def _own(columns: set[str]) -> str:
    if "time" in columns:
        return "id || chr(31) || time::VARCHAR"
    return f"CASE WHEN NOT regexp_full_match(id, '{ROW_NUMBER}') THEN id END"


def _hash(column: str) -> str:
    return f"('0x' || left(sha256($secret || {column}), 16))::UBIGINT"
