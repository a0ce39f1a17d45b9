"""Which processes work on the project, by its locks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vouch.core.errors import VouchError
from vouch.operate.record import running
from vouch.project.paths import STATE

LOCKS = STATE / "locks"
"""The folder of the project's locks. They stay: who waits for one waits for that very file."""
ALWAYS = ("run", "server")
"""The locks without which nothing begins."""
SHORT = ("inputs",)
"""Locks that are held for a single write, by whoever writes."""
AT_WORK = "a run is at work on this project ({})"


@contextmanager
def nobody_else(root: Path) -> Iterator[None]:
    """Keep everything else from working on the project.

    Args:
        root: The project's folder.

    Raises:
        VouchError: Something is at work.
    """
    check_idle(root)
    folder = root / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    names = {*ALWAYS, *(file.stem for file in folder.glob("*.lock"))} - {*SHORT}
    with ExitStack() as held:
        for name in sorted(names):
            try:
                held.enter_context(FileLock(folder / f"{name}.lock").acquire(timeout=1))
            except Timeout:
                raise VouchError(AT_WORK.format(name), "end it first") from None
        yield


def check_idle(root: Path) -> None:
    """Check that nothing is at work on the project.

    Raises:
        VouchError: Something is.
    """
    if who := busy(root):
        raise VouchError(who, "end it first")


def at_work(root: Path) -> list[str]:
    """Name the locks of the project that a living process holds.

    The system gives a lock back when its process ends, however it ends; a file that is left is no
    lock.

    Args:
        root: The project's folder.

    Returns:
        Such as ``run``, ``server`` or ``fraud.tune``, by name.
    """
    return [file.stem for file in sorted((root / LOCKS).glob("*.lock")) if _is_locked(file)]


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
    return AT_WORK.format(", ".join(holders)) if holders else ""
