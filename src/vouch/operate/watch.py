"""The watcher of ``vouch up``: says at once that new rows or decisions lie in the inbox.

Where enough decisions wait, it says so until a retraining has begun.
"""

import time
from contextlib import suppress
from pathlib import Path

from vouch.core.errors import VouchError, one_line
from vouch.core.output import write
from vouch.labels.reviews import batches
from vouch.operate import folders
from vouch.operate.enough import untried
from vouch.operate.events import ENOUGH, REVIEWED, ROWS, emit
from vouch.operate.exchange import new_files
from vouch.operate.locks import at_work
from vouch.project.inputs import INPUTS, load_inputs
from vouch.project.stages import REVIEWS

EVERY = 2.0
"""Seconds between two looks."""
AGAIN = 60.0
"""Seconds after which a file that still lies there is told again: a run may just have ended."""
SOON = 10.0
"""Seconds after which it is told again when no server answered."""
INBOXES = {ROWS: folders.ROWS, REVIEWED: folders.REVIEWS}
"""The event about each inbox."""
Told = dict[tuple[Path, int], float]
"""When each file was last told, by path and time of change."""
Calls = dict[tuple[str, int], tuple[float, float]]
"""When a retraining was first and last called for, by use case and number of batches."""


def look(root: Path, told: Told, now: float) -> list[str]:
    """Emit an event for each inbox that has new files.

    Args:
        root: The project's folder.
        told: What was told before; brought up to date.
        now: Seconds of a clock that never goes back.

    Returns:
        The use cases whose event reached the server, once for each event.
    """
    reached = []
    for usecase in load_inputs(root / INPUTS).usecases:
        for event, inbox in INBOXES.items():
            try:
                files = new_files(root, usecase, inbox)
                due = _due([(path, path.stat().st_ctime_ns) for path in files], told, now)
            except (VouchError, OSError) as error:  # one inbox keeps no other from being told of
                _complain(root / inbox.format(usecase=usecase), error, told, now)
                continue
            if not due:
                continue
            heard = emit(root, event, usecase, {"files": len(due)})
            told.update(dict.fromkeys(due, now if heard else now - AGAIN + SOON))
            reached += [usecase] * heard
    return reached


def call(root: Path, calls: Calls, now: float) -> list[str]:
    """Emit that there are enough labels, for each use case where no retraining has tried them.

    What was collected has said so already, so the first time is a while after that; each further
    one comes after twice the time.

    Args:
        root: The project's folder.
        calls: When was looked and called before; brought up to date.
        now: Seconds of a clock that never goes back.

    Returns:
        The use cases whose event reached the server.
    """
    reached = []
    for usecase in load_inputs(root / INPUTS).usecases:
        with suppress(VouchError, OSError):  # of one: the run that meets it names what is damaged
            reached += [usecase] * _call(root, usecase, calls, now)
    return reached


def _call(root: Path, usecase: str, calls: Calls, now: float) -> bool:
    files = batches(root / REVIEWS.format(usecase=usecase))
    key = usecase, len(files)
    first, last = calls.setdefault(key, (now, now))
    if not files or now - last < max(AGAIN, last - first) or "run" in at_work(root):
        return False
    calls[key] = (first, now)
    waiting = untried(root, usecase)
    if not waiting:
        calls[key] = (now, now)
    return bool(waiting) and emit(root, ENOUGH, usecase, {"since_training": waiting})


def _complain(inbox: Path, error: Exception, told: Told, now: float) -> None:
    """Write what is wrong with an inbox, once a while."""
    if _due([(inbox, 0)], told, now):
        told[inbox, 0] = now
        write(one_line(error), error=True)


def _due(files: list[tuple[Path, int]], told: Told, now: float) -> list[tuple[Path, int]]:
    return [file for file in files if now - told.get(file, -AGAIN) >= AGAIN]


def main() -> None:
    """Look again and again; a file that vanishes meanwhile or a wrong setting ends no watcher."""
    told: Told = {}
    calls: Calls = {}
    while True:
        try:
            look(Path(), told, time.monotonic())
            call(Path(), calls, time.monotonic())
        except (VouchError, OSError) as error:
            write(one_line(error), error=True)
        time.sleep(EVERY)


if __name__ == "__main__":
    main()
