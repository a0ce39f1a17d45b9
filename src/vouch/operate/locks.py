"""Which processes work on the project, by its locks."""

from pathlib import Path

from filelock import FileLock, Timeout

from vouch.operate.record import running
from vouch.project.paths import STATE


def at_work(root: Path) -> list[str]:
    """Name the locks of the project that a living process holds.

    The system gives a lock back when its process ends, however it ends; a file that is left is no
    lock.

    Args:
        root: The project's folder.

    Returns:
        Such as ``run``, ``server`` or ``fraud.tune``, by name.
    """
    return [
        file.stem for file in sorted((root / STATE / "locks").glob("*.lock")) if _is_locked(file)
    ]


def _is_locked(file: Path) -> bool:
    try:
        with FileLock(file).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # of a disk that is read-only: nobody works there
        return False


def busy(root: Path) -> str:
    """Return what is at work on the project; empty if nothing is."""
    if record := running(root):
        return f"vouch up serves this project (process {record.pid})"
    holders = at_work(root)
    return f"a run is at work on this project ({', '.join(holders)})" if holders else ""
