"""Scoring a file: parse it, compute the features of training, predict, write in input order."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vouch.engine import connect
from vouch.errors import VouchError
from vouch.files import replacing
from vouch.progress import Progress, silent
from vouch.register.registry import CHAMPION, Version, find, parse
from vouch.score.features import UNSCORED, prepare
from vouch.score.reading import as_given, check_file
from vouch.sources.declaration import Declaration, load_declaration
from vouch.sources.inputs import INPUTS, load_inputs
from vouch.tune import models

CHUNK = 200_000  # rows predicted and written at a time
EXAMPLES = 3
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Request:
    """What is to be scored, and with what.

    Attributes:
        usecase: The use case.
        path: The file of new rows.
        out: Where the scores go: Parquet if its name ends so, else CSV.
        source: The declaration that says what the file's columns mean; None: the use case's
            present one.
        model: ``champion``, ``challenger`` or a number, of the source's own model; or
            ``NAME:VERSION`` of any.
    """

    usecase: str
    path: Path
    out: Path
    source: str | None = None
    model: str = CHAMPION


def score(root: Path, state: Path, request: Request, progress: Progress = silent) -> dict[str, Any]:
    """Score every row of a file.

    A row sees the history that silver holds of the same source, the file's earlier rows, and the
    labels known by its time; a row whose id silver has already is taken as the file has it. A row
    that cannot be parsed keeps its place in the output, with its declared id (or its line) and no
    score. Without a declared id a row's id is ingest's: digest of its content and occurrence.

    Args:
        root: The project's folder.
        state: The project's state folder.
        request: What to score.
        progress: Told how many rows are scored.

    Returns:
        Counts (``rows``, ``scored``, ``unreadable``, ``flagged``), ``model``, ``threshold``,
        ``out`` and ``warnings``.

    Raises:
        VouchError: No such file, column, source, model or version; the model was trained on
            columns this source does not have; or the scores would replace the file.
    """
    check_file(request.path)
    if request.out.resolve() == request.path.resolve():
        raise VouchError(f"--out: {request.out} is the file to score", "name another file")
    source = request.source or load_inputs(root / INPUTS).choice(request.usecase).source
    declared = load_declaration(root / f"data/sources/{source}.yaml")
    version = _version(state, request, declared)
    trained = load_declaration(version.folder / "evidence/declaration.yaml")
    _check_columns(declared, trained, version)
    with tempfile.TemporaryDirectory(prefix="vouch-") as scratch, connect() as engine:
        progress(0, 1, "parsing and extracting")
        given = as_given(declared, request.path)
        table = prepare(engine, given, trained, request.path, version, root, Path(scratch))
        counts = _write(table.path, table.rows, version, request.out, progress)
    warnings = list(table.warnings)
    if counts["unreadable"]:
        warnings.append(
            f"{counts['unreadable']:,} of {counts['rows']:,} rows cannot be read and have no "
            f"score: {'; '.join(table.reasons[:EXAMPLES])}"
        )
    threshold = version.lineage["threshold"]
    place = str(request.out)
    return {
        "model": str(version),
        **counts,
        "threshold": threshold,
        "out": place,
        "warnings": warnings,
    }


def _version(state: Path, request: Request, declared: Declaration) -> Version:
    if ":" in request.model:
        return parse(state, request.model)
    return find(state, f"{request.usecase}-{declared.name}", request.model)


def _check_columns(declared: Declaration, trained: Declaration, version: Version) -> None:
    """See that the source has the columns the model was trained on."""
    ours = {declared.canonical(name) for name in declared.columns}
    wanted = {
        trained.canonical(name): column
        for name, column in trained.columns.items()
        if column.role not in UNSCORED and not column.optional
    }
    if missing := sorted(wanted.keys() - ours):
        raise VouchError(
            f"{version} was trained on source {trained.name!r}, whose column {missing[0]!r} the "
            f"source {declared.name!r} does not have ({len(missing)} missing: "
            f"{', '.join(missing)})",
            f"score with a model of {declared.name!r}: --model NAME:VERSION",
        )


def _write(
    path: Path, rows: int, version: Version, out: Path, progress: Progress
) -> dict[str, int]:
    import pyarrow as pa

    columns = {"id": pa.string(), "prediction": pa.int8()}
    schema = pa.schema(columns | {"score_0": pa.float64(), "score_1": pa.float64()})
    counts = {"rows": 0, "scored": 0, "unreadable": 0, "flagged": 0}
    with replacing(out) as draft, _writer(out, draft, schema) as writer:
        for chunk in _scored(path, version):
            writer.write_table(pa.Table.from_pandas(chunk, schema, preserve_index=False))
            _count(chunk, counts)
            progress(counts["rows"], rows, "scoring")
    return counts


def _writer(out: Path, draft: Path, schema: Any) -> Any:
    from pyarrow.csv import CSVWriter, WriteOptions
    from pyarrow.parquet import ParquetWriter

    if out.suffix.lower() in PARQUET:
        return ParquetWriter(draft, schema)
    options = WriteOptions(quoting_style="needed", quoting_header="none")
    return CSVWriter(draft, schema, write_options=options)


def _count(chunk: pd.DataFrame, counts: dict[str, int]) -> None:
    scored = int(chunk["score_1"].notna().sum())
    counts["rows"] += len(chunk)
    counts["scored"] += scored
    counts["unreadable"] += len(chunk) - scored
    counts["flagged"] += int(chunk["prediction"].sum())


def _scored(path: Path, version: Version) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    fitted, threshold = models.load(version.model), version.lineage["threshold"]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(CHUNK):
            yield _predict(batch.to_pandas(), fitted, threshold)


def _predict(rows: pd.DataFrame, fitted: models.Fitted, threshold: float) -> pd.DataFrame:
    """Give the output's columns; rows that could not be read stay empty."""
    readable = rows["readable"].to_numpy(dtype=bool)
    positive = pd.Series(pd.NA, index=rows.index, dtype="Float64")
    positive[readable] = fitted.predict(rows[readable])
    return pd.DataFrame(
        {
            "id": rows["shown"],
            "prediction": (positive >= threshold).astype("Int8"),
            "score_0": 1 - positive,
            "score_1": positive,
        }
    )
