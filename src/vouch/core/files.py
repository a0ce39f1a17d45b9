"""Small files and digests: JSON that is the same bytes for the same content, atomic writes."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from vouch.core.errors import VouchError

CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Digest a file.

    Args:
        path: The file; read in pieces, so any size will do.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Args:
        path: The file's final place; its folder is made.

    Yields:
        A path beside it to write to; on success it takes the final place in one step.

    Raises:
        VouchError: It is a folder.
    """
    if path.is_dir():
        raise VouchError(f"{path}: is a folder", "name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        sync(draft)
        draft.replace(path)
        sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove the drafts that killed processes left; only for who holds the folder's lock."""
    for path in folder.glob(".*"):
        if path.suffix[1:].isdecimal() and path.is_file():
            path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, sorted and indented, so the same content is the same bytes."""
    with replacing(path) as draft:
        draft.write_text(json.dumps(content, indent=2, sort_keys=True, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        VouchError: The file is missing or is no JSON; names the file.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise VouchError(f"{path}: no such file", "run the stage that writes it first") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise VouchError(f"{path}: not JSON ({error})", "run its stage again") from None


def read_yaml(path: Path, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> dict[str, Any]:
    """Read a YAML file of fields.

    Args:
        path: The file.
        loader: How its scalars are read.

    Raises:
        VouchError: The file is missing, or is no YAML or text, or has no fields; names the file.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
    except FileNotFoundError:
        raise VouchError(f"{path}: no such file", "cd to the project's folder") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise VouchError(f"{path}: not YAML: {reason}", "mend the file") from None
    if not isinstance(content, dict | None):
        raise VouchError(f"{path}: must be fields and values, got {content!r}", "mend the file")
    return content or {}
