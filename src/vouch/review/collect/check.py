"""Checking decisions against their suite: those that fail are set aside with a reason."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vouch.core.errors import one_line
from vouch.engine import connect
from vouch.labels.issues import HELD
from vouch.review.collect.read import Answer
from vouch.review.names import identity, is_plain
from vouch.review.queue import Case
from vouch.sources.declaration import plain_word
from vouch.sources.readers import parquet, quoted

SUITE = Path("expectations/decisions.json")
SCHEMA = pa.schema(
    [
        ("place", pa.int64()),
        ("case", pa.string()),
        ("known", pa.bool_()),
        ("decision", pa.string()),
        ("label", pa.int8()),
        ("reviewer", pa.string()),
        ("person", pa.string()),
        ("plain", pa.bool_()),
        ("comment_length", pa.int64()),
        ("entity", pa.string()),
        ("own", pa.bool_()),
        ("cells", pa.int64()),
        ("answers", pa.int64()),
        ("written_at", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("out", pa.bool_()),
        ("now", pa.timestamp("us")),
    ]
)
DAY = len("2026-01-31")
SHOWN = 200
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Aside:
    """An answer that is set aside.

    Attributes:
        line: Where it stands.
        case: Its case.
        reviewer: Whose it is.
        reason: What was expected and what was got.
    """

    line: int
    case: str
    reviewer: str
    reason: str


def check(
    root: Path,
    answers: Sequence[Answer],
    cases: Mapping[str, Case],
    labels: Mapping[str, int],
    now: datetime,
) -> dict[int, Aside]:
    """Find the answers that must be set aside.

    Args:
        root: The project's folder, which has the suite.
        answers: Those that are not blank.
        cases: The cases that were put out, by id.
        labels: What a decision may be, in lower case, to the label's number.
        now: Decisions of later are not believed (UTC).

    Returns:
        By the answer's place in ``answers``, why it is set aside.
    """
    table = pa.Table.from_pylist(_rows(answers, cases, labels, now), SCHEMA)
    reasons = _failing(root / SUITE, table, labels) if answers else {}
    return {
        place: Aside(
            answers[place].line,
            one_line(answers[place].case, SHOWN),
            one_line(answers[place].reviewer, SHOWN),
            "; ".join(messages),
        )
        for place, messages in sorted(reasons.items())
    }


def _rows(
    answers: Sequence[Answer], cases: Mapping[str, Case], labels: Mapping[str, int], now: datetime
) -> list[dict[str, Any]]:
    contradictions = _contradictions(answers, labels)
    return [
        {
            "place": place,
            "case": answer.case,
            "known": answer.case in cases,
            "person": identity(answer.reviewer),
            "plain": is_plain(answer.reviewer) and is_plain(answer.comment),
            "comment_length": len(answer.comment),
            "entity": answer.entity,
            "own": answer.case not in cases or _same_row(answer.entity, cases[answer.case].entity),
            "cells": answer.cells,
            **_decision(answer, cases, labels),
            "reviewer": answer.reviewer or None,
            "answers": contradictions.get((answer.case, identity(answer.reviewer)), 1),
            "written_at": answer.decided_at or None,
            "decided_at": moment(answer.decided_at),
            "out": answer.case not in cases or not _early(answer, cases[answer.case].out_at),
            "now": now,
        }
        for place, answer in enumerate(answers)
    ]


def _decision(
    answer: Answer, cases: Mapping[str, Case], labels: Mapping[str, int]
) -> dict[str, Any]:
    """Return what was decided; of a row of the holdout only whether it can be: nobody reads it."""
    label = labels.get(plain_word(answer.decision))
    if answer.case not in cases or cases[answer.case].stream != HELD:
        return {"decision": answer.decision or None, "label": label}
    return {
        "decision": "(sealed)" if answer.decision else None,
        "label": None if label is None else 0,
    }


def _contradictions(
    answers: Sequence[Answer], labels: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """Count a person's different answers to a case where their order in time is unknown."""
    groups: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        groups[answer.case, identity(answer.reviewer)].append(answer)
    return {
        key: len({labels.get(word, word) for word in (plain_word(a.decision) for a in own)})
        for key, own in groups.items()
        if not _ordered(own)
    }


def _ordered(answers: Sequence[Answer]) -> bool:
    """Return whether one person's answers to a case, in a file, follow each other in time."""
    if all(answer.ordered for answer in answers):
        return True
    times = [moment(answer.decided_at) for answer in answers]
    return None not in times and len(set(times)) == len(times)


def _early(answer: Answer, out_at: datetime) -> bool:
    """Return whether a decision precedes its case; a date alone counts as the day's end."""
    when = moment(answer.decided_at)
    if when is not None and len(answer.decided_at) <= DAY:
        return when.date() < out_at.date()
    return when is not None and when < out_at


def decided(answer: Answer, out_at: datetime) -> datetime | None:
    """Return when an answer was decided (UTC), not before its case was put out; None: not said."""
    when = moment(answer.decided_at)
    return None if when is None else max(when, out_at)


def _same_row(written: str, entity: str) -> bool:
    """Compare a row's id as a file has it: an apostrophe keeps a spreadsheet from computing it."""
    return not written or entity.strip() in (written, written.removeprefix("'"))


def moment(text: str) -> datetime | None:
    """Read a time (UTC unless it says otherwise); None where it is none."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None


def _failing(suite: Path, table: pa.Table, labels: Iterable[str]) -> dict[int, list[str]]:
    from vouch.stages.validate import gx_duckdb as gx
    from vouch.stages.validate.stage import load_suite

    expectations = load_suite(suite)
    reasons: dict[int, list[str]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="vouch-") as folder, connect() as engine:
        file = Path(folder) / "decisions.parquet"
        pq.write_table(table, file)
        definition = f"SELECT * FROM {parquet(file)}"
        engine.con.execute(f"CREATE VIEW decisions AS {definition}")
        results = gx.run_suite(Path(folder), "decisions", definition, "place", suite, expectations)
        for expectation, checked in zip(expectations, results, strict=True):
            shows = quoted(expectation["meta"].get("shows", "case"))
            failing = f"SELECT place FROM ({checked.failing})"
            query = f"SELECT place, {shows} FROM decisions WHERE place IN ({failing})"
            for place, got in engine.con.execute(query).fetchall():
                value = repr(got)[:SHOWN] if got else "nothing"
                reasons[place].append(f"expected {_named(expectation, labels)}, got {value}")
    return reasons


def _named(expectation: dict[str, Any], labels: Iterable[str]) -> str:
    notes = str(expectation["meta"].get("notes") or expectation["type"])
    return notes.replace("{labels}", ", ".join(labels))
