"""Checking decisions against their suite: what fails is set aside by name, the rest is taken."""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vouch.collect.read import Answer
from vouch.engine import connect
from vouch.sources.readers import literal, quoted

SUITE = Path("expectations/decisions.json")
SCHEMA = pa.schema(
    [
        ("place", pa.int64()),
        ("case", pa.string()),
        ("known", pa.bool_()),
        ("decision", pa.string()),
        ("label", pa.int8()),
        ("reviewer", pa.string()),
        ("answers", pa.int64()),
        ("written_at", pa.string()),
        ("decided_at", pa.timestamp("us")),
        ("now", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Aside:
    """An answer that is not taken.

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
    cases: Collection[str],
    labels: Mapping[str, int],
    now: datetime,
) -> dict[int, Aside]:
    """Find the answers that cannot be taken.

    Args:
        root: The project's folder, which has the suite.
        answers: Those that are not blank.
        cases: The cases that were put out.
        labels: What a decision may be, in lower case, to the label's number.
        now: Decisions of later are not believed (UTC).

    Returns:
        By the answer's place in ``answers``, why it is set aside.
    """
    table = pa.Table.from_pylist(_rows(answers, cases, labels, now), SCHEMA)
    reasons = _failing(root / SUITE, table) if answers else {}
    return {
        place: Aside(
            answers[place].line, answers[place].case, answers[place].reviewer, "; ".join(said)
        )
        for place, said in sorted(reasons.items())
    }


def _rows(
    answers: Sequence[Answer], cases: Collection[str], labels: Mapping[str, int], now: datetime
) -> list[dict[str, Any]]:
    given: dict[tuple[str, str], set[int | str]] = defaultdict(set)
    for answer in answers:
        said = answer.decision.lower()  # a class may be told by two words
        given[answer.case, answer.reviewer].add(labels.get(said, said))
    return [
        {
            "place": place,
            "case": answer.case,
            "known": answer.case in cases,
            "decision": answer.decision or None,
            "label": labels.get(answer.decision.lower()),
            "reviewer": answer.reviewer or None,
            "answers": len(given[answer.case, answer.reviewer]),
            "written_at": answer.decided_at or None,
            "decided_at": moment(answer.decided_at),
            "now": now,
        }
        for place, answer in enumerate(answers)
    ]


def moment(text: str) -> datetime | None:
    """Read a time (UTC unless it says otherwise); None where it is none."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None


def _failing(suite: Path, table: pa.Table) -> dict[int, list[str]]:
    from vouch.validate import gx_duckdb as gx
    from vouch.validate.stage import load_suite

    expectations = load_suite(suite)
    reasons: dict[int, list[str]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="vouch-") as folder, connect() as engine:
        file = Path(folder) / "decisions.parquet"
        pq.write_table(table, file)
        definition = f"SELECT * FROM read_parquet({literal(file)})"
        engine.con.execute(f"CREATE VIEW decisions AS {definition}")
        found = gx.run_suite(Path(folder), "decisions", definition, "place", suite, expectations)
        for expectation, checked in zip(expectations, found, strict=True):
            shows = quoted(expectation["meta"].get("shows", "case"))
            failing = f"SELECT place FROM ({checked.failing})"
            query = f"SELECT place, {shows} FROM decisions WHERE place IN ({failing})"
            for place, got in engine.con.execute(query).fetchall():
                said = repr(got) if got else "nothing"
                reasons[place].append(f"expected {_named(expectation)}, got {said}")
    return reasons


def _named(expectation: dict[str, Any]) -> str:
    return str(expectation["meta"].get("notes") or expectation["type"])
