"""Lineage in both directions: from a version to its inputs, from a file to its versions."""

import math
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Required, TypedDict

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256
from vouch.holdout.blind import status
from vouch.registry.approval import decisions
from vouch.registry.digests import dvc_digest, relative
from vouch.registry.promotions import as_dict, entries_of, history
from vouch.registry.versions import Version, names, parse, versions
from vouch.results.evaluate import KINDS, Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.lineage import Issuer, Lineage
from vouch.sources.readers import parquet

SHORTEST = 6  # digits that identify a digest
CARRIED = {
    "usecase",
    "source",
    "set",
    "generation",
    "as_of",
    "boundary",
    "until",
    "holdout_id",
    "rows",
    "positives",
}
"""What a version's lineage takes from extract's result as it stands."""


def collect(
    *,
    train: Path,
    labels: Path,
    reviews: list[str],
    extracted: Extracted,
    ingested: Ingested,
    model: Path,
    evaluation: Evaluation,
    digests: dict[str, str],
    git_commit: str,
) -> Lineage:
    """Return what a model was made from.

    Args:
        train: Its training rows.
        labels: The label issues.
        reviews: Names of the batches of people's decisions among them.
        extracted: Extract's summary.
        ingested: Ingest's summary.
        model: Its folder.
        evaluation: Evaluate's result.
        digests: Path to DVC digest of each of its files.
        git_commit: The code it was made with.

    Returns:
        Its lineage, the same for the same files.
    """
    return Lineage(
        **extracted.model_dump(include=CARRIED),
        raw_files=ingested.files,
        digests=digests,
        labels=_issuers(labels, train, extracted),
        reviews=reviews,
        features=[feature["name"] for feature in extracted.features],
        candidate=read_json(model / "candidate.json")["candidate"],
        threshold=evaluation.cut,
        metrics=metrics(evaluation),
        ledger_question=evaluation.holdout["question"],
        holdout_status=evaluation.holdout["status"],
        ledger_head=_ledger_head(evaluation),
        git_commit=git_commit,
        blind=evaluation.blind,
        frozen=evaluation.frozen,
    )


def _ledger_head(evaluation: Evaluation) -> str | None:
    head = evaluation.ledger.get("head") if evaluation.ledger else None
    return str(head) if head else None


def _issuers(labels: Path, train: Path, extracted: Extracted) -> list[Issuer]:
    """Count the issues on training rows by who made them, as far as they were known.

    Positives are counted for two classes only.
    """
    import duckdb

    two = len(extracted.classes) <= 2
    positives = "count(*) FILTER (label = 1) AS positives," if two else ""
    query = f"""
        SELECT source, actor, count(*) AS issues, {positives}
            min(issued_at)::VARCHAR AS first, max(issued_at)::VARCHAR AS last
        FROM {parquet(labels)} AS issue SEMI JOIN {parquet(train)} AS row
            ON issue.entity = row.id
        WHERE in_force AND (issued_at IS NULL OR issued_at <= $as_of::TIMESTAMP)
        GROUP BY ALL ORDER BY ALL
    """
    values = {"as_of": extracted.as_of}
    with duckdb.connect() as connection:
        return connection.execute(query, values).df().to_dict("records")  # type: ignore[return-value]


def metrics(evaluation: Evaluation) -> dict[str, float]:
    """Flatten an evaluation's measured values.

    Args:
        evaluation: Evaluate's result.

    Returns:
        ``<rows>_<kind>_<metric>`` to value, such as ``holdout_truth_average_precision``, with
        ``_low`` and ``_high`` for its interval; what is undefined is left out.
    """
    figures = {}
    for rows, part in (("out_of_fold", evaluation.out_of_fold), ("holdout", evaluation.holdout)):
        for kind in KINDS:
            for metric, value in (part[kind] or {}).items():
                figures.update(_flat(f"{rows}_{kind}_{metric}", value))
    return dict(sorted(figures.items()))


def _flat(name: str, value: Any) -> dict[str, float]:
    parts = {name: value}
    if isinstance(value, dict):
        low, high = value.get("interval") or (None, None)
        parts = {name: value.get("value"), f"{name}_low": low, f"{name}_high": high}
    return {k: float(v) for k, v in parts.items() if _is_number(v)}


def _is_number(value: Any) -> bool:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return numeric and math.isfinite(value)


def visible(version: Version) -> dict[str, float] | dict[str, str]:
    """Return a version's measured values, or that they are withheld.

    Blinded values of another period, or true ones while blind, are no figures to compare with.
    """
    facts = version.lineage
    now = status(version.state, facts.usecase).describe()
    mine, present = facts.blind and facts.blind["period"], now and now["period"]
    if mine == present:
        return facts.metrics
    periods = [f"in blind period {period}" if period else "unblinded" for period in (mine, present)]
    return {"withheld": f"{version} was registered {periods[0]}, its use case is now {periods[1]}"}


class Hit(TypedDict, total=False):
    """A version and the file it was made from, or the problem with the version's own files."""

    version: Required[str]
    file: str
    digest: str
    problem: str


class Story(TypedDict):
    """One version of a row, where it came from, and its label issues."""

    usecase: str
    id: str
    source: str | None
    file: str | None
    line: int | None
    arrived_at: datetime | None
    known_at: datetime | None
    superseded_at: datetime | None
    labels: list[dict[str, Any]]


def of_version(state: Path, version: Version) -> dict[str, Any]:
    """Return a version's inputs, promotions and decisions."""
    return {
        "version": str(version),
        "aliases": list(version.aliases),
        "run_id": version.run_id,
        "origin": version.origin,
        **version.lineage.content(),
        "metrics": visible(version),
        "promotions": [
            as_dict(entry)
            for entry in entries_of(history(state, version.name), version.number, version.model_id)
        ],
        "decisions": decisions(state, version.name, version.number, version.model_id),
    }


def of_digest(state: Path, prefix: str) -> list[Hit]:
    """Find the versions that were made from a file.

    Args:
        state: The project's state folder.
        prefix: The beginning of its SHA-256 (raw files) or MD5 (what DVC tracks).

    Returns:
        ``version``, ``file`` and ``digest`` of each, newest last; ``problem`` for a file where
        a version's own files cannot be trusted to say.
    """
    return [
        hit
        for name in names(state)
        for version in versions(state, name)
        for hit in _hits(version, prefix)
    ]


def _hits(version: Version, prefix: str) -> list[Hit]:
    try:
        facts = version.lineage
    except VouchError as error:  # no reason to hide all the others
        return [{"version": str(version), "problem": str(error)}]
    names = {f["sha256"]: f["name"] for f in facts.raw_files}
    names |= {digest: path for path, digest in facts.digests.items()}
    return [
        {"version": str(version), "file": name, "digest": digest}
        for digest, name in names.items()
        if digest and digest.startswith(prefix)
    ]


def of_row(root: Path, identifier: str) -> list[Story]:
    """Return where a row came from and who labelled it.

    Args:
        root: The project's folder.
        identifier: The row's id.

    Returns:
        Each version of the row that silver holds: use case, raw file, line, times, label issues.
    """
    stories: list[Story] = []
    for rows in sorted((root / "data/silver").glob("*/rows.parquet")):
        usecase = rows.parent.name
        labels = root / f"data/labels/{usecase}/issued/labels.parquet"
        issues = _select(labels, "entity", identifier) if labels.exists() else []
        for row in _select(rows, "id", identifier):
            story: Story = {
                "usecase": usecase,
                "id": identifier,
                "source": row.get("source"),
                "file": row.get("file"),
                "line": row.get("line"),
                "arrived_at": row.get("arrived_at"),
                "known_at": row.get("known_at"),
                "superseded_at": row.get("superseded_at"),
                "labels": issues,
            }
            stories.append(story)
    return stories


def _select(path: Path, column: str, value: str) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as connection:
        query = f'SELECT * FROM {parquet(path)} WHERE "{column}" = ?'
        rows = connection.execute(query, [value]).df()
    return rows.astype(object).where(rows.notna(), None).to_dict("records")  # type: ignore[return-value]


def trace(root: Path, state: Path, subject: str) -> dict[str, Any]:
    """Return the lineage of a version, a file, a digest or a row.

    Args:
        root: The project's folder.
        state: The project's state folder.
        subject: ``NAME:VERSION``, a path, the first 6 or more digits of a digest, or a row's id.

    Raises:
        VouchError: Nothing is known of it.
    """
    if subject and Path(subject).exists():
        return {"path": relative(root, Path(subject)), "versions": _of_path(state, Path(subject))}
    name, colon, _ = subject.rpartition(":")
    if colon and name in names(state):
        return of_version(state, parse(state, subject))
    if rows := of_row(root, subject):
        files = {row["file"] for row in rows if row["file"]}
        return {"id": subject, "rows": rows, "versions": _of_digests(state, sorted(files))}
    if _is_digest(subject) and (hits := of_digest(state, subject.lower())):
        return {"digest": subject.lower(), "versions": hits}
    raise VouchError(
        f"nothing is known of {subject!r}",
        f"give NAME:VERSION (known models: {', '.join(names(state)) or 'none'}), a file, "
        f"{SHORTEST} or more digits of a digest, or a row's id",
    )


def _is_digest(text: str) -> bool:
    return len(text) >= SHORTEST and set(text.lower()) <= set("0123456789abcdef")


def _of_path(state: Path, path: Path) -> list[Hit]:
    digests = [dvc_digest(path)] if path.is_dir() else [sha256(path), dvc_digest(path)]
    return _of_digests(state, digests)


def _of_digests(state: Path, digests: Iterable[str]) -> list[Hit]:
    """Find the versions made from any of some files; a version's problem is listed once."""
    hits: list[Hit] = []
    for digest in digests:
        hits += [hit for hit in of_digest(state, digest) if hit not in hits]
    return hits
