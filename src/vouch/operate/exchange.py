"""Files that come in and go out: which are new, and what became of them."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import chain, count
from pathlib import Path
from typing import Any

from vouch.core.errors import VouchError, plain
from vouch.core.files import read_json, replacing, write_json
from vouch.operate.folders import (
    CASES,
    DONE,
    ERROR,
    NEW_ROWS,
    SCORES,
    TO_SCORE,
    arrived,
    at_rest,
)
from vouch.project.inputs import INPUTS, load_inputs
from vouch.project.stages import GOLD, TUNE
from vouch.sources.manifest import sha256_of

REFUSED = "vouch did not take this file: "
"""How a note on a refused file begins."""
LONGEST = 230
"""Bytes of a note's name, somewhat less than file systems take."""


@dataclass(frozen=True)
class Pending:
    """A file to be scored.

    Attributes:
        path: The file.
        out: Where its scores go.
        digest: Its SHA-256: another content of the same name is another file.
        name: Its path from the project's folder, by which the note on its scores knows it.
    """

    path: Path
    out: Path
    digest: str
    name: str


def to_score(root: Path, usecase: str) -> list[Path]:
    """List the files of the inbox that may be scored: all but those still being written.

    Args:
        root: The project's folder.
        usecase: The use case.
    """
    folder = root / TO_SCORE.format(usecase=usecase)
    arrivals = arrived(folder)
    _drop_notes(folder, {note_on(path) for path in arrivals})
    return at_rest(arrivals)


def pending(root: Path, usecase: str, path: Path) -> Pending:
    """Name where a file's scores go: no two files share a place.

    Args:
        root: The project's folder.
        usecase: The use case.
        path: The file.

    Raises:
        VouchError: There is no such file, or it is empty or cannot be read.
    """
    digest, name = sha256_of(path), os.path.relpath(path.absolute(), root.absolute())
    like = path.name if path.suffix.lower() == ".csv" else f"{path.name}.csv"
    places = _numbered(root / SCORES.format(usecase=usecase), Path(like))
    out = next(place for place in places if _scored_in(place).get("file", name) == name)
    return Pending(path, out, digest, name)


def is_scored(file: Pending) -> bool:
    """Return whether the scores of a file's present content are there."""
    return file.out.exists() and _scored_in(file.out).get("sha256") == file.digest


def record(file: Pending, result: Mapping[str, Any]) -> None:
    """Note that a file was scored, and what came of it."""
    write_json(_note(file.out), {**result, "sha256": file.digest, "file": file.name})
    drop_note(file.path)


def _note(out: Path) -> Path:
    """Return the path of the note on what was scored; hidden, so the folder shows only scores."""
    return out.with_name(f".{out.name}.json")


def _scored_in(out: Path) -> dict[str, Any]:
    """Read the note on what was scored; empty if there is none, or a damaged one."""
    note = _note(out)
    try:
        content = read_json(note) if note.exists() else {}
    except VouchError:
        return {}
    return content if isinstance(content, dict) else {}


def is_behind(root: Path, usecase: str) -> bool:
    """Return whether rows came, or a model was trained, since new rows were last scored."""
    places = (f"{GOLD}/train.parquet", f"{TUNE}/predictions.parquet")
    made = [root / place.format(usecase=usecase) for place in places]
    scored = root / NEW_ROWS.format(usecase=usecase)
    times = [place.stat().st_mtime for place in made if place.exists()]
    return len(times) == len(made) and (not scored.exists() or scored.stat().st_mtime < max(times))


def new_files(root: Path, usecase: str, inbox: str) -> list[Path]:
    """List the files of a use case's inbox that are to be taken.

    Left out are files still being written, and those refused before, until they or what they were
    judged by is changed.

    Args:
        root: The project's folder.
        usecase: The use case.
        inbox: ``ROWS`` or ``REVIEWS`` of :mod:`vouch.operate.folders`.

    Raises:
        VouchError: A file lies where those that are done go, or the use case has no input.
    """
    folder = root / inbox.format(usecase=usecase)
    arrivals = arrived(folder)
    if (folder / DONE).is_file():
        raise VouchError(f"{folder / DONE}: is a file where a folder is needed", "move it away")
    _drop_notes(folder, {note_on(path) for path in arrivals})
    files = at_rest(arrivals)
    changed = _changed(root, usecase) if files else 0.0
    return [path for path in files if not _refused(path, changed)]


def _changed(root: Path, usecase: str) -> float:
    """Return when what files are judged by was last changed: seconds since 1970."""
    source = load_inputs(root / INPUTS).choice(usecase).source
    names = (f"data/sources/{source}.yaml", f"expectations/{source}.json", "params.yaml")
    places = [root / name for name in names]
    return max((place.stat().st_mtime for place in places if place.exists()), default=0.0)


def _refused(path: Path, changed: float) -> bool:
    note = note_on(path)
    try:
        return _is_note(note) and note.stat().st_mtime > max(path.stat().st_ctime, changed)
    except FileNotFoundError:  # it has gone meanwhile
        return True


def _drop_notes(folder: Path, needed: set[Path]) -> None:
    """Remove the notes on files that are gone; what else is called like one is not ours."""
    for note in folder.glob(f"*{ERROR}"):
        if note not in needed and _is_note(note):
            note.unlink()


def _is_note(path: Path) -> bool:
    try:
        return path.is_file() and path.read_bytes().startswith(REFUSED.encode())
    except OSError:  # one that we may not read is somebody's own
        return False


def note_on(path: Path) -> Path:
    """Return the path of the note that says why a file was refused; a long name is cut."""
    name = path.name
    while len(os.fsencode(f"{name}{ERROR}")) > LONGEST:
        name = name[:-1]
    return path.with_name(f"{name}{ERROR}")


def refuse(path: Path, reason: str, began: float) -> None:
    """Leave a file where it is, and why it was refused beside it.

    Args:
        path: The file.
        reason: Why.
        began: When it was looked at, seconds since 1970: what is changed after that is judged anew.
    """
    note = note_on(path)
    if note.exists() and not _is_note(note):  # somebody's own
        return
    # in a folder that we may not write the run alone says why
    with suppress(OSError), replacing(note) as draft:
        draft.write_text(f"{REFUSED}{plain(reason)}\n")
        os.utime(draft, (began, began))


def drop_note(path: Path) -> None:
    """Remove the note that says why a file was refused, if there is one: it is taken."""
    if _is_note(note := note_on(path)):
        note.unlink(missing_ok=True)


def put_aside(path: Path, digest: str) -> Path | None:
    """Move a recorded file into the folder of those that are done; a link still leads to its file.

    Args:
        path: The file.
        digest: Its SHA-256 when it was read.

    Returns:
        Where it is now; None if it changed meanwhile, so it stays and is read again, or is gone.

    Raises:
        VouchError: It cannot be moved.
    """
    try:
        return _put_aside(path, digest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VouchError(
            f"{path}: is recorded, but cannot be moved to {path.parent / DONE}: {error.strerror}",
            "move it away by hand",
        ) from None


def _put_aside(path: Path, digest: str) -> Path | None:
    with path.open("rb") as read:
        if hashlib.file_digest(read, "sha256").hexdigest() != digest:
            return None
        drop_note(path)
        moved = _move(path, _free(path.parent / DONE, path))
        if moved.exists() and os.path.samestat(os.fstat(read.fileno()), moved.stat()):
            return moved
    _move(moved, _free(path.parent, path))  # another file was put in its place while it was read
    return None


def _move(path: Path, place: Path) -> Path:
    """Move a file; a link that led on from its old folder is made absolute."""
    moved = path.rename(place)
    if moved.is_symlink():
        draft = moved.with_name(f".{os.getpid()}.link")
        draft.symlink_to(path.parent.resolve() / moved.readlink())
        draft.replace(moved)
    return moved


def todays_cases(root: Path, usecase: str, today: date) -> Path:
    """Name the file for a day's cases; one that is out already is never written over."""
    folder = root / CASES.format(usecase=usecase)
    return _free(folder, Path(f"{today.isoformat()}.csv"))


def _free(folder: Path, like: Path) -> Path:
    """Return the first path in a folder, which is made, that is free for a file named like one."""
    folder.mkdir(parents=True, exist_ok=True)
    return next(path for path in _numbered(folder, like) if not os.path.lexists(path))


def _numbered(folder: Path, like: Path) -> Iterator[Path]:
    """Yield paths in a folder: a file's own name, then the same with a number."""
    numbered = (folder / f"{like.stem}-{number}{like.suffix}" for number in count(2))
    return chain([folder / like.name], numbered)
