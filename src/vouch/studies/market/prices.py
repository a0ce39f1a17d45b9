"""Prices from a CSV or Parquet file, each known only when its bar ends."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from vouch.core.errors import VouchError
from vouch.sources.readers import is_parquet, literal, quoted, table
from vouch.studies.market.assets import Assets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CALLED = {
    "time": ("date", "time", "timestamp", "datetime", "open_time"),
    "open": ("open",),
    "close": ("close",),
    "asset": ("asset", "symbol", "ticker", "coin"),
    "volume": ("volume",),
}
NEEDED = ("time", "open", "close")


class Prices(TypedDict):
    """What was read of a file of prices; see :func:`load_prices`."""

    rows: int
    since: datetime | None
    until: datetime | None
    assets: list[str]
    bar_minutes: float
    volume: bool


def load_prices(
    connection: "DuckDBPyConnection", path: Path, assets: Assets, asset: str | None, minutes: int
) -> Prices:
    """Make the table ``bars``: asset, begins_at, known_at, open, close, volume.

    Args:
        connection: Where it is made.
        path: CSV or Parquet with a time (UTC where it has no zone), open, close and, optionally,
            asset and volume; other columns are not looked at.
        assets: What its assets may be called.
        asset: Whose prices they are, where no column says so; None: as the file's name begins.
        minutes: Length of a window; bars must not be longer.

    Returns:
        ``rows``, ``assets``, ``since``, ``until``, ``bar_minutes`` and whether there is a
        ``volume``.

    Raises:
        VouchError: No such file or column, a value that is no time or price, two prices of one
            asset at one time, or bars longer than a window.
    """
    import duckdb

    from vouch.serve.reading import check_file

    check_file(path)
    quotes = table(path)
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {quotes}").fetchall()
        columns = _columns(path, [name for name, *_ in described])
        connection.execute(f"CREATE TEMP VIEW quotes AS {_cells(quotes, columns, path, asset)}")
        _check(connection, path)
        _map(connection, path, assets, columns, asset)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        kind = "parquet" if is_parquet(path) else "csv"
        raise VouchError(f"{path}: cannot be read as {kind} ({reason})", "check the file") from None
    return _finish(connection, path, minutes, volume="volume" in columns)


def _columns(path: Path, names: list[str]) -> dict[str, str]:
    """Find which column is which."""
    lower = {name.lower(): name for name in names}
    columns = {
        role: lower[next(each for each in called if each in lower)]
        for role, called in CALLED.items()
        if any(each in lower for each in called)
    }
    if missing := [role for role in NEEDED if role not in columns]:
        aliases = "; ".join(f"{role}: {' or '.join(CALLED[role])}" for role in missing)
        raise VouchError(
            f"{path}: no column for {', '.join(missing)}; the file has: {', '.join(names)}",
            f"rename the column ({aliases})",
        )
    return columns


def _cells(quotes: str, columns: dict[str, str], path: Path, asset: str | None) -> str:
    def text(role: str) -> str:
        return f"CAST({quoted(columns[role])} AS VARCHAR)" if role in columns else "NULL"

    name = literal(asset or path.stem.split("_")[0].split("-")[0])
    return f"""
        SELECT row_number() OVER () AS line, {text("time")} AS said_time,
          timezone('UTC', TRY_CAST({text("time")} AS TIMESTAMPTZ)) AS begins_at,
          {text("open")} AS said_open, TRY_CAST({text("open")} AS DOUBLE) AS open,
          {text("close")} AS said_close, TRY_CAST({text("close")} AS DOUBLE) AS close,
          TRY_CAST({text("volume")} AS DOUBLE) AS volume,
          {text("asset") if "asset" in columns else name} AS named
        FROM {quotes}"""


def _check(connection: "DuckDBPyConnection", path: Path) -> None:
    """Check that every row has a time and prices above zero."""
    bad = connection.execute(
        """SELECT line, said_time, said_open, said_close, begins_at IS NULL AS timeless,
             NOT coalesce(isfinite(open) AND open > 0, false) AS no_open
           FROM quotes WHERE begins_at IS NULL OR named IS NULL
             OR NOT coalesce(isfinite(open) AND open > 0, false)
             OR NOT coalesce(isfinite(close) AND close > 0, false)
           ORDER BY line LIMIT 1"""
    ).fetchone()
    if not bad:
        return
    line, time, opened, closed, timeless, no_open = bad
    field, got = ("time", time) if timeless else ("open", opened) if no_open else ("close", closed)
    expected = "a time such as 2022-01-01 00:15:00" if timeless else "a price above 0"
    raise VouchError(f"{path}: row {line}: {field}: {got!r} is not {expected}", "mend or drop it")


def _map(
    connection: "DuckDBPyConnection",
    path: Path,
    assets: Assets,
    columns: dict[str, str],
    asset: str | None,
) -> None:
    """Make ``bars``, without their end, under the assets' tickers."""
    named = [
        str(name) for (name,) in connection.execute("SELECT DISTINCT named FROM quotes").fetchall()
    ]
    tickers = {name: assets.find(name) for name in named}
    if "asset" not in columns and asset is None and not all(tickers.values()):
        raise VouchError(
            f"{path}: no column asset, and no asset is called {named[0]!r}",
            "say whose prices they are: --price-asset BTC",
        )
    pairs = ", ".join(f"({literal(n)}, {literal(a or n.upper())})" for n, a in tickers.items())
    rows = f"VALUES {pairs}" if pairs else "SELECT NULL, NULL LIMIT 0"
    connection.execute(
        f"""CREATE TABLE quoted_bars AS SELECT tickers.asset, begins_at, open, close, volume
            FROM quotes JOIN ({rows}) AS tickers(named, asset) USING (named)"""
    )
    twice = connection.execute(
        """SELECT asset, begins_at FROM quoted_bars GROUP BY ALL HAVING count(*) > 1
           ORDER BY ALL LIMIT 1"""
    ).fetchone()
    if twice:
        raise VouchError(f"{path}: two prices of {twice[0]} at {twice[1]}", "keep one of them")


def _finish(connection: "DuckDBPyConnection", path: Path, minutes: int, *, volume: bool) -> Prices:
    """Return when each bar ends: as long after it begins as bars usually follow each other."""
    usual: Any = connection.execute(
        """SELECT mode(step) FROM (SELECT epoch(begins_at - lag(begins_at) OVER
             (PARTITION BY asset ORDER BY begins_at)) AS step FROM quoted_bars)"""
    ).fetchone()
    if usual[0] is None:
        raise VouchError(f"{path}: has fewer than two prices of an asset", "give a longer series")
    seconds = int(usual[0])
    if seconds > minutes * 60:
        raise VouchError(
            f"{path}: has a price every {seconds // 60} minutes, but windows are {minutes} minutes",
            f"give prices every {minutes} minutes or more often",
        )
    connection.execute(
        f"""CREATE TABLE bars AS
            SELECT asset, begins_at, begins_at + to_seconds({seconds}) AS known_at, open, close,
              volume
            FROM quoted_bars ORDER BY asset, begins_at"""
    )
    rows, since, until, listed = connection.execute(
        """SELECT count(*), min(begins_at), max(known_at), list_sort(list_distinct(list(asset)))
           FROM bars"""
    ).fetchall()[0]
    return {
        "rows": rows,
        "since": since,
        "until": until,
        "assets": listed,
        "bar_minutes": seconds / 60,
        "volume": volume,
    }
