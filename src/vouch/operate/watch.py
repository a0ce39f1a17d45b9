"""The watcher of ``vouch up``: says at once that new rows or decisions lie in the inbox."""

import time
from pathlib import Path

from vouch.core.errors import VouchError, one_line
from vouch.core.output import write
from vouch.operate import folders
from vouch.operate.events import REVIEWED, ROWS, emit
from vouch.operate.exchange import new_files
from vouch.project.inputs import INPUTS, load_inputs

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
    while True:
        try:
            look(Path(), told, time.monotonic())
        except (VouchError, OSError) as error:
            write(one_line(error), error=True)
        time.sleep(EVERY)


if __name__ == "__main__":
    main()
