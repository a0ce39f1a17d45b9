"""The label stage: silver rows to issued labels."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb

from vouch.core import parquet
from vouch.core.cache import NOTHING_KEPT, Cache, key_of
from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.engine import ROW_GROUP, connect, write_parquet
from vouch.labels.issues import COLUMNS, issues
from vouch.labels.reviews import batches
from vouch.labels.reviews import reviews as decisions
from vouch.results.label import Issued, Labelled, Rule
from vouch.sources.declaration import Declaration, load_declaration
from vouch.sources.readers import parquet as parquet_of
from vouch.stages.label import again
from vouch.stages.label.counts import ELSEWHERE, Counts, count, summed
from vouch.stages.label.history import history
from vouch.stages.label.params import LabelParams
from vouch.usecases import find, own_code
from vouch.usecases.classes import class_names, reviewed_words

if TYPE_CHECKING:
    from ibis import Table


def label(
    *,
    declaration: Path,
    rows: Path,
    reviews: Path,
    labels: Path,
    summary: Path,
    params: LabelParams,
    cache: Cache = NOTHING_KEPT,
    progress: Progress = silent,
) -> Labelled:
    """Issue the labels: the rule's at once, the truth's after its delay, people's as decided.

    Args:
        declaration: The source's YAML.
        rows: Silver rows (Parquet), every version.
        reviews: The folder of people's decisions, a Parquet file a collected batch.
        labels: Where the issues go (Parquet, sorted by issued_at, entity, source).
        summary: Where the counts go (JSON).
        params: Which sources of labels are in force.
        cache: Keeps the labels, so that those of new rows alone are issued.
        progress: Called after each part.

    Returns:
        What it wrote to ``summary``.

    Raises:
        VouchError: The rule's condition is wrong.
    """
    source = load_declaration(declaration)
    progress(0, 2, "issuing labels")
    classes = class_names(source)
    with (
        tempfile.TemporaryDirectory(dir=labels.parent, prefix=".label-") as folder,
        connect() as engine,
    ):
        decided = decisions(reviews, source.name, reviewed_words(source)).select(*COLUMNS, "stream")
        work = Work(engine, declaration, source, params, decided, Path(folder))
        # of another package's use case nothing says that a row's labels depend on that row alone
        own = "" if own_code(source.usecase) else key_of("label", _made_of(source, params))
        counts = issue(work, rows, labels, cache, own)
        progress(1, 2, "counting labels")
        by_source = _by_source(counts.values(), classes)
        turned = [turn for each in counts.values() for turn in each["turns"]]
        by_month = history(engine.read_parquet(rows), engine.read_parquet(labels), turned, classes)
    cache.sweep()
    result = Labelled(
        issues=sum(counted["issues"] for counted in by_source.values()),
        by_source=by_source,
        rule=cast(Rule, source.rule.summary()) if source.rule else None,
        history=by_month,
        reviews=[batch.stem for batch in batches(reviews)],
        warnings=_warnings(by_source, classes),
    )
    result.write(summary)
    progress(2, 2, "labels issued")
    return result


def _made_of(source: Declaration, params: LabelParams) -> list[Any]:
    return [source.model_dump(mode="json"), params.model_dump(mode="json")]


@dataclass(frozen=True)
class Work:
    """What the steps of the stage share."""

    engine: Any
    declaration: Path
    source: Declaration
    params: LabelParams
    decided: "Table"
    scratch: Path


def issue(work: Work, rows: Path, labels: Path, cache: Cache, key: str) -> dict[int, Counts]:
    """Write all labels, issued now or kept, and count them by silver's row groups.

    Args:
        work: The engine, the declaration and people's decisions.
        rows: Silver rows.
        labels: Where the labels go.
        cache: What earlier runs kept.
        key: What labels depend on beside rows and decisions; empty: nothing is kept.
    """
    with _told(work, rows):
        now = again.look(work.engine.con, rows, work.engine.to_pyarrow(work.decided))
    entry = cache.get(key) if key else None
    change = again.compare(work.engine.con, entry, now) if entry else None
    if change and change.since is None and change.counts is not None:
        shutil.copyfile(change.labels, labels)
        return change.counts
    counts = _some(work, now, change, labels) if change else _all(work, rows, labels)
    if key:
        again.keep(work.engine.con, cache, key, now, labels, counts, work.scratch)
    return counts


def _all(work: Work, rows: Path, labels: Path) -> dict[int, Counts]:
    """Issue all labels, and count all."""
    issued = _issued(work, rows)
    with _told(work, rows):
        write_parquet(issued.order_by(list(again.ORDER)), labels)
    return _count_all(work, rows, labels)


def _count_all(work: Work, rows: Path, labels: Path) -> dict[int, Counts]:
    current = _current(work, rows, "true")
    return count(work.engine.read_parquet(labels), current, class_names(work.source))


def _some(work: Work, now: again.Now, change: again.Change, labels: Path) -> dict[int, Counts]:
    """Issue the labels that may be others, and count those of the row groups they are of."""
    connection = work.engine.con
    parts = again.affected_parts(connection, now, change)
    rows, fresh = work.scratch / "rows.parquet", work.scratch / "fresh.parquet"
    again.choose(connection, now, change, parts, rows)
    issued = _issued(work, rows)
    with _told(work, now.rows):
        write_parquet(issued, fresh, scratch=True)
    again.write(connection, change, fresh, labels, work.scratch)
    if change.counts is None:
        return _count_all(work, now.rows, labels)
    current = _current(work, now.rows, f"id IN (SELECT entity FROM {parquet_of(fresh)})")
    counted = count(work.engine.read_parquet(fresh), current, class_names(work.source))
    again_counted = {*parts, ELSEWHERE}
    stay = {part: each for part, each in change.counts.items() if part not in again_counted}
    return stay | {part: each for part, each in counted.items() if part in again_counted}


def _issued(work: Work, rows: Path) -> "Table":
    usecase = find(work.source.usecase)
    table = work.engine.read_parquet(rows)
    return issues(table, work.source, usecase, work.params.use, work.decided)


def _current(work: Work, rows: Path, condition: str) -> "Table":
    """Return the rows in force that a condition holds for, with the row group of each."""
    # some of the rows are asked for several times: they are looked for once
    kind = "VIEW" if condition == "true" else "TEMP TABLE"
    work.engine.con.execute(
        f"""CREATE {kind} standing AS
            SELECT * REPLACE (file_row_number // {ROW_GROUP} AS file_row_number)
            FROM {parquet_of(rows, numbered=True)} WHERE superseded_at IS NULL AND {condition}"""
    )
    table = work.engine.table("standing").rename(part="file_row_number")
    return table.select([name for name in ("id", "part", "time") if name in table.columns])


@contextmanager
def _told(work: Work, rows: Path) -> Iterator[None]:
    """Tell what is wrong with a rule, or with the rows, where labels cannot be issued."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise  # a disk's or a machine's trouble
    except (duckdb.Error, ValueError) as error:
        if damaged := next(parquet.check(rows, rows=True), None):
            raise damaged from None
        raise _unusable(work.declaration, work.source, error) from None


def _unusable(path: Path, source: Declaration, error: Exception) -> VouchError:
    rule = source.rule.name if source.rule else "none"
    reason = str(error).strip().splitlines()[0]
    return VouchError(f"{path}: rule {rule!r} or truth cannot be computed: {reason}", "mend it")


def _by_source(counts: Iterable[Counts], classes: tuple[str, ...]) -> dict[str, Issued]:
    return {source: _nested(row, classes) for source, row in summed(counts, classes).items()}


def _nested(row: dict[str, Any], classes: tuple[str, ...]) -> Issued:
    """Put a source's counts of each class together; of two, the second's are its positives."""
    by_class = {name: row.pop(f"class {number}") for number, name in enumerate(classes)}
    counted: Issued = {
        "issues": row["issues"],
        "entities": row["entities"],
        "first": row["first"],
        "last": row["last"],
        "in_force": row["in_force"],
        "by_class": by_class,
    }
    if len(classes) == 2:
        counted["positives"] = by_class[classes[1]]
    return counted


def _warnings(by_source: dict[str, Issued], classes: tuple[str, ...]) -> list[str]:
    if not by_source:
        return ["no labels: the source declares neither a rule nor a label column with values"]
    missing = [] if by_source.keys() - {"rule"} else ["no truth: everything is judged by the rule"]
    # of two classes the first is what everything else is
    names = classes[1:] if len(classes) == 2 else classes
    never = [
        f"{source}: no {name} label"
        for source, row in sorted(by_source.items())
        for name in names
        if not row["by_class"][name]
    ]
    return missing + never
