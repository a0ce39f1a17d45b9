"""Reading decisions: a filled-in table, or Label Studio's export.

Label Studio's format: https://labelstud.io/guide/export (JSON).
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vouch.core.cells import restore
from vouch.core.errors import VouchError, check_utf8, suggest

NEEDED = ("case", "decision", "reviewer")
SUFFIXES = (".csv", ".json")
CONTROL = "decision"
"""What Label Studio calls the choice."""
LONGEST = 10_000_000
"""Seconds an answer may have taken: some months."""
ODD = (AttributeError, TypeError, ValueError, OverflowError, RecursionError)
"""What reading annotations raises that are built otherwise, or hold numbers beyond all bounds."""
CLAIMS = ("gold", "ground_truth", "lead", "final")
"""Claims a file makes of its own answers; only params.yaml says whose decision is final."""


@dataclass(frozen=True)
class Answer:
    """A file's answer to a case, as it was written.

    Attributes:
        line: The line of a table, or the task's place in an export, from 1.
        case: The case's id.
        decision: The label as it was written; empty where there is none.
        reviewer: Who decided; empty where it does not say.
        comment: What they wrote.
        decided_at: When, as it was written; empty: now.
        seconds: How long they took, or None.
        entity: The row's id as the file has it; empty where it does not say.
        cells: Cells beyond the table's columns.
        ordered: Whether of a person's answers to a case the later one in the file is the newer.
        annotation: Label Studio's ids of task and annotation, ``task/annotation``, or None.
        unique_id: Label Studio's unique id of the annotation, or that of an answer of the page.
        via: ``page`` where the reviewer was logged in, ``file`` where a file names them.
        final: Whether a lead settled the case with it, on the page.
    """

    line: int
    case: str
    decision: str
    reviewer: str
    comment: str = ""
    decided_at: str = ""
    seconds: float | None = None
    entity: str = ""
    cells: int = 0
    ordered: bool = False
    annotation: str | None = None
    unique_id: str | None = None
    via: Literal["file", "page"] = "file"
    final: bool = False

    @property
    def blank(self) -> bool:
        """Whether nobody has been at this case yet."""
        return not self.decision and not self.reviewer


@dataclass(frozen=True)
class Reading:
    """A file of decisions.

    Attributes:
        answers: Every answer, blank ones too, in the file's order.
        ignored: Claims of the file that are not believed, a sentence each.
        waiting: Decisions of the page that wait for a second person's.
    """

    answers: list[Answer]
    ignored: list[str]
    waiting: int = 0


def read_answers(path: Path) -> Reading:
    """Read every answer of a file.

    Args:
        path: ``.csv`` (comma or semicolon) or ``.json``.

    Raises:
        VouchError: No such file, another format, a column is missing or there twice, or an export
            has no control of ours.
    """
    if not path.is_file():
        names = [p.name for p in path.parent.glob("*") if p.suffix.lower() in SUFFIXES]
        raise VouchError(f"{path}: no such file", suggest(path.name, names))
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
        return reader(path, text)
    except csv.Error as error:
        raise VouchError(f"{path}: not CSV ({error})", "save it as CSV again") from None


def _table(path: Path, text: str) -> Reading:
    head = text.partition("\n")[0]
    # spreadsheets of many countries write semicolons
    mark = ";" if head.count(";") > head.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    names = list(rows.fieldnames or ())
    for column in NEEDED:
        if column not in names:
            raise VouchError(f"{path}: no column {column!r}", suggest(column, names))
    _check_once(path, names)
    answers = [_row(rows.line_num, row) for row in rows]
    return Reading(answers, [_not_believed(f"column {name!r}") for name in CLAIMS if name in names])


def _check_once(path: Path, names: list[str]) -> None:
    """Refuse a table that has one of our columns twice: either may be the filled-in one."""
    ours = (*NEEDED, "entity", "comment", "decided_at")
    for column, times in Counter(names).items():
        if column in ours and times > 1:
            raise VouchError(
                f"{path}: column {column!r} is there {times} times", "keep the one that counts"
            )


def _row(line: int, row: dict[str | None, Any]) -> Answer:
    more = row.pop(None, None) or []
    cells = {str(name): str(restore(value or "")).strip() for name, value in row.items()}
    return Answer(
        line=line,
        case=cells["case"],
        decision=cells["decision"],
        reviewer=cells["reviewer"],
        comment=cells.get("comment", ""),
        decided_at=cells.get("decided_at", ""),
        entity=cells.get("entity", ""),
        cells=len(more),
    )


def _not_believed(what: str) -> str:
    return f"{what}: whose decision is final is said in params.yaml alone (collect.<usecase>.leads)"


def _export(path: Path, text: str) -> Reading:
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number of too many digits
        raise VouchError(f"{path}: not JSON ({error})", "export it again as JSON") from None
    if not isinstance(tasks, list):
        raise VouchError(f"{path}: not a list of tasks", "export as JSON, not as JSON-MIN or CSV")
    answers: list[Answer] = []
    for place, task in enumerate(tasks, start=1):
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise VouchError(f"{path}: task {place}: has no data", "export it again as JSON")
        try:
            own = list(_answers(place, task))
        except ODD as error:
            raise VouchError(
                f"{path}: task {place}: annotations are not Label Studio's ({error})",
                "export it again as JSON",
            ) from None
        _check_text(path, own)
        answers += own
    _check_control(path, tasks)
    return Reading(answers, list(_ignored(tasks)))


def _check_text(path: Path, answers: list[Answer]) -> None:
    """Refuse half a surrogate pair, which JSON can write and no table can hold."""
    for answer in answers:
        for name, value in vars(answer).items():
            message = f"{path}: task {answer.line}: {name}: {value!r} is no Unicode text"
            check_utf8(value if isinstance(value, str) else "", message, "export it again as JSON")


def _ignored(tasks: list[dict[str, Any]]) -> Iterator[str]:
    annotations = [annotation for task in tasks for annotation in _annotations(task)]
    if claims := sum(bool(annotation.get("ground_truth")) for annotation in annotations):
        yield _not_believed(f"ground_truth of {claims} annotations")
    took = [annotation.get("lead_time") for annotation in annotations]
    if wrong := sum(time is not None and _seconds(time) is None for time in took):
        yield f"lead_time of {wrong} annotations: not 0 to {LONGEST:,} seconds"


def _seconds(took: Any) -> float | None:
    """Read how long an answer took; None where no person can have taken that long."""
    if took is None:
        return None
    seconds = float(took)
    return seconds if 0 <= seconds <= LONGEST else None


def _check_control(path: Path, tasks: list[dict[str, Any]]) -> None:
    """Refuse an export whose choices are all of other controls than ours."""
    controls = {
        str(result.get("from_name"))
        for task in tasks
        for annotation in _annotations(task)
        for result in annotation.get("result") or ()
        if result.get("type") == "choices"
    }
    if controls and CONTROL not in controls:
        raise VouchError(
            f"{path}: no choices of the control {CONTROL!r}; there are: "
            + ", ".join(map(repr, sorted(controls))),
            "use the labeling interface that vouch enqueue writes beside the tasks (.xml)",
        )


def _annotations(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [a for a in task.get("annotations") or () if not a.get("was_cancelled")]


def _answers(place: int, task: dict[str, Any]) -> Iterator[Answer]:
    annotations = _annotations(task)
    yield from (_annotation(place, task, annotation) for annotation in annotations)
    if not annotations:
        yield Answer(place, str(task["data"].get("case", "")), "", "")


def _annotation(place: int, task: dict[str, Any], annotation: dict[str, Any]) -> Answer:
    by = annotation.get("completed_by")
    who = (by.get("email") or by.get("id") or "") if isinstance(by, dict) else by
    chosen = [
        choice
        for result in annotation.get("result") or ()
        if result.get("type") == "choices" and result.get("from_name") == CONTROL
        for choice in result.get("value", {}).get("choices", ())
    ]
    number, unique = annotation.get("id"), annotation.get("unique_id")
    return Answer(
        place,
        str(task["data"].get("case", "")),
        decision=" and ".join(map(str, chosen)),
        reviewer="" if who is None else str(who),
        decided_at=str(annotation.get("updated_at") or annotation.get("created_at") or ""),
        seconds=_seconds(annotation.get("lead_time")),
        entity=str(task["data"].get("entity") or ""),
        ordered=True,
        annotation=None if number is None else f"{task.get('id')}/{number}",
        unique_id=None if unique is None else str(unique),
    )
