"""The folders of incoming and outgoing files while ``vouch up`` runs."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

INBOX = "data/inbox/{usecase}"
TO_SCORE = f"{INBOX}/score"
"""Rows to be scored."""
ROWS = f"{INBOX}/rows"
"""Raw files of new rows, to learn from."""
REVIEWS = f"{INBOX}/reviews"
"""Files that reviewers decided."""
DONE = "done"
"""Folder beside rows and reviewers' files for those that are recorded."""
ERROR = ".error.txt"
"""How the name of the note ends that says why the file of the name before was refused."""
SCORES = "data/outbox/{usecase}/scores"
NEW_ROWS = "data/outbox/{usecase}/new_rows.csv"
"""The rows that no model has learned from yet, with the champion's scores."""
CASES = "data/outbox/{usecase}/cases"
"""Cases for reviewers, a file a day."""
PARTIAL = (".part", ".partial", ".tmp", ".crdownload", ".swp")
"""How names end while a file is still being written."""
REST = 5.0
"""Seconds for which nothing may have been written to a file that has arrived whole."""


def arrived(folder: Path) -> list[Path]:
    """List the files of a folder, by name.

    Hidden ones, those still being written by their name, and notes on refused ones are left out.
    """
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and not path.name.endswith(ERROR)
        and path.suffix.lower() not in PARTIAL
    )


def at_rest(paths: Iterable[Path]) -> list[Path]:
    """Return those files that nobody is writing.

    They have not changed for ``REST`` seconds, and no process of this user has one open for
    writing.
    """
    now = time.time()
    # the time of change, not of modification: a copy may set the latter to the original's
    still = [path for path in paths if _is_still(path, now)]
    written = _being_written() if still else set()
    return [path for path in still if path.resolve() not in written]


def _is_still(path: Path, now: float) -> bool:
    try:
        return not 0 <= now - path.stat().st_ctime < REST
    except FileNotFoundError:  # it has gone meanwhile
        return False


def _being_written() -> set[Path]:
    """Return the files open for writing, of the processes that we may look into (Linux)."""
    result = set()
    for place in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            flags = (place.parents[1] / "fdinfo" / place.name).read_text().split("flags:")[1]
            if int(flags.split()[0], 8) & os.O_ACCMODE:
                result.add(place.readlink())
        except (OSError, IndexError):
            continue
    return result
