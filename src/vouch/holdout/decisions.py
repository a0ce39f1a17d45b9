"""People's decisions on rows of the holdout, sealed as they are stored; nothing else opens them.

A batch is immutable and named by the digest of what is stored, so a decision stays sealed for good;
once its row is not held out any more, extract opens it and the model learns from it.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vouch.core.errors import VouchError
from vouch.holdout import sealed as box
from vouch.labels.issues import HELD
from vouch.labels.reviews import DecisionWords, numbered

OPENED = ("label", "class_name", "confidence", "comment")
"""What is sealed of a decision: all that tells which class it is for."""
BLOCK = 512
"""Bytes that a sealed decision has, or a multiple where its comment is long."""
BOUND = ("entity", "case", "actor")
"""What a sealed decision belongs to: it cannot be moved to another."""


def seal_decisions(state: Path, table: pa.Table) -> pa.Table:
    """Encrypt the decisions on rows of the holdout; the same ones and key give the same bytes.

    Args:
        state: The project's state folder, where the key is made on first use.
        table: Decisions, in the columns of :data:`vouch.labels.reviews.SCHEMA`.
    """
    rows = table.to_pylist()
    if not any(row["stream"] == HELD for row in rows):
        return table
    key = box.make_key(state)
    for row in rows:
        if row["stream"] == HELD and row["sealed"] is None:
            row["sealed"] = _seal(key, {name: row[name] for name in OPENED}, _bound(row))
            row.update(dict.fromkeys(OPENED))
    return pa.Table.from_pylist(rows, table.schema)


def open_decisions(state: Path, table: pa.Table) -> pa.Table:
    """Decrypt the sealed ones of some decisions.

    Args:
        state: The project's state folder.
        table: Decisions or issues, with ``sealed`` and what each is bound to; those of ``OPENED``
            that it has are filled.

    Returns:
        The same rows; those that were not sealed, such as an earlier release's, as they are.

    Raises:
        VouchError: There is no key, or it is not the one they were sealed with.
    """
    if not pc.any(pc.is_valid(table["sealed"])).as_py():
        return table
    key, rows = _key(state), table.to_pylist()
    for row in rows:
        if row["sealed"] is not None:
            row.update(_opened(key, row, state))
    return pa.Table.from_pylist(rows, table.schema)


def seal_answer(state: Path, answer: dict[str, Any], bound: Sequence[str]) -> bytes:
    """Encrypt what a person said of a row of the holdout, before it is collected.

    Args:
        state: The project's state folder, where the key is made on first use.
        answer: All that tells which class it is for.
        bound: What the answer belongs to: it cannot be moved to another.
    """
    return _seal(box.make_key(state), answer, bound)


def open_answer(state: Path, sealed: bytes, bound: Sequence[str]) -> dict[str, Any]:
    """Decrypt what :func:`seal_answer` returned.

    Raises:
        VouchError: There is no key, or it is not the one it was sealed with.
    """
    return _open(_key(state), sealed, bound, bound[0], state)


def open_issues(state: Path, issues: pa.Table, words: DecisionWords) -> pa.Table:
    """Decrypt the issues of decisions on held-out rows, each with its class's present number.

    Args:
        state: The project's state folder.
        issues: In the columns of :data:`vouch.labels.issues.COLUMNS`, and maybe others.
        words: What the words for classes mean by now.

    Raises:
        VouchError: See :func:`open_decisions`; or a decision for a class that the source has no
            more.
    """
    named = issues.append_column("class_name", pa.nulls(issues.num_rows, pa.string()))
    opened = open_decisions(state, named)
    return numbered(opened, words, Path("people's decisions")).drop_columns("class_name")


def _key(state: Path) -> bytes:
    try:
        return box.read_key(state)
    except VouchError as error:
        hint = f"bring the {box.KEY} back from a backup or a colleague: nothing else opens them"
        message = f"{error}; people's decisions on rows of the holdout are sealed with it"
        raise VouchError(message, hint) from None


def _opened(key: bytes, row: dict[str, Any], state: Path) -> dict[str, Any]:
    opened = _open(key, row["sealed"], _bound(row), row["case"], state)
    return {name: value for name, value in opened.items() if name in row}


def _seal(key: bytes, content: dict[str, Any], bound: Sequence[str]) -> bytes:
    plain = _padded(json.dumps(content, sort_keys=True).encode())
    return box.encrypt(key, plain, [name.encode() for name in bound])


def _open(
    key: bytes, sealed: bytes, bound: Sequence[str], case: str, state: Path
) -> dict[str, Any]:
    try:
        plain = box.decrypt(key, sealed, [name.encode() for name in bound])
    except box.NotOursError:
        raise VouchError(
            f"case {case!r}: the decision on a row of the holdout was changed, or sealed "
            f"with another key than {state / box.KEY}",
            f"bring back the {box.KEY} it was sealed with",
        ) from None
    content: dict[str, Any] = json.loads(plain)
    return content


def _padded(content: bytes) -> bytes:
    """Return JSON with blanks behind it: its length would tell the class's name."""
    return content.ljust(math.ceil(len(content) / BLOCK) * BLOCK)


def _bound(row: dict[str, Any]) -> list[str]:
    return [str(row[name]) for name in BOUND]
