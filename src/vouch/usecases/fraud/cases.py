"""The choice of the cases to explain, and the reading of their rows and of background rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np

from vouch.core.errors import VouchError
from vouch.models.predictions import POSITIVE
from vouch.models.surrogate import Array
from vouch.sources.readers import parquet
from vouch.usecases.fraud.params import ExplainParams

Kind = Literal["riskiest", "least_certain", "covering"]


@dataclass(frozen=True)
class Case:
    """A row to explain.

    Attributes:
        id: The row's id.
        kind: Why it was chosen.
        out_of_fold: The probability it got from a model that was not trained on it, 0 to 1.
    """

    id: str
    kind: Kind
    out_of_fold: float


def choose(predictions: Path, params: ExplainParams) -> list[Case]:
    """Choose the riskiest cases and, of the rest, the least certain ones.

    Args:
        predictions: Out-of-fold predictions.
        params: How many of each, and where certainty is least.

    Returns:
        The riskiest, the highest score first; then the least certain, the nearest to
        ``params.boundary`` first. Ties go to the smaller id.
    """
    with duckdb.connect() as connection:
        rows = f"FROM {parquet(predictions)} WHERE {POSITIVE} IS NOT NULL"
        scores = f"SELECT id, {POSITIVE} AS score {rows}"
        risky = connection.execute(
            f"{scores} ORDER BY score DESC, id LIMIT ?", [params.cases]
        ).fetchall()
        unsure = connection.execute(
            f"{scores} AND NOT list_contains(?, id) ORDER BY abs(score - ?), id LIMIT ?",
            [[name for name, _ in risky], params.boundary, params.cases],
        ).fetchall()
    return [Case(i, "riskiest", s) for i, s in risky] + [
        Case(i, "least_certain", s) for i, s in unsure
    ]


def candidates(predictions: Path, count: int) -> list[Case]:
    """Draw the cases of which some shall cover the model: the same ones every time.

    Half are drawn at random, the others in proportion to their score: of rare frauds the first
    would hold none. (Efraimidis, Spirakis: Weighted random sampling with a reservoir, 2006.)

    Args:
        predictions: Out-of-fold predictions.
        count: How many; all rows if there are fewer.
    """
    with duckdb.connect() as connection:
        rows = f"FROM {parquet(predictions)} WHERE {POSITIVE} IS NOT NULL"
        chance = "(1 + hash(id, 'covering')) / 18446744073709551617.0"
        drawn = connection.execute(
            f"""WITH ranked AS (SELECT id, {POSITIVE} AS score, row_number() OVER (
                    ORDER BY -ln({chance}) / greatest({POSITIVE}, 1e-9), id) AS place,
                hash(id) AS number {rows})
            SELECT id, score FROM ranked
            ORDER BY place > ?, CASE WHEN place > ? THEN number END, id LIMIT ?""",
            [(count + 1) // 2, (count + 1) // 2, count],
        ).fetchall()
    return [Case(name, "covering", score) for name, score in sorted(drawn)]


def rows_of(train: Path, ids: list[str], features: tuple[str, ...]) -> dict[str, Array]:
    """Read the features of some rows.

    Args:
        train: The training part.
        ids: Which rows.
        features: Which columns, in order.

    Returns:
        Id to the row's features, shape (features,), NaN where undefined.

    Raises:
        VouchError: A row or a feature is not there.
    """
    rows = _fetch(train, features, "WHERE list_contains(?, id)", [ids])
    if missing := [i for i in ids if i not in rows]:
        raise VouchError(f"{train}: no row {missing[0]!r}", "run tune again on this file")
    return rows


def sample(train: Path, rows: int, features: tuple[str, ...]) -> Array:
    """Draw rows by their ids' hash: the same rows every time, in time linear in the file.

    Args:
        train: The training part.
        rows: How many rows; all if there are fewer.
        features: Which columns, in order.

    Returns:
        Their features, shape (rows, features), NaN where undefined.
    """
    drawn = _fetch(train, features, "ORDER BY hash(id), id LIMIT ?", [rows])
    return np.array(list(drawn.values())).reshape(-1, len(features))


def _fetch(
    train: Path, features: tuple[str, ...], clause: str, values: list[Any]
) -> dict[str, Array]:
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in features)
    query = f"SELECT id, {columns} FROM {parquet(train)} {clause}"
    with duckdb.connect() as connection:
        try:
            table = connection.execute(query, values).fetchall()
        except duckdb.BinderException as error:
            message = str(error).splitlines()[0]
            raise VouchError(f"{train}: {message}", "run extract and tune again") from None
    return {row[0]: np.array(row[1:], dtype=float) for row in table}
