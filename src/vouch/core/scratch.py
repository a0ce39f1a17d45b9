"""Private folders for what must not stay behind in plain text, not even of a killed process."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

FOLDER, LOCK = "tmp", "lock"


@contextmanager
def scratch(state: Path) -> Iterator[Path]:
    """Make a private folder (mode 700) in the project's state folder, gone afterwards.

    Folders that killed processes left there are removed first. Each user locks its own as long as
    it lives, so nobody else's is taken for one.

    Args:
        state: The project's state folder.

    Yields:
        The folder.
    """
    above = state / FOLDER
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(above / LOCK):
        _sweep(above)
        own = Path(tempfile.mkdtemp(dir=above))
        handle = os.open(own, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        os.close(handle)


def _sweep(above: Path) -> None:
    for path in above.iterdir():
        if path.is_dir() and not path.is_symlink() and not _is_used(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_used(path: Path) -> bool:
    with suppress(FileNotFoundError):  # its user has just removed it
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False
