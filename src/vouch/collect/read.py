"""Reading decisions: a filled-in table, or Label Studio's export.

Label Studio's format: https://labelstud.io/guide/export (JSON).
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vouch.cells import restore
from vouch.errors import VouchError, near

NEEDED = ("case", "decision", "reviewer")
SUFFIXES = (".csv", ".json")


@dataclass(frozen=True)
class Answer:
    """What stands in a file of a case, as it was written.

    Attributes:
        line: The line of a table, or the task's place in an export, from 1.
        case: The case's id.
        decision: The label as it was written; empty where there is none.
        reviewer: Who decided; empty where it does not say.
        comment: What they wrote.
        decided_at: When, as it was written; empty: now.
        seconds: How long they took, or None.
        gold: Whether the file says that it is the known answer.
    """

    line: int
    case: str
    decision: str
    reviewer: str
    comment: str = ""
    decided_at: str = ""
    seconds: float | None = None
    gold: bool = False

    @property
    def blank(self) -> bool:
        """Whether nobody has been at this case yet."""
        return not self.decision and not self.reviewer


def read_answers(path: Path) -> list[Answer]:
    """Read every answer of a file.

    Args:
        path: ``.csv`` (comma or semicolon) or ``.json``.

    Raises:
        VouchError: No such file, another format, or a column is missing.
    """
    if not path.is_file():
        known = [p.name for p in path.parent.glob("*") if p.suffix.lower() in SUFFIXES]
        raise VouchError(f"{path}: no such file", near(path.name, known))
    if path.suffix.lower() not in SUFFIXES:
        raise VouchError(
            f"{path}: neither .csv nor .json", "give the case file or an export of Label Studio"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise VouchError(f"{path}: not UTF-8 ({error})", "save it as UTF-8") from None
    reader = _table if path.suffix.lower() == ".csv" else _export
    try:
        return list(reader(path, text))
    except csv.Error as error:
        raise VouchError(f"{path}: not CSV ({error})", "save it as CSV again") from None


def _table(path: Path, text: str) -> Iterator[Answer]:
    header = text.partition("\n")[0]
    # spreadsheets of many countries write semicolons
    mark = ";" if header.count(";") > header.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    for column in NEEDED:
        if column not in (rows.fieldnames or ()):
            raise VouchError(f"{path}: no column {column!r}", near(column, rows.fieldnames or ()))
    for row in rows:
        cells = {name: str(restore(value or "")).strip() for name, value in row.items() if name}
        yield Answer(
            line=rows.line_num,
            case=cells["case"],
            decision=cells["decision"],
            reviewer=cells["reviewer"],
            comment=cells.get("comment", ""),
            decided_at=cells.get("decided_at", ""),
        )


def _export(path: Path, text: str) -> Iterator[Answer]:
    try:
        tasks = json.loads(text)
    except json.JSONDecodeError as error:
        raise VouchError(f"{path}: not JSON ({error})", "export it again as JSON") from None
    if not isinstance(tasks, list):
        raise VouchError(f"{path}: not a list of tasks", "export as JSON, not as JSON-MIN or CSV")
    for place, task in enumerate(tasks, start=1):
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise VouchError(f"{path}: task {place}: has no data", "export it again as JSON")
        try:
            yield from _answers(place, task)
        except (AttributeError, TypeError, ValueError) as error:
            raise VouchError(
                f"{path}: task {place}: annotations are not Label Studio's ({error})",
                "export it again as JSON",
            ) from None


def _answers(place: int, task: dict[str, Any]) -> Iterator[Answer]:
    case = str(task["data"].get("case", ""))
    given = [a for a in task.get("annotations") or () if not a.get("was_cancelled")]
    yield from (_annotation(place, case, one) for one in given)
    if not given:
        yield Answer(place, case, "", "")


def _annotation(place: int, case: str, given: dict[str, Any]) -> Answer:
    by = given.get("completed_by")
    who = (by.get("email") or by.get("id") or "") if isinstance(by, dict) else by
    took = given.get("lead_time")
    chosen = [
        choice
        for result in given.get("result") or ()
        if result.get("type") == "choices"
        for choice in result.get("value", {}).get("choices", ())
    ]
    return Answer(
        place,
        case,
        decision=" and ".join(map(str, chosen)),
        reviewer="" if who is None else str(who),
        decided_at=str(given.get("updated_at") or given.get("created_at") or ""),
        seconds=None if took is None else float(took),
        gold=bool(given.get("ground_truth")),
    )
