"""Partial results of a stage, kept by what they were made of: to delete them costs only time.

An entry is a folder, named by the digest of all it depends on, of files and a note of facts and of
each file's digests. It appears in one step, and is read only if every file is what it was.
"""

import functools
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from vouch.core.code import package_digest

NOTE = "entry.json"
PIECE = 16 << 20


@dataclass(frozen=True)
class Entry:
    """One kept result.

    Attributes:
        folder: Where its files are.
        facts: What was noted beside them: JSON.
    """

    folder: Path
    facts: dict[str, Any]

    def file(self, name: str) -> Path:
        """Return where a file of the entry is."""
        return self.folder / name


class Cache:
    """The kept results of one stage; without a folder nothing is kept.

    Whoever uses a folder holds the lock of its stage, so it has one user at a time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def get(self, key: str) -> Entry | None:
        """Find a kept result.

        Args:
            key: What :func:`key_of` returned.

        Returns:
            The entry, read and found whole; None where it is missing or damaged.
        """
        if self._folder is None:
            return None
        self._used.add(key)
        place = self._folder / key
        try:
            note = json.loads((place / NOTE).read_text())
            whole = note["key"] == key and note["facts_digest"] == _of_text(_json(note["facts"]))
            files = note["files"].items()
            if whole and all(digests(place / name) == noted for name, noted in files):
                return Entry(place, note["facts"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        _remove(place)
        return None

    def place(self, key: str) -> Path | None:
        """Return where an entry is or would be."""
        return self._folder and self._folder / key

    def put(self, key: str, files: Mapping[str, Path], facts: Mapping[str, Any]) -> None:
        """Keep a result; where the disk refuses, it is not kept.

        Args:
            key: What :func:`key_of` returned.
            files: Each file's name in the entry, and where it is now: it is copied.
            facts: What to note beside them: JSON.
        """
        if self._folder is None:
            return
        self._used.add(key)
        facts = json.loads(_json(facts))  # as they will be read: numbers as names become texts
        draft, place = self._folder / f".{key}.{os.getpid()}", self._folder / key
        with suppress(OSError):
            _remove(draft)
            draft.mkdir(parents=True)
            for name, path in files.items():
                shutil.copyfile(path, draft / name)
            noted = {
                "key": key,
                "files": {name: digests(path) for name, path in files.items()},
                "facts": facts,
                "facts_digest": _of_text(_json(facts)),
            }
            (draft / NOTE).write_text(_json(noted))
            _remove(place)
            draft.rename(place)
        _remove(draft)

    def sweep(self) -> None:
        """Remove what the present run neither read nor kept."""
        if self._folder is None or not self._folder.is_dir():
            return
        for place in self._folder.iterdir():
            if place.name not in self._used:
                _remove(place)


NOTHING_KEPT = Cache()
"""The cache of who keeps nothing."""


def key_of(*parts: Any) -> str:
    """Return the key of what a result depends on: vouch's own code and libraries included.

    Args:
        parts: Texts, numbers, and lists and mappings of them.
    """
    return _of_text(_json([code(), *parts]))[:32]


@functools.cache
def code() -> str:
    """Return a digest of vouch's code, and of the libraries that its results depend on."""
    digest = hashlib.sha256(sys.version.encode())
    # all that vouch asks for: any of them may compute values or write bytes
    for name in sorted(
        {re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in requires("vouch") or ()}
    ):
        with suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest() + package_digest("vouch")


def digests(path: Path) -> list[str]:
    """Return the digest of each piece of a file, several of which are read at a time."""
    starts = range(0, max(path.stat().st_size, 1), PIECE)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(lambda start: _piece(path, start), starts))


def _piece(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.sha256(file.read(PIECE)).hexdigest()


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, default=str)


def _of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _remove(place: Path) -> None:
    with suppress(OSError):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink()
