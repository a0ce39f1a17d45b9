"""Where heads of the ledger's chain stand outside the ledger, and the file that git keeps of them.

A ledger that was emptied, cut short or replaced cannot be told from a fresh one by itself. So the
head of its chain is recorded wherever an answer leaves it: in ``data/holdouts.json``, which
belongs into git, the promotion log, MLflow's tags, each version's lineage and ``evaluation.json``.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import ValidationError
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from vouch.core import tracking
from vouch.core.database import read_rows
from vouch.core.errors import PassingError, VouchError
from vouch.core.settings import describe
from vouch.holdout.chain import Recorded
from vouch.results.holdouts import Forgotten, Head, Holdouts

TRACKED = Path("data/holdouts.json")
"""The tracked file, below the project's folder."""
TAG = "vouch.ledger_head"
"""The tag of MLflow's versions that holds a head."""
LINEAGES = f"{tracking.ARTIFACTS}/*/models/*/artifacts/evidence/lineage.json"
PROJECT = Path("data/inputs.yaml")
"""What only a project has: elsewhere nothing is tracked."""
TAGGED = "SELECT name, version, value FROM model_version_tags WHERE key = ? ORDER BY 1, 2"
PROMOTED = "SELECT name, to_version, ledger_head FROM promotions WHERE ledger_head IS NOT NULL"


def load(state: Path) -> Holdouts:
    """Read the tracked file; an empty one where there is none.

    Raises:
        VouchError: It is damaged.
    """
    path = state.parent / TRACKED
    if not path.exists():
        return Holdouts()
    try:
        return Holdouts.read(path)
    except VouchError as error:
        merging = b"<<<<<<<" in path.read_bytes()
        hint = f"end the merge: git checkout --ours {TRACKED}, if the ledger here is yours"
        raise PassingError(str(error), hint if merging else f"git checkout {TRACKED}") from None


def recorded(state: Path, session: Session) -> list[Recorded]:
    """Return the heads recorded in the project, but for those of forgotten ledgers.

    A tracking server's tags are not among them: other projects may write there, too.

    Args:
        state: The project's state folder.
        session: On the store, which holds the promotion log.

    Raises:
        VouchError: A record is damaged.
    """
    tracked = load(state)
    forgotten = {each.head.ledger for each in tracked.forgotten}
    others = [*_promotions(session), *_tags(state), *_files(state)]
    newest = [Recorded(str(TRACKED), tracked.head)] if tracked.head else []
    return newest + [record for record in others if record.head.ledger not in forgotten]


def note(state: Path, head: Head) -> None:
    """Write the newest head to the tracked file; an older one changes nothing.

    Args:
        state: The project's state folder.
        head: A link of the ledger, committed.
    """
    root = state.parent
    if not (root / PROJECT).exists():
        return
    with FileLock(state / "holdouts.lock"):
        tracked = load(state)
        if tracked.head is None or head.number > tracked.head.number:
            tracked.model_copy(update={"head": head}).write(root / TRACKED)


def note_key(state: Path, fingerprint: str) -> None:
    """Write to the tracked file which key is the project's.

    Args:
        state: The project's state folder.
        fingerprint: Tells it from others; or ``LOST``.
    """
    if (state.parent / PROJECT).exists():
        with FileLock(state / "holdouts.lock"):
            load(state).model_copy(update={"key": fingerprint}).write(state.parent / TRACKED)


def forget(state: Path, at: str, who: str) -> None:
    """Note in the tracked file that the ledger is forgotten: what comes next begins another.

    Args:
        state: The project's state folder.
        at: When (ISO, UTC).
        who: Who decided so.
    """
    with FileLock(state / "holdouts.lock"):
        tracked, entries = load(state), list[Forgotten]()
        if tracked.head is not None:
            entries = [Forgotten(head=tracked.head, at=at, who=who)]
        if tracked.head is not None or tracked.key is not None:
            forgotten = Holdouts(forgotten=(*tracked.forgotten, *entries))
            forgotten.write(state.parent / TRACKED)


def _promotions(session: Session) -> Iterator[Recorded]:
    inspector = inspect(session.connection())
    if not inspector.has_table("promotions"):
        return
    if "ledger_head" in {column["name"] for column in inspector.get_columns("promotions")}:
        for name, version, value in session.execute(text(PROMOTED)):
            where = f"the promotion of {name}:{version}"
            yield Recorded(where, Head.parse(value, where))


def _tags(state: Path) -> Iterator[Recorded]:
    for name, version, value in read_rows(tracking.database(state), TAGGED, TAG):
        where = f"MLflow's tag {TAG} of {name}:{version}"
        yield Recorded(where, Head.parse(value, where))


def _files(state: Path) -> Iterator[Recorded]:
    """Yield the heads in evaluations and lineages; who else reads a damaged one says so."""
    root = state.parent
    for path in sorted(root.glob("data/evaluate/*/evaluation.json")):
        where, ledger = str(path.relative_to(root)), _fields(path).get("ledger")
        if isinstance(ledger, dict) and (head := ledger.get("head")):
            yield Recorded(where, _head(head, where))
    for path in sorted(state.glob(LINEAGES)):
        if head := _fields(path).get("ledger_head"):
            where = str(path.relative_to(root))
            yield Recorded(where, Head.parse(head, where))


def _head(fields: object, where: str) -> Head:
    try:
        return Head.model_validate(fields)
    except ValidationError as error:
        raise PassingError(f"{where}: ledger.head.{describe(error)}", "restore it") from None


def _fields(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text())
        return content if isinstance(content, dict) else {}
    return {}
