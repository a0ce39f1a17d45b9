"""Digests of data and code: the same ones DVC and git know them by."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


def dvc_digest(path: Path) -> str:
    """Digest a file or folder as DVC does.

    Args:
        path: A file, or a folder (then DVC's digest of the listing, ending in ``.dir``).

    Returns:
        The ``md5`` as in ``dvc.lock`` and ``.dvc`` files.
    """
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db import HashFileDB
    from dvc_objects.fs.local import localfs
    from dvc_objects.fs.memory import MemoryFileSystem

    nowhere = HashFileDB(MemoryFileSystem(global_store=False), "memory://digests")
    _, _, built = build(nowhere, os.fspath(path), localfs, "md5", dry_run=True)
    return str(built.hash_info.value)


def digests(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Digest several files or folders as DVC does.

    Args:
        root: The project's folder.
        paths: What to digest.

    Returns:
        Path, relative to the project where it lies inside, to digest; in the order given.
    """
    return {relative(root, path): dvc_digest(path) for path in paths}


def relative(root: Path, path: Path) -> str:
    """Write a path as seen from the project's folder."""
    return Path(os.path.relpath(path.resolve(), root.resolve())).as_posix()


def git_commit(root: Path) -> str:
    """Return the project's current commit.

    Args:
        root: The project's folder.

    Returns:
        40 hexadecimal digits, with ``-dirty`` if a tracked file differs from it; ``none`` where
        there is no git or no commit. ``dvc.lock`` may differ: the pipeline itself writes it, and
        what it says is in the digests.
    """
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return "none"
    status = ("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)dvc.lock")
    return f"{commit}-dirty" if _git(root, *status) else commit


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", os.fspath(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout.strip() if done.returncode == 0 else None
