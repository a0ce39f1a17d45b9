"""Which raw files a source has, and when each arrived: ``data/raw/<source>/manifest.json``."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, Field, ValidationError

from vouch.core.errors import PassingError, VouchError, check_utf8, suggest
from vouch.core.files import read_json, replacing, sha256, sweep, write_json

MANIFEST = "manifest.json"
DIGITS = 12
DVC = ".dvc"
"""How the names of DVC's own files end: it reads every file that is called so."""
LONGEST = 240
"""Bytes of a raw file's name; what is longer is cut."""


class Arrival(BaseModel):
    """A raw file's entry in the manifest.

    Attributes:
        name: The file's name in the raw folder.
        sha256: Its digest, 64 hexadecimal digits.
        arrived_at: When it first arrived (UTC).
        bytes: Its size.
    """

    name: str = Field(pattern=r"^[^/\\]*[^/\\.][^/\\]*$")
    sha256: str
    arrived_at: datetime
    bytes: int


def load_manifest(folder: Path) -> dict[str, Arrival]:
    """Read which raw files a source has.

    Args:
        folder: ``data/raw/<source>``.

    Returns:
        The first 12 digits of each file's SHA-256 to its entry; empty if there is no manifest.
    """
    path = folder / MANIFEST
    content = read_json(path) if path.exists() else {}
    try:
        return {key: Arrival.model_validate(entry) for key, entry in content.items()}
    except (AttributeError, ValidationError):
        raise VouchError(f"{path}: is damaged", f"dvc checkout {folder}.dvc") from None


def keep(folder: Path, file: Path) -> str:
    """Copy a raw file into a source's folder under its content's name, whole or not at all.

    A file that is there already stays as it is, with its first arrival time.

    Args:
        folder: ``data/raw/<source>``; made if missing.
        file: The file to keep.

    Returns:
        The first 12 digits of its SHA-256.

    Raises:
        VouchError: No such file, a folder, empty, or not readable.
        PassingError: It changed while it was copied.
    """
    digest = sha256_of(file)
    key = digest[:DIGITS]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        sweep(folder)  # a draft would be versioned with the rest
        manifest = load_manifest(folder)
        entry = manifest.get(key)
        name = entry.name if entry else kept_name(key, file)
        if not (folder / name).exists() or sha256(folder / name) != digest:
            _copy(file, folder / name, digest)
        if entry is None:
            manifest[key] = Arrival(
                name=name, sha256=digest, arrived_at=datetime.now(UTC), bytes=file.stat().st_size
            )
            _write_manifest(folder, manifest)
    return key


def forget(folder: Path, keys: Sequence[str]) -> bool:
    """Remove raw files from a source's folder, and what killed copies left there.

    Args:
        folder: ``data/raw/<source>``.
        keys: First 12 digits of their SHA-256; those that are not there are passed over.

    Returns:
        Whether anything was removed.
    """
    if not (folder / MANIFEST).exists():
        return False
    with FileLock(folder.parent / f".{folder.name}.lock"):
        sweep(folder)
        manifest = load_manifest(folder)
        gone = [manifest.pop(key) for key in keys if key in manifest]
        if gone:  # first: an entry without its file is an error, a file without its entry is none
            _write_manifest(folder, manifest)
        names = {entry.name for entry in manifest.values()}
        orphans = [
            path for path in folder.glob(f"{'[0-9a-f]' * DIGITS}-*") if path.name not in names
        ]
        for path in orphans:
            path.unlink()
    return bool(gone or orphans)


def _write_manifest(folder: Path, manifest: dict[str, Arrival]) -> None:
    content = {key: entry.model_dump(mode="json") for key, entry in manifest.items()}
    write_json(folder / MANIFEST, content)


def kept_name(key: str, file: Path) -> str:
    """Return what a raw file is called in its folder: its digest's beginning and its own name."""
    name, ending = file.stem, file.suffix
    # file systems take names of 255 bytes
    while len(f"{key}-{name}{ending}".encode()) > LONGEST:
        name, ending = (name[:-1], ending) if name else ("", ending[:-1])
    return f"{key}-{name}{ending}".replace("\\", "_")


def check_name(file: Path) -> None:
    """Check that a file's name is UTF-8 text, and none by which DVC knows files of its own.

    Raises:
        VouchError: It is not.
    """
    check_utf8(file.name, f"{file}: its name is no UTF-8 text", "rename the file")
    if file.suffix == DVC:
        raise VouchError(
            f"{file}: its name ends in {DVC}, as those of DVC's own files do",
            f"rename the file: {file.with_suffix('.csv').name}",
        )


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file to be kept, 64 hexadecimal digits.

    Raises:
        VouchError: No such file, a folder, empty, or not readable.
    """
    with reading(file):
        return sha256(file)


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Check that a file can be read; raise an error that says why not."""
    check_name(file)
    if not file.exists():
        names = [p.name for p in file.parent.glob("*")] if file.parent.is_dir() else []
        hint = suggest(file.name, names) if names else "check the path"
        raise VouchError(f"{file}: no such file", hint)
    if file.is_dir():
        raise VouchError(f"{file}: is a folder", "give one file; add the others with --add")
    try:
        if not file.stat().st_size:
            raise VouchError(f"{file}: is empty (0 bytes)", "give a file with rows")
        yield
    except OSError as error:
        raise VouchError(f"{file}: cannot be read ({error.strerror})", "check its rights") from None


def _copy(file: Path, place: Path, digest: str) -> None:
    with replacing(place) as draft:
        shutil.copyfile(file, draft)
        if sha256(draft) != digest:
            raise PassingError(f"{file}: changed while it was copied", "run it again when it rests")
        draft.chmod(0o444)
