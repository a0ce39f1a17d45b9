"""DVC decides what is up to date; a stage run here and one run by ``dvc repro`` leave the same.

The order of the calls matters: restoring from the run cache comes before the dependencies are
saved, or a wrong old output is restored under a clean status.
"""

import filecmp
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from vouch.core.errors import PassingError, VouchError
from vouch.core.files import read_yaml, replacing
from vouch.core.progress import Progress, silent
from vouch.project import whole
from vouch.project.pipeline import execute
from vouch.project.stages import Stage

if TYPE_CHECKING:
    from dvc.repo import Repo

os.environ.setdefault("DVC_NO_ANALYTICS", "1")
whole.install()
WAIT = 3600.0
"""Seconds to wait for another process's DVC command; a training stage may be in its way."""
GOOD = Path(".vouch/dvc.lock")
"""A copy of ``dvc.lock`` as this module last left it."""
HIDING = "/data/raw/*/"
T = TypeVar("T")
Status = Literal["unchanged", "restored", "ran"]


@dataclass(frozen=True)
class Outcome:
    """What became of one stage.

    Attributes:
        stage: The stage's name.
        usecase: The use case it ran for.
        status: ``unchanged`` (nothing to do), ``restored`` (from the run cache) or ``ran``.
        seconds: Wall time, DVC's share included.
        hashing: Wall time of DVC's own work: checking, hashing, storing.
        summary: The stage's own result; empty unless it ran.
    """

    stage: str
    usecase: str
    status: Status
    seconds: float
    hashing: float
    summary: dict[str, Any] = field(default_factory=dict)


def reproduce(
    root: Path, stage: Stage, usecase: str, *, force: bool = False, progress: Progress = silent
) -> Outcome:
    """Bring one stage up to date.

    Args:
        root: The project's folder, a DVC repository.
        stage: Which stage.
        usecase: For which use case.
        force: Run even where nothing changed.
        progress: Called with the progress.

    Returns:
        What was done.

    Raises:
        VouchError: From the stage.
        PassingError: An input changed while it ran, or DVC stayed locked.
    """
    started = time.perf_counter()
    repo = _repo(root)
    address = f"{stage.name}@{usecase}"
    status = _patiently(lambda: _prepare(repo, address, force))
    checked = time.perf_counter()
    if status != "ran":
        return Outcome(stage.name, usecase, status, checked - started, checked - started)
    before = _patiently(lambda: _dependencies(repo, address))
    summary = execute(root, stage, usecase, progress)
    ran = time.perf_counter()
    _patiently(lambda: _save(repo, address, before))
    ended = time.perf_counter()
    hashing = ended - ran + checked - started
    return Outcome(stage.name, usecase, "ran", ended - started, hashing, summary)


def is_current(root: Path, stages: Sequence[Stage], usecase: str) -> bool:
    """Return whether DVC finds nothing to do in any of some stages.

    Args:
        root: The project's folder, a DVC repository.
        stages: Which stages, in order; the first that is out of date ends the search.
        usecase: For which use case.

    Raises:
        VouchError: ``dvc.yaml`` lacks one of them.
        PassingError: DVC stayed locked.
    """
    repo = _repo(root)
    addresses = [f"{stage.name}@{usecase}" for stage in stages]
    return _patiently(lambda: _none_changed(repo, addresses))


def _none_changed(repo: "Repo", addresses: Sequence[str]) -> bool:
    with _locked(repo):
        return not any(_collect(repo, address).changed() for address in addresses)


def _repo(root: Path) -> "Repo":
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)
    try:
        repo = Repo(str(root))
    except NotDvcRepoError:
        raise VouchError(
            f"{root.resolve()} is no vouch project (no .dvc folder)", "cd to the project's folder"
        ) from None
    _patiently(lambda: _mend(repo))
    return repo


def _mend(repo: "Repo") -> None:
    """Restore outputs that a killed process left half written: DVC would refuse them."""
    with _locked(repo):
        _mend_list(Path(str(repo.tmp_dir)))
        _mend_lockfile(repo)
        _unhide(Path(repo.root_dir) / ".gitignore")


def _mend_list(folder: Path) -> None:
    """Remove DVC's list of files in use if it is damaged.

    DVC writes the list only under its guard, so who wrote half of it is gone.
    """
    from dvc.lock import make_lock
    from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK

    with make_lock(str(folder / RWLOCK_LOCK), tmp_dir=str(folder)):
        try:
            json.loads((folder / RWLOCK_FILE).read_text())
        except FileNotFoundError:
            return
        except ValueError:
            (folder / RWLOCK_FILE).unlink()


def _mend_lockfile(repo: "Repo") -> None:
    """Restore the last good copy of a damaged ``dvc.lock``; without one its stages run again."""
    path, copy = Path(repo.root_dir) / "dvc.lock", Path(repo.root_dir) / GOOD
    # every stage opens the project: what equals the good copy is not parsed again
    same = copy.exists() and path.exists() and filecmp.cmp(path, copy, shallow=False)
    if not path.exists() or same or _is_lockfile(repo, path):
        return
    if copy.exists() and _is_lockfile(repo, copy):
        with replacing(path) as draft:
            shutil.copyfile(copy, draft)
    else:
        path.unlink()


def _is_lockfile(repo: "Repo", path: Path) -> bool:
    from dvc.dvcfile import Lockfile
    from dvc.exceptions import DvcException

    try:
        return bool(path.stat().st_size and Lockfile(repo, str(path)).load())
    except DvcException:
        return False


def _unhide(path: Path) -> None:
    """Drop the pattern of older projects that hid the raw files' ``.dvc`` from DVC itself."""
    lines = path.read_text().splitlines() if path.exists() else []
    if HIDING in lines:
        with replacing(path) as draft:
            draft.write_text("".join(f"{line}\n" for line in lines if line != HIDING))


def _prepare(repo: "Repo", address: str, force: bool) -> Status:
    from dvc.stage.cache import RunCacheNotFoundError

    with _locked(repo):
        stage = _collect(repo, address)
        if not force and not stage.changed():
            return "unchanged"
        stage.remove_outs(ignore_remove=False, force=False)
        if force:
            return "ran"
        try:
            repo.stage_cache.restore(stage)
        except RunCacheNotFoundError:
            return "ran"
        _commit(stage)
        return "restored"


def _dependencies(repo: "Repo", address: str) -> dict[str, str]:
    with _locked(repo):
        stage = _collect(repo, address)
        stage.save_deps()
        return _hashes(stage)


def _save(repo: "Repo", address: str, before: dict[str, str]) -> None:
    with _locked(repo):
        stage = _collect(repo, address)
        stage.save_deps()
        after = _hashes(stage)
        if changed := sorted(name for name in after if after[name] != before.get(name)):
            raise PassingError(f"{address}: {changed[0]} changed while it ran", "run it again")
        _commit(stage)


def _commit(stage: Any) -> None:
    stage.save()
    stage.commit()
    stage.dump(update_pipeline=False)
    root = Path(stage.repo.root_dir)
    with replacing(root / GOOD) as draft:
        shutil.copyfile(root / "dvc.lock", draft)


def _collect(repo: "Repo", address: str) -> Any:
    from dvc.exceptions import DvcException

    try:
        return repo.stage.collect(address)[0]
    except DvcException as error:
        raise VouchError(f"dvc.yaml: {address}: {error}", "see `dvc stage list`") from None


def _hashes(stage: Any) -> dict[str, str]:
    return {str(dep): str(dep.hash_info.value) for dep in stage.deps}


@contextmanager
def _locked(repo: "Repo") -> Iterator[None]:
    from dvc.repo import lock_repo

    with lock_repo(repo):
        yield


def _patiently(action: Callable[[], T]) -> T:
    """Retry while another DVC process holds the repository or the stage's files."""
    from dvc.lock import LockError

    deadline = time.monotonic() + WAIT
    while True:
        try:
            return action()
        except LockError as error:
            if time.monotonic() > deadline:
                raise PassingError(f"DVC stayed locked: {error}", "end the other process") from None
            time.sleep(1)


def push(root: Path) -> int:
    """Push what the pipeline made to the default DVC remote.

    Args:
        root: The project's folder.

    Returns:
        How many files were new there.
    """
    repo = _repo(root)
    return _patiently(lambda: int(repo.push(run_cache=False)))


def add(root: Path, folder: Path) -> None:
    """Put a folder of raw files under DVC.

    Args:
        root: The project's folder.
        folder: The folder, relative to ``root``; its ``.dvc`` file is made beside it.
    """
    repo = _repo(root)
    place = _beside(root, folder)
    if place.exists() and not known(root, folder):
        place.unlink()  # half written; what it says is made anew
    _patiently(lambda: repo.add(str(root / folder)))


def known(root: Path, path: Path) -> bool:
    """Return whether a file or folder is under DVC, by a ``.dvc`` file that is whole.

    Args:
        root: The project's folder.
        path: The file or folder, relative to ``root``.
    """
    place = _beside(root, path)
    try:
        return bool(read_yaml(place).get("outs")) if place.exists() else False
    except VouchError:
        return False


def _beside(root: Path, path: Path) -> Path:
    return root / path.with_name(f"{path.name}.dvc")


def fetch(root: Path, digests: Sequence[str]) -> list[Path]:
    """Return what DVC keeps under some digests, from the default remote what is not here.

    Args:
        root: The project's folder.
        digests: As in ``dvc.lock``; one that ends in ``.dir`` is a folder's listing.

    Returns:
        Where each is in DVC's cache, to be read only, in the order given.

    Raises:
        VouchError: One is neither in the cache nor in the remote, or the remote fails.
    """
    repo = _repo(root)
    places = [Path(repo.cache.local.oid_to_path(digest)) for digest in digests]
    missing = [d for d, place in zip(digests, places, strict=True) if not place.exists()]
    if missing:
        _patiently(lambda: _pull(repo, missing))
    for digest, place in zip(digests, places, strict=True):
        if not place.exists():
            raise VouchError(f"{digest}: neither in DVC's cache nor in its remote", "dvc fetch")
    return places


def _pull(repo: "Repo", digests: Sequence[str]) -> None:
    from dvc.exceptions import DvcException
    from dvc_data.hashfile.hash_info import HashInfo

    try:
        with _locked(repo):
            repo.cloud.pull([HashInfo("md5", digest) for digest in digests])
    except (DvcException, OSError) as error:
        reason = " ".join(str(error).split())
        raise VouchError(f"{digests[0]}: not in DVC's cache: {reason}", "dvc fetch") from None
