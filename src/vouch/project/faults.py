"""Errors of disks, databases and files in two lines: what is wrong, and what to do.

The one place where what the libraries raise is put into words for users; the commands' and the
flows' ``main`` call it.
"""

import errno
import os
import re
import shutil
import sqlite3
import tempfile
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from vouch.core import tracking
from vouch.core.errors import VouchError, show
from vouch.project import damage
from vouch.project.paths import STATE

LOGS = STATE / "errors"
"""Where the traceback of an error stands that nothing here explains."""
ROOM = "make room (vouch reset --cache removes old versions), then run it again"
RIGHTS = "let your user write the project's folder and all in it: ls -ld FILE; chown, chmod"
SYSTEM = {
    errno.ENOSPC: ("the disk is full", ROOM),
    errno.EDQUOT: ("your quota of the disk is used up", ROOM),
    errno.EFBIG: ("is larger than a file may be here", "raise the limit: ulimit -f unlimited"),
    errno.EROFS: ("the disk is read-only", "mount it for writing, or copy the project elsewhere"),
    errno.EACCES: ("permission denied", RIGHTS),
    errno.EPERM: ("permission denied", RIGHTS),
    errno.ENOTDIR: ("a file is where a folder must be", "move it away, then run it again"),
    errno.EISDIR: ("a folder is where a file must be", "move it away, then run it again"),
    errno.EEXIST: ("is in the way of what is to be written", "move it away, then run it again"),
    errno.EIO: ("the disk cannot be read or written", "check the disk; then: vouch doctor"),
    errno.EMFILE: ("too many files are open", "raise the limit: ulimit -n 4096"),
    errno.ENAMETOOLONG: ("its name is too long", "move the project to a shorter path"),
    errno.ENOMEM: ("not enough memory", "end other programs, or take fewer rows"),
}
"""What the operating system's errors mean, and what to do."""
FULL = 1 << 20
"""A disk with fewer bytes free is called full."""


def report(error: Exception, root: Path) -> int:
    """Print an error on standard error in two lines.

    Args:
        error: Any.
        root: The project's folder: its files are searched for damage, and its state folder takes
            the traceback of what is not understood.

    Returns:
        The exit code, 1.
    """
    if isinstance(error, VouchError):
        return show(error)
    return show(explain(error, root) or _unexpected(error, root))


def explain(error: BaseException, root: Path) -> VouchError | None:
    """Return what an error of a library means, or None if that is not known.

    Args:
        error: The error; those that it came from are looked at too.
        root: The project's folder.
    """
    chain = list(_causes(error))
    if ours := next((cause for cause in chain if isinstance(cause, VouchError)), None):
        return ours
    for rule in (_database, _memory, _table, _system, _mlflow, _dvc, _missing):
        for cause in chain:
            if meaning := rule(cause, root):
                return meaning
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    at: BaseException | None = error
    while at is not None:
        yield at
        hidden = None if at.__suppress_context__ else at.__context__
        at = at.__cause__ or getattr(at, "orig", None) or hidden


def _is(error: BaseException, *names: str) -> bool:
    """Return whether an error is of a class, without importing the library that has it."""
    kinds = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return bool(kinds & set(names))


def _line(error: BaseException) -> str:
    """Return an error's first line that is not empty."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _database(error: BaseException, root: Path) -> VouchError | None:
    if not isinstance(error, sqlite3.DatabaseError):
        return None
    message = str(error)
    for words, meaning in DATABASE.items():
        if words in message:
            return meaning(root)
    return next(damage.databases(root), None)


def _damaged(root: Path) -> VouchError:
    doubtful = VouchError(f"{root / STATE}: a database is damaged", "vouch doctor")
    return next(damage.databases(root), doubtful)


def _full(root: Path) -> VouchError:
    """Return which disk is full: the project's, or that of temporary files."""
    places = (root.resolve(), Path(tempfile.gettempdir()))
    full = next((p for p in places if _is_full(p)), places[0])
    return VouchError(f"{full}: the disk is full", ROOM)


def _is_full(place: Path) -> bool:
    return shutil.disk_usage(place).free < FULL


def _failing(root: Path) -> VouchError:
    """Return why a database cannot be read or written: SQLite says so of a full disk too."""
    if _is_full(root):
        return _full(root)
    what = f"{root / STATE}: a database cannot be read or written"
    return VouchError(what, "check the disk: df, dmesg")


DATABASE: dict[str, Callable[[Path], VouchError]] = {
    "file is not a database": _damaged,
    "malformed": _damaged,
    "file is encrypted": _damaged,
    "locked": lambda root: VouchError(
        f"{root / STATE}: a database is locked by another process",
        "wait for it or end it (vouch doctor --fix ends what a kill left), then run it again",
    ),
    "readonly database": lambda root: VouchError(
        f"{root / STATE}: a database in it cannot be written", RIGHTS
    ),
    "unable to open database": lambda root: VouchError(
        f"{root / STATE}: a database in it cannot be opened", RIGHTS
    ),
    "disk is full": _full,
    "disk I/O error": _failing,
}
"""What SQLite says, and what it means; it names no file."""


def _mlflow(error: BaseException, root: Path) -> VouchError | None:
    """Explain MLflow's errors, and those of alembic, which keeps the version of its tables."""
    message = _line(error)
    if isinstance(error, ValueError) and "invalid interpolation syntax" in message:
        return next(damage.environment(root), None)
    if not _is(error, "mlflow.MlflowException", "alembic.CommandError"):
        return None
    path = tracking.database(root / STATE)
    if "out-of-date database schema" in message or "Can't locate revision" in message:
        return next(damage.schema(root), damage.outdated(path, message))
    if damaged := next(damage.databases(root), None):
        return damaged
    hint = (
        "restore it in MLflow (mlflow experiments restore, mlflow runs restore), or: vouch doctor"
    )
    return VouchError(f"{os.environ.get('MLFLOW_TRACKING_URI', path)}: {message}", hint)


def _table(error: BaseException, root: Path) -> VouchError | None:
    """Explain errors of DuckDB and Arrow by the file that they come from."""
    if not _is(error, "duckdb.Error", "_duckdb.Error", "pyarrow.ArrowException"):
        return None
    message = _line(error)
    if _is(error, "duckdb.OutOfMemoryException", "_duckdb.OutOfMemoryException"):
        return _memory(MemoryError(), root)
    quoted = re.search(r"[\"'](.+?)[\"']", message)
    place = Path(quoted[1]) if quoted else root
    if "No files found" in message:
        return _absent(Path(re.sub(r"\[(.)\]", r"\1", str(place))), root)
    for code in SYSTEM:
        if os.strerror(code) in message:
            return _full(root) if code == errno.ENOSPC else _of_system(code, place)
    return next(damage.tables(root), None) or next(damage.tables(root, rows=True), None)


def _absent(path: Path, root: Path) -> VouchError:
    """Explain that a file is missing; what the pipeline makes is named as such."""
    near = Path(os.path.relpath(path, root)) if path.is_absolute() else path
    produced = near.parts[:1] in (("data",), (STATE.name,))
    return VouchError(
        f"{near if produced else path}: no such file", damage.PULL if produced else "check it"
    )


def _dvc(error: BaseException, root: Path) -> VouchError | None:
    if not _is(error, "dvc.DvcException", "scmrepo.SCMError"):
        return None
    message = _line(error)
    if _is(error, "dvc.MissingParamsError"):
        return VouchError(message.rstrip("."), f"git checkout {root / 'params.yaml'}, or add them")
    if lost := next(_project(root), None):
        return lost
    return VouchError(f"DVC: {message}", "vouch doctor; then: dvc status")


def _project(root: Path) -> Iterator[VouchError]:
    """Check what DVC needs of a project and rarely reports itself."""
    yield from damage.repository(root)
    yield from damage.lockfile(root)
    yield from damage.missing(root)


def _memory(error: BaseException, _root: Path) -> VouchError | None:
    if not isinstance(error, MemoryError):
        return None
    return VouchError("not enough memory", "end other programs, or take fewer rows")


def _system(error: BaseException, root: Path) -> VouchError | None:
    if not isinstance(error, OSError) or error.errno not in SYSTEM:
        return None
    if error.errno == errno.ENOSPC:
        return _full(root)
    return _of_system(error.errno, _place(error, root))


def _of_system(code: int, place: Path) -> VouchError:
    what, hint = SYSTEM[code]
    return VouchError(f"{place}: {what}", hint.replace("FILE", str(place)))


def _missing(error: BaseException, root: Path) -> VouchError | None:
    if not isinstance(error, FileNotFoundError):
        return None
    return _absent(_place(error, root), root)


def _place(error: OSError, root: Path) -> Path:
    """Return the file that an error is about: Arrow names it only in words."""
    if isinstance(error.filename, str | bytes):
        return Path(os.fsdecode(error.filename))
    quoted = re.search(r"'(.+?)'", str(error))
    return Path(quoted[1]) if quoted else root


def _unexpected(error: Exception, root: Path) -> VouchError:
    """Return an error that nothing here explains, its traceback put into a log."""
    what = f"{type(error).__name__}: {_line(error)}"
    text = "".join(traceback.format_exception(error))
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    log = root / LOGS / f"{moment}.log"
    try:
        if not (root / "dvc.yaml").exists():
            raise FileNotFoundError
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
    except OSError:
        return VouchError(what, "vouch doctor", text.splitlines())
    return VouchError(what, f"vouch doctor finds most causes; where it arose: {log}")
