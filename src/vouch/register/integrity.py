"""The digests of every version's files, kept outside their folder and compared before a read.

A file and a digest that lies beside it can be replaced together. So the digests stand in the
project's store, in a table whose rows are only ever added.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.database import append_only, open_database
from vouch.errors import VouchError
from vouch.files import read_json, sha256
from vouch.holdout.ledger import now
from vouch.register.digests import dvc_digest
from vouch.register.packaging import EVIDENCE, MODEL
from vouch.register.promotions import by_hand

Origin = Literal["registered", "adopted"]
Read = TypeVar("Read")
Stamp = tuple[str, int, int, int]

BY_MLFLOW = ("registered_model_meta",)  # what MLflow itself adds to a folder it serves


class Base(DeclarativeBase):
    """The table of digests."""


class ModelFile(Base):
    """One file of a registered version.

    Attributes:
        name: The registered model.
        version: Its version.
        path: The file, below the version's folder.
        sha256: Its digest.
        origin: ``registered`` with the version, or ``adopted`` from one registered before this
            table existed.
        at: When, UTC; the same for all files of a version.
    """

    __tablename__ = "model_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    path: Mapped[str]
    sha256: Mapped[str]
    origin: Mapped[str]
    at: Mapped[datetime]


append_only(Base.metadata.tables["model_files"])


def listing(folder: Path) -> dict[str, str]:
    """Digest a version's files.

    Args:
        folder: Its folder.

    Returns:
        Path below the folder to SHA-256, sorted by path.

    Raises:
        VouchError: A file cannot be read.
    """
    return {path.relative_to(folder).as_posix(): _read(sha256, path) for path in _files(folder)}


def record_files(
    state: Path, name: str, number: int, files: Mapping[str, str], origin: Origin
) -> None:
    """Write the digests of a version's files; they stand for those written of it before.

    Args:
        state: The project's state folder.
        name: The registered model.
        number: The version.
        files: Path below its folder to SHA-256.
        origin: Where the digests are from.
    """
    at = now()
    with Session(open_database(state, Base.metadata)) as session, session.begin():
        session.add_all(
            ModelFile(name=name, version=number, path=path, sha256=digest, origin=origin, at=at)
            for path, digest in files.items()
        )


def recorded(state: Path, name: str, number: int) -> dict[str, str]:
    """Read the digests of a version's files: path to SHA-256; empty where there are none."""
    mine = (ModelFile.name == name, ModelFile.version == number)
    newest = select(ModelFile.at).where(*mine).order_by(ModelFile.id.desc()).limit(1)
    query = select(ModelFile).where(*mine, ModelFile.at == newest.scalar_subquery())
    with Session(open_database(state, Base.metadata)) as session:
        return {file.path: file.sha256 for file in session.scalars(query)}


def verify(state: Path, name: str, number: int, folder: Path) -> None:
    """Compare a version's files with their digests; a version without any is adopted.

    Files that did not change since the process last compared them are not read again.

    Args:
        state: The project's state folder.
        name: The registered model.
        number: The version.
        folder: Where its files are.

    Raises:
        VouchError: A file is another one, missing, or was never registered.
    """
    _verify(state.resolve(), name, number, folder, _stamps(folder))


@lru_cache(maxsize=256)
def _verify(state: Path, name: str, number: int, folder: Path, _seen: tuple[Stamp, ...]) -> None:
    actual = listing(folder)
    expected = recorded(state, name, number)
    if not expected:
        _check_carried(name, number, folder)
        record_files(state, name, number, actual, "adopted")
        return
    for path in sorted(expected.keys() | actual.keys()):
        registered, got = expected.get(path, "no such file"), actual.get(path, "no such file")
        if registered != got:
            raise VouchError(
                f"{name}:{number}: {folder / path} is not as registered "
                f"(SHA-256 expected: {registered}; got: {got})",
                _hint(name) if path in expected else f"remove it: {folder / path}",
            )


def _check_carried(name: str, number: int, folder: Path) -> None:
    """Compare a version from before the table existed with the digests in its own lineage."""
    carried = read_json(folder / EVIDENCE / "lineage.json").get("digests", {}).values()
    for place in (folder / MODEL, folder / EVIDENCE / "predictions.parquet"):
        if (digest := _read(dvc_digest, place)) not in carried:
            raise VouchError(
                f"{name}:{number}: {place} is not as its lineage says "
                f"(MD5 expected: one of {', '.join(sorted(carried))}; got: {digest})",
                _hint(name),
            )


def _hint(name: str) -> str:
    return f"bring its files back from a backup, or promote another version: {by_hand(name)}"


def _files(folder: Path) -> list[Path]:
    mlflows = [folder / name for name in BY_MLFLOW]
    return [
        path
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or not path.is_dir()) and path not in mlflows
    ]


def _read(how: Callable[[Path], Read], path: Path) -> Read:
    try:
        return how(path)
    except OSError as error:
        raise VouchError(
            f"{path}: cannot be read ({error.strerror or error})", "check the disk"
        ) from None


def _stamps(folder: Path) -> tuple[Stamp, ...]:
    """Return what changes whenever a file does: the time of a change cannot be set back."""
    stats = [(str(path), _read(Path.stat, path)) for path in _files(folder)]
    return tuple((path, s.st_ino, s.st_size, s.st_ctime_ns) for path, s in stats)
