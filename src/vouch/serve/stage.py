"""Scoring a file: parse it, compute the features of training, predict, write in input order."""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vouch import usecases
from vouch.core.cells import escape_table
from vouch.core.errors import VouchError
from vouch.core.files import read_json, replacing
from vouch.core.progress import Progress, silent
from vouch.engine import connect
from vouch.models.predictions import Decision, decision_at
from vouch.project.inputs import INPUTS, load_inputs
from vouch.registry.versions import CHAMPION, Version, find, parse
from vouch.serve.features import FileCounts, Prepared, prepare
from vouch.serve.reading import UNSCORED, as_given, check_file
from vouch.serve.rows import HELD_OUT
from vouch.sources.confirm import check_confirmed
from vouch.sources.declaration import Declaration, load_declaration, source_path
from vouch.sources.readers import is_parquet
from vouch.usecases.classes import check_same_classes, class_names, written_names
from vouch.usecases.contract import Model

CHUNK = 200_000  # rows predicted and written at a time
EXAMPLES = 3
STRUCTURAL = ',"\r\n'
"""What a CSV file cannot have in a name without quotes."""
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
"""A class's name that is a number, and fits into 64 bits."""


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


class Counts(FileCounts):
    """The counts of a file's rows, the scored ones, and those predicted of each class."""

    scored: int
    predicted: dict[str, int]


class Scored(Counts):
    """What became of a file to be scored; see :func:`score`."""

    model: str
    threshold: float | None
    out: str
    warnings: list[str]


def score(root: Path, state: Path, request: Request, progress: Progress = silent) -> Scored:
    """Score every row of a file.

    A row sees the history that silver holds of the same source, the file's earlier rows, and the
    labels known by its time; a row whose id silver has already is taken as the file has it. A row
    that cannot be parsed, or that fails an expectation of policy quarantine, keeps its place in
    the output, with its id (or its line), the reason and no score; it feeds no other row's
    features. Rows of one id have one score, that of the row that stands: the first of repeats,
    the last of corrections. A row of a holdout in force has none. Where a row has no id it gets
    ingest's: digest of its content and occurrence.

    Args:
        root: The project's folder.
        state: The project's state folder.
        request: What to score.
        progress: Called with how many rows are scored.

    Returns:
        Counts (``rows``, ``scored``, ``unreadable``, ``quarantined``, ``repeats``,
        ``superseded``, ``held_out``, and ``predicted`` of each class), ``model``, ``threshold``
        (None where the likeliest class is chosen), ``out`` and ``warnings``.

    Raises:
        VouchError: No such file, column, source, model or version; the model was trained on
            columns this source does not have; or the scores would replace the file.
    """
    check_file(request.path)
    if request.out.resolve() == request.path.resolve():
        raise VouchError(f"--out: {request.out} is the file to score", "name another file")
    source = request.source or load_inputs(root / INPUTS).choice(request.usecase).source
    declared = load_declaration(source_path(root, source))
    check_confirmed(declared, source_path(root, source))
    version = _version(state, request, declared)
    trained = load_declaration(version.folder / "evidence/declaration.yaml")
    _check_columns(declared, trained, version)
    with tempfile.TemporaryDirectory(prefix="vouch-") as scratch, connect() as engine:
        progress(0, 1, "parsing and extracting")
        declaration = as_given(declared, request.path)
        table = prepare(
            engine,
            declaration,
            trained,
            request.path,
            version,
            root,
            _held_out(state, declaration),
            Path(scratch),
        )
        names = _names(declared, trained, version)
        counts = _write(table, version, names, request.out, progress)
    warnings = list(table.warnings)
    warnings += _warnings(counts, table.reasons)
    threshold = version.lineage.threshold
    place = str(request.out)
    return {
        "model": str(version),
        **counts,
        "threshold": threshold,
        "out": place,
        "warnings": warnings,
    }


def _held_out(state: Path, declaration: Declaration) -> Callable[[Path], list[str]]:
    """Return what finds rows of a holdout: scores of theirs beside labels would be its answer."""
    from vouch.holdout.keeper import Keeper

    declared = declaration.column("id") is not None
    return partial(Keeper(state).held_out, declaration.usecase, declared=declared)


def _warnings(counts: Counts, reasons: list[str]) -> list[str]:
    """Return warnings on rows that have no score, or another row's."""
    unscored = counts["rows"] - counts["scored"] - counts["held_out"]
    missing = f"{counts['unreadable']:,} of {counts['rows']:,} rows cannot be read"
    failing = f"{counts['quarantined']:,} fail an expectation"
    warnings = []
    if unscored:
        warnings.append(f"{missing} and {failing}: no score. {'; '.join(reasons[:EXAMPLES])}")
    if counts["held_out"]:
        warnings.append(f"{counts['held_out']:,} rows have no score: they are {HELD_OUT}")
    if doubled := counts["repeats"] + counts["superseded"]:
        warnings.append(f"{doubled:,} rows come again with the same id: each id has one score")
    return warnings


def _version(state: Path, request: Request, declared: Declaration) -> Version:
    if ":" in request.model:
        return parse(state, request.model)
    return find(state, f"{request.usecase}-{declared.name}", request.model)


def _check_columns(declared: Declaration, trained: Declaration, version: Version) -> None:
    """Check that the source has the columns the model was trained on."""
    ours = {declared.canonical(name) for name in declared.columns}
    own = usecases.find(trained.usecase).raw_features
    # such a model names the columns it reads
    read = read_json(version.model / "candidate.json")["features"] if own else None
    required = {
        trained.canonical(name): column
        for name, column in trained.columns.items()
        if column.role not in UNSCORED and not column.optional
        if read is None or trained.canonical(name) in read
    }
    if missing := sorted(required.keys() - ours):
        raise VouchError(
            f"{version} was trained on source {trained.name!r}, whose column {missing[0]!r} the "
            f"source {declared.name!r} does not have ({len(missing)} missing: "
            f"{', '.join(missing)})",
            f"score with a model of {declared.name!r}: --model NAME:VERSION",
        )


def _names(declared: Declaration, trained: Declaration, version: Version) -> tuple[str, ...]:
    """Return the model's classes in its own order, as the source's label column writes them."""
    check_same_classes(version.extracted, declared, str(version))
    written = dict(zip(class_names(declared), written_names(declared), strict=True))
    return tuple(written[name] for name in class_names(trained))


def _write(
    table: Prepared, version: Version, names: tuple[str, ...], out: Path, progress: Progress
) -> Counts:
    import pyarrow as pa

    numbers = numbered(names)
    kind = pa.string() if not numbers else pa.int8() if max(numbers) < 128 else pa.int64()
    columns = {"id": pa.string(), "prediction": kind}
    scores = {f"score_{name}": pa.float64() for name in names}
    schema = pa.schema(columns | scores | {"reason": pa.string()})
    counts: Counts = {**table.counts, "scored": 0, "predicted": dict.fromkeys(names, 0)}
    done = 0
    with replacing(out) as draft, _writer(out, draft, schema) as writer:
        for chunk, chosen in _scored(table.path, version, names):
            shown = chunk if is_parquet(out) else escape_table(chunk)
            writer.write_table(pa.Table.from_pandas(shown, schema, preserve_index=False))
            _count(chosen, names, counts)
            done += len(chunk)
            progress(done, counts["rows"], "scoring")
    return counts


def _writer(out: Path, draft: Path, schema: Any) -> Any:
    from pyarrow.csv import CSVWriter, WriteOptions
    from pyarrow.parquet import ParquetWriter

    if is_parquet(out):
        return ParquetWriter(draft, schema)
    # quoting "needed" would quote every name, so it is asked for only where one needs it
    special = any(sign in name for name in schema.names for sign in STRUCTURAL)
    options = WriteOptions(quoting_style="needed", quoting_header="needed" if special else "none")
    return CSVWriter(draft, schema, write_options=options)


def _count(chosen: pd.Series, names: tuple[str, ...], counts: Counts) -> None:
    counts["scored"] += int(chosen.notna().sum())
    for number, name in enumerate(names):
        counts["predicted"][name] += int((chosen == number).sum())


def _scored(
    path: Path, version: Version, names: tuple[str, ...]
) -> Iterator[tuple[pd.DataFrame, pd.Series]]:
    import pyarrow.parquet as pq

    fitted = usecases.find(version.lineage.usecase).load_model(version.model)
    decide = decision_at(version.lineage.threshold)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(CHUNK):
            yield _predict(batch.to_pandas(), fitted, decide, names)


def _predict(
    rows: pd.DataFrame, fitted: Model, decide: Decision, names: tuple[str, ...]
) -> tuple[pd.DataFrame, pd.Series]:
    """Return the output's columns and each row's class; rows without a score stay empty."""
    scored = rows["scored"].to_numpy(dtype=bool)
    scores = np.full((len(rows), len(names)), np.nan)
    number = pd.Series(pd.NA, index=rows.index, dtype="Int8")
    if scored.any():
        scores[scored] = fitted.predict(rows[scored])
        number[scored] = decide.classes(scores[scored]).astype(np.int8)
    columns = {"id": rows["shown"], "prediction": _named(number, names)}
    for column, name in enumerate(names):
        columns[f"score_{name}"] = pd.Series(scores[:, column], index=rows.index)
    return pd.DataFrame(columns | {"reason": rows["reason"]}), number


def _named(number: pd.Series, names: tuple[str, ...]) -> pd.Series:
    if numbers := numbered(names):
        return number.map(dict(enumerate(numbers))).astype("Int64")
    return number.map(dict(enumerate(names))).astype("object")


def numbered(names: tuple[str, ...]) -> list[int]:
    """Return the classes as numbers if all are called by one, written as Python writes it."""
    numbers = [int(name) for name in names if NUMBER.fullmatch(name)]
    return numbers if len(numbers) == len(names) else []
