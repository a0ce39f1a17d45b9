"""What a git revision says DVC kept: path to digest."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from vouch.core.errors import VouchError, suggest
from vouch.project.versions import fetch

LOCK, POINTER = "dvc.lock", ".dvc"
FOLDER = ".dir"
"""How DVC's digest of a folder ends."""


def known(root: Path, revision: str) -> bool:
    """Return whether git knows a revision: a commit, a branch, a tag, ``HEAD~1``."""
    # a name that begins with a dash would be an option of git's
    return (
        not revision.startswith("-")
        and _git(root, "rev-parse", "-q", "--verify", *[f"{revision}^{{commit}}"]) is not None
    )


def digests_at(root: Path, revision: str, path: str) -> dict[str, str]:
    """Find what stood at a path.

    Args:
        root: The project's folder, in a git repository.
        revision: A revision git knows.
        path: A file or folder as seen from the project's folder.

    Returns:
        Path to DVC's digest of each file at or below it.

    Raises:
        VouchError: DVC tracked nothing there; names the near paths.
    """
    target = PurePosixPath(path)
    tracked = dict(_tracked(root, revision, target))
    for name, digest in list(tracked.items()):
        if digest.endswith(FOLDER) and _related(PurePosixPath(name), target):
            tracked |= _listed(root, name, tracked.pop(name))
    matching = {n: d for n, d in tracked.items() if PurePosixPath(n).is_relative_to(target)}
    if not matching:
        raise VouchError(f"{revision}:{path}: DVC tracked nothing there", suggest(path, tracked))
    return matching


def _tracked(root: Path, revision: str, target: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Read dvc.lock and those .dvc files that may tell of a path."""
    for name in (_git(root, "ls-tree", "-r", "--name-only", "-z", revision) or "").split("\0"):
        place = PurePosixPath(name)
        if place.name == LOCK:
            stages = _yaml(root, revision, name).get("stages") or {}
            outs = [out for stage in stages.values() for out in stage.get("outs") or []]
        elif place.suffix == POINTER and _related(place.with_suffix(""), target):
            outs = _yaml(root, revision, name).get("outs") or []
        else:
            continue
        for out in outs:
            if "md5" in out:
                yield (place.parent / out["path"]).as_posix(), str(out["md5"])


def _related(first: PurePosixPath, second: PurePosixPath) -> bool:
    return first.is_relative_to(second) or second.is_relative_to(first)


def _listed(root: Path, name: str, digest: str) -> dict[str, str]:
    """Read the list that stands for a folder."""
    listing = json.loads(fetch(root, [digest])[0].read_text())
    return {f"{name}/{entry['relpath']}": str(entry["md5"]) for entry in listing}


def _yaml(root: Path, revision: str, name: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(_git(root, "show", f"{revision}:./{name}") or "")
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise VouchError(
            f"{revision}:{name}: not YAML: {reason}", "take another revision"
        ) from None
    return content if isinstance(content, dict) else {}


def _git(root: Path, *words: str) -> str | None:
    command = ["git", "-C", str(root), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    return done.stdout if done.returncode == 0 else None
