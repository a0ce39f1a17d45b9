"""The label stage: silver rows to issued labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb

from vouch.core import parquet
from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.engine import connect, write_parquet
from vouch.labels.issues import issues
from vouch.labels.reviews import batches
from vouch.labels.reviews import reviews as decisions
from vouch.results.label import Issued, Labelled, Rule
from vouch.sources.declaration import Declaration, load_declaration
from vouch.stages.label.history import history
from vouch.stages.label.params import LabelParams
from vouch.usecases import find
from vouch.usecases.classes import class_names, reviewed_words

if TYPE_CHECKING:
    from ibis import Table
    from ibis.expr.types import IntegerScalar


def label(
    *,
    declaration: Path,
    rows: Path,
    reviews: Path,
    labels: Path,
    summary: Path,
    params: LabelParams,
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
        progress: Called after each part.

    Returns:
        What it wrote to ``summary``.

    Raises:
        VouchError: The rule's condition is wrong.
    """
    source = load_declaration(declaration)
    progress(0, 2, "issuing labels")
    with connect() as engine:
        decided = decisions(reviews, source.name, reviewed_words(source))
        issued = issues(
            engine.read_parquet(rows), source, find(source.usecase), params.use, decided
        )
        order = ["issued_at", "entity", "source", "label", "actor"]
        try:
            write_parquet(issued.order_by(order), labels)
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise  # a disk's or a machine's trouble
        except duckdb.Error as error:
            if damaged := next(parquet.check(rows, rows=True), None):
                raise damaged from None
            raise _unusable(declaration, source, error) from None
        progress(1, 2, "counting labels")
        issued, classes = engine.read_parquet(labels), class_names(source)
        by_source = _by_source(issued, classes)
        by_month = history(engine.read_parquet(rows), issued, classes)
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


def _unusable(path: Path, source: Declaration, error: Exception) -> VouchError:
    rule = source.rule.name if source.rule else "none"
    reason = str(error).strip().splitlines()[0]
    return VouchError(f"{path}: rule {rule!r} or truth cannot be computed: {reason}", "mend it")


def _by_source(labels: "Table", classes: tuple[str, ...]) -> dict[str, Issued]:
    counts = labels.group_by("source").aggregate(
        issues=labels.count(),
        **_by_class(labels, classes),
        entities=labels.entity.nunique(),
        first=labels.issued_at.min().cast("string"),
        last=labels.issued_at.max().cast("string"),
        in_force=labels.in_force.any(),
    )
    rows = counts.to_pyarrow().to_pylist()
    return {row.pop("source"): _nested(row, classes) for row in rows}


def _by_class(labels: "Table", classes: tuple[str, ...]) -> "dict[str, IntegerScalar]":
    return {f"class {number}": (labels.label == number).sum() for number in range(len(classes))}


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
