"""The tables to compare: a file or folder, a path in a git revision, a model's data."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from vouch.core.errors import VouchError, suggest
from vouch.project.versions import fetch
from vouch.studies.diff import revisions
from vouch.usecases import names

Part = Literal["silver", "labels", "train"]
PARTS: dict[Part, str] = {
    "silver": "data/silver/{usecase}/rows.parquet",
    "labels": "data/labels/{usecase}/issued/labels.parquet",
    "train": "data/gold/{usecase}/train.parquet",
}
TABLES = (".parquet", ".csv")


@dataclass(frozen=True)
class Side:
    """One of the two tables.

    Attributes:
        name: As the user wrote it, with the part of a model version.
        files: Its files, all of one format, under any name.
        format: ``.parquet`` or ``.csv``.
        usecase: Whose data it is, where the path tells.
        classes: The names of its labels' classes, class 0 first; empty: as the source has now.
    """

    name: str
    files: tuple[Path, ...]
    format: str
    usecase: str | None
    classes: tuple[str, ...] = ()


def find(root: Path, state: Path, text: str, of: Part | None) -> Side:
    """Find the table that a text names.

    Args:
        root: The project's folder.
        state: The project's state folder, with the registered models.
        text: A file, a folder, ``REV:path`` or ``NAME:VERSION``.
        of: Of a model version, which of the tables it rests on.

    Raises:
        VouchError: Nothing such is known, or its files cannot be had, or it is no table.
    """
    if Path(text).exists():
        return _on_disk(text)
    revision, colon, right = text.partition(":")
    if colon and revisions.known(root, revision):
        return _at_revision(root, text, revision, right)
    return _of_version(root, state, text, of)


def _on_disk(text: str) -> Side:
    place = Path(text)
    files = sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
    return _side(text, {str(p): p for p in files})


def _at_revision(root: Path, text: str, revision: str, path: str) -> Side:
    target = PurePosixPath(path).as_posix()
    digests = revisions.digests_at(root, revision, target)
    names = [name for name in digests if name == target or _is_table(name)]
    files = fetch(root, [digests[name] for name in names])
    return _side(text, dict(zip(names, files, strict=True)))


def _of_version(root: Path, state: Path, text: str, of: Part | None) -> Side:
    from vouch.registry.versions import names, parse

    models = names(state) if ":" in text else []
    if text.rpartition(":")[0] not in models:
        raise _unknown(text, models)
    if of is None:
        raise VouchError(f"{text} rests on several tables", f"--of {', --of '.join(PARTS)}")
    version = parse(state, text)
    path = PARTS[of].format(usecase=version.lineage.usecase)
    digest = version.lineage.digests.get(path)
    if digest is None:
        raise VouchError(f"{text}: its lineage does not name {path}", "train it again")
    side = _side(f"{text} {of}", {path: fetch(root, [digest])[0]})
    return replace(side, classes=tuple(version.extracted.classes))


def _unknown(text: str, models: list[str]) -> VouchError:
    name, colon, _ = text.partition(":")
    if not colon:
        return VouchError(f"{text}: no such file or folder", f"dvc checkout, or HEAD:{text}")
    return VouchError(
        f"{text}: {name!r} is neither a git revision nor a registered model",
        f"write REV:path, or NAME:VERSION. {suggest(name, models)}",
    )


def _side(name: str, files: dict[str, Path]) -> Side:
    tables = [path for path in files if _is_table(path)]
    formats = {_format(path) for path in tables}
    if len(formats) != 1:
        got = " and ".join(sorted(formats)) or ", ".join(sorted(files)[:5]) or "nothing"
        raise VouchError(f"{name}: is no table (got {got})", "name a Parquet or CSV file")
    usecase = next((part for part in PurePosixPath(tables[0]).parts if part in names()), None)
    return Side(name, tuple(files[path] for path in tables), formats.pop(), usecase)


def _is_table(path: str) -> bool:
    return _format(path) in TABLES


def _format(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
