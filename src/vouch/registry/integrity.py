"""The digests of every version's files, kept outside their folder and compared before a read.

A file and a digest beside it can be replaced together. So the digests are kept in the
project's store, in a table whose rows are only ever added.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import JSON, Select, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vouch.core.database import append_only, open_database
from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256
from vouch.holdout.ledger import now
from vouch.registry.digests import dvc_digest
from vouch.registry.packaging import EVIDENCE, MODEL
from vouch.registry.promotions import by_hand

Origin = Literal["registered", "adopted"]
Read = TypeVar("Read")
Stamp = tuple[str, int, int, int]

BY_MLFLOW = ("registered_model_meta",)  # what MLflow itself adds to a folder it serves
compared: set[tuple[Path, "Identity", Path, tuple[Stamp, ...]]] = set()
"""What this process compared and found as registered."""


@dataclass(frozen=True)
class Identity:
    """Which version.

    Attributes:
        name: The registered model.
        number: Its version; MLflow gives it again after a model was deleted.
        model_id: What MLflow calls the logged model under it, which is never used again.
    """

    name: str
    number: int
    model_id: str

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"


class Base(DeclarativeBase):
    """The tables of digests."""


class ModelFile(Base):
    """One file of a registered version.

    Attributes:
        name: The registered model.
        version: Its version; 0 with a ``model_id``, whose digests come before the number.
        model_id: The logged model's name in MLflow; None in rows of older releases.
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
    model_id: Mapped[str | None]
    path: Mapped[str]
    sha256: Mapped[str]
    origin: Mapped[str]
    at: Mapped[datetime]


class Adoption(Base):
    """The versions that existed when the project first kept digests: one row.

    Attributes:
        model_ids: Their logged models.
        at: When, UTC.
    """

    __tablename__ = "adoptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_ids: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime]


for table in ("model_files", "adoptions"):
    append_only(Base.metadata.tables[table])


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


def note_versions(state: Path, model_ids: Callable[[], Sequence[str]]) -> None:
    """Write once which versions came before their project kept digests: only those are adopted.

    Args:
        state: The project's state folder.
        model_ids: Called for the logged models of all versions there are, if that is not written.
    """
    with Session(open_database(state, Base.metadata)) as session, session.begin():
        if session.scalar(select(Adoption.id)) is None:
            session.add(Adoption(model_ids=list(model_ids()), at=now()))


def record_files(
    state: Path, name: str, model_id: str, files: Mapping[str, str], origin: Origin
) -> None:
    """Write the digests of a version's files; they replace those written of it before.

    Args:
        state: The project's state folder.
        name: The registered model.
        model_id: The version's logged model.
        files: Path below its folder to SHA-256.
        origin: Where the digests are from.
    """
    at = now()
    with Session(open_database(state, Base.metadata)) as session, session.begin():
        session.add_all(
            ModelFile(
                name=name, version=0, model_id=model_id, path=path, sha256=d, origin=origin, at=at
            )
            for path, d in files.items()
        )


def recorded(state: Path, which: Identity) -> dict[str, str]:
    """Read the digests of a version's files: path to SHA-256; empty where there are none."""
    return {file.path: file.sha256 for file in _files_of(state, which)}


def origin(state: Path, which: Identity) -> str:
    """Return where a version's digests are from: ``registered``, ``adopted``, or ``none``."""
    return next((file.origin for file in _files_of(state, which)), "none")


def _files_of(state: Path, which: Identity) -> list[ModelFile]:
    """Read the newest digests of a version's files; by its number where an older release wrote."""
    named = select(ModelFile).where(ModelFile.name == which.name)
    with Session(open_database(state, Base.metadata)) as session:
        return _newest(session, named.where(ModelFile.model_id == which.model_id)) or _newest(
            session,
            named.where(ModelFile.model_id.is_(None), ModelFile.version == which.number),
        )


def _newest(session: Session, query: "Select[tuple[ModelFile]]") -> list[ModelFile]:
    rows = list(session.scalars(query.order_by(ModelFile.id)))
    return [row for row in rows if row.at == rows[-1].at]


def verify(state: Path, which: Identity, folder: Path) -> None:
    """Compare a version's files with their digests.

    A version from before the project kept digests is adopted: its files as they are now count.
    Files that did not change since the process last compared them are not read again.

    Args:
        state: The project's state folder.
        which: The version.
        folder: Where its files are.

    Raises:
        VouchError: A file is another one, missing, or was never registered.
    """
    seen = (state.resolve(), which, folder, _stamps(folder))
    if seen in compared:
        return
    if expected := recorded(state, which):
        _compare(which, folder, expected)
    else:
        _adopt(state, which, folder)
    compared.add(seen)


def _compare(which: Identity, folder: Path, expected: Mapping[str, str]) -> None:
    actual = listing(folder)
    for path in sorted(expected.keys() | actual.keys()):
        registered, got = expected.get(path, "no such file"), actual.get(path, "no such file")
        if registered != got:
            raise VouchError(
                f"{which}: {folder / path} is not as registered "
                f"(SHA-256 expected: {registered}; got: {got})",
                _hint(which.name) if path in expected else f"remove it: {folder / path}",
            )


def _adopt(state: Path, which: Identity, folder: Path) -> None:
    """Adopt a version's files as they are, if it may be older than the table of digests.

    A shared server's versions may be a colleague's, whose digests are in another project.
    """
    with Session(open_database(state, Base.metadata)) as session:
        before = session.scalar(select(Adoption.model_ids)) or []
    if which.model_id not in before and "MLFLOW_TRACKING_URI" not in os.environ:
        raise VouchError(
            f"{which}: vouch did not register it, so nothing says what its files should be",
            f"delete that version in MLflow, or promote another: {by_hand(which.name)}",
        )
    _check_carried(which.name, which.number, folder)
    record_files(state, which.name, which.model_id, listing(folder), "adopted")


def _check_carried(name: str, number: int, folder: Path) -> None:
    """Compare a version from before the table existed with the digests in its own lineage."""
    carried = read_json(folder / EVIDENCE / "lineage.json").get("digests", {}).values()
    for place in (folder / MODEL, folder / EVIDENCE / "predictions.parquet"):
        if (digest := _read(dvc_digest, place)) not in carried:
            raise VouchError(
                f"{name}:{number}: {place} is not as its lineage says "
                f"(MD5 expected: one of {', '.join(sorted(carried))}; got: {digest})",
                f"remove what does not belong there (.DS_Store), or {_hint(name)}",
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
