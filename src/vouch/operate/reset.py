"""``vouch reset``: removing what runs made; what people gave only on request."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData, inspect, text

from vouch.core.database import ADDRESS, DATABASE, connect, exists
from vouch.core.errors import VouchError
from vouch.holdout import witness
from vouch.holdout.blind import PROJECT, blind_usecases
from vouch.holdout.ledger import actor, now
from vouch.holdout.tables import Base as Ledger
from vouch.operate.folders import CASES, SCORES
from vouch.operate.locks import LOCKS, nobody_else
from vouch.operate.record import HOME
from vouch.project.inputs import INPUTS, Inputs, load_inputs, write_inputs
from vouch.project.paths import KEPT, STATE
from vouch.project.stages import REVIEWS, STAGES
from vouch.project.trial import end_trials
from vouch.project.versions import GOOD
from vouch.registry import approval, integrity, promotions
from vouch.review.queue.tables import Base as Queue

REMOTE = "dvc-remote"
OURS = ("holdout.key", PROJECT)
PEOPLE = {"people", "sessions", "login_failures", "capacities", "guidelines"}
"""The review store's tables that are of no case: who decides, and by what."""
LOGS = (promotions.Base, approval.Base, integrity.Base)
MODELS = "models, their log, and what else runs keep"
CACHE = (".dvc/cache", ".dvc/tmp", f".vouch/{REMOTE}")


@dataclass(frozen=True)
class Scope:
    """What goes beside what runs made.

    Attributes:
        cache: DVC's cache: every version it keeps.
        decisions: Reviewers' decisions, and the cases that are out with their files.
        people: The review page's people with their passwords and capacity, and the history of its
            guidelines; the guidelines' files stay.
        raw: The raw files that were given.
        holdouts: The holdouts' ledger and key: their budgets begin anew, which the tracked file
            keeps a note of.
    """

    cache: bool = False
    decisions: bool = False
    people: bool = False
    raw: bool = False
    holdouts: bool = False

    @property
    def goes(self) -> list[str]:
        """What people gave that goes with the database."""
        return [what for what, leaves in self._of_database.items() if leaves]

    @property
    def stays(self) -> list[str]:
        """What stays of the database."""
        return [what for what, leaves in self._of_database.items() if not leaves]

    @property
    def _of_database(self) -> dict[str, bool]:
        return {
            "reviewers' decisions and the cases that are out": self.decisions,
            "the review page's people": self.people,
            "the holdouts' ledger": self.holdouts,
        }


@dataclass(frozen=True)
class Part:
    """Something to be removed.

    Attributes:
        path: A file or folder, below the project's.
        what: What it is.
        files: How many files it is.
        bytes: How much that is.
    """

    path: Path
    what: str
    files: int
    bytes: int


def plan(root: Path, scope: Scope) -> list[Part]:
    """List what a reset would remove; nothing that is not there.

    Args:
        root: The project's folder.
        scope: What goes beside what runs made.

    Raises:
        VouchError: What stays are links into DVC's cache, which is to be removed; or what goes
            lies behind a link; or the ledger is to be forgotten while a use case is blind.
    """
    _check_not_blind(root, scope)
    if scope.cache:
        _check_links(root, scope)
    reasons = dict(_products(root, scope))
    if scope.decisions:
        reasons |= dict.fromkeys(_decisions(root), "reviewers' decisions")
    if scope.raw:
        reasons |= dict.fromkeys(_raw(root), "raw files that were given")
    if scope.cache:
        reasons |= {root / path: "DVC's cache and its copies" for path in CACHE}
    present = [path for path in reasons if path.exists() or path.is_symlink()]
    for path in present:
        _check_place(root, path)
    return [_part(path, reasons[path]) for path in present]


def reset(root: Path, scope: Scope) -> None:
    """Remove it.

    Without ``scope.decisions`` the review store keeps the cases that are out, so decisions about
    them can still be collected; without ``scope.people`` whoever could log in still can; without
    ``scope.holdouts`` the ledger stays as it is, so that no holdout answers more than its budget.

    Args:
        root: The project's folder.
        scope: What goes beside what runs made.

    Raises:
        VouchError: ``vouch up`` or a run is at work on the project, or the ledger is to be
            forgotten while a use case is blind.
    """
    plan(root, scope)  # nothing is changed before all is known to be removable
    with nobody_else(root):
        _reset(root, scope)


def _reset(root: Path, scope: Scope) -> None:
    end_trials(root)  # with their notes gone, what was only tried would stay in force
    _begin_again(root, scope)  # first: what a kill leaves is then removed by the same command
    state = root / STATE
    tables = _kept(state, scope)
    if scope.holdouts:
        witness.forget(state, now().isoformat(timespec="seconds"), actor())
    if tables or ADDRESS in os.environ:
        _drop_all_but(state, tables)
    for part in plan(root, scope):
        if part.path.name.startswith(DATABASE) and tables:
            continue
        if part.path.is_dir() and not part.path.is_symlink():
            shutil.rmtree(part.path)
        else:
            part.path.unlink(missing_ok=True)  # SQLite removes its log by itself


def _check_not_blind(root: Path, scope: Scope) -> None:
    """Check that no blind period would end unrecorded: with the ledger goes its offset."""
    names = blind_usecases(root / STATE) if scope.holdouts else []
    if names:
        raise VouchError(
            f"the holdouts' ledger is not forgotten: {', '.join(names)} is blind",
            f"freeze the pipeline first: vouch blind off {names[0]}",
        )


def _products(root: Path, scope: Scope) -> Iterator[tuple[Path, str]]:
    for folder in _outputs(root):
        yield folder, "what the stages made"
    yield root / "dvc.lock", "what the stages made"
    for folder in sorted(root.glob(SCORES.replace("{usecase}", "*"))):
        yield folder, "scores"
    yield root / HOME, "Prefect's runs"
    state = root / STATE
    # the key stays as long as decisions do, which are sealed with it for good
    for path in sorted(state.iterdir()) if state.is_dir() else ():
        if path.name == LOCKS.name or (path.suffix == ".lock" and path.name != GOOD.name):
            continue  # others may wait for it
        if path.name == KEPT.name:
            yield path, "partial results that stages keep"
        elif path.name not in (REMOTE, *([] if scope.holdouts and scope.decisions else OURS)):
            yield path, MODELS if scope.holdouts else f"{MODELS}; the holdouts' ledger stays"


def _outputs(root: Path) -> list[Path]:
    """Return the folders of the stages' outputs, whatever the use cases are called."""
    templates = {str(Path(path).parent) for stage in STAGES for path in stage.outputs.values()}
    folders = {folder for path in templates for folder in root.glob(path.replace("{usecase}", "*"))}
    return sorted(folder for folder in folders if not folders & set(folder.parents))


def _decisions(root: Path) -> Iterator[Path]:
    for folder in sorted(root.glob(REVIEWS.replace("{usecase}", "*"))):
        yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    yield from sorted(root.glob(CASES.replace("{usecase}", "*")))  # may be half filled in


def _raw(root: Path) -> list[Path]:
    return sorted(path for path in (root / "data/raw").glob("*") if path.name != ".gitignore")


def _check_links(root: Path, scope: Scope) -> None:
    stays = [] if scope.raw else list((root / "data/raw").rglob("*"))
    if not scope.decisions:
        stays += root.glob(f"{REVIEWS.replace('{usecase}', '*')}/*")
    if link := next((path for path in stays if path.is_symlink()), None):
        raise VouchError(
            f"{link}: is a link into DVC's cache, which holds the file itself",
            "reset without --cache",
        )


def _check_place(root: Path, path: Path) -> None:
    """Check that a part is the project's own: what lies behind a link may be somebody else's."""
    above = [folder for folder in path.parents if root in folder.parents]
    # a database is emptied where it is, any other link is removed and what it leads to stays
    for place in (*above, path) if path.name.startswith(DATABASE) else above:
        if place.is_symlink():
            raise VouchError(
                f"{place}: links to {place.resolve()}; reset follows no links",
                "remove the link, or by hand what it leads to",
            )


def _part(path: Path, what: str) -> Part:
    inside = [path] if path.is_file() or path.is_symlink() else list(path.rglob("*"))
    files = [file for file in inside if file.is_file() or file.is_symlink()]
    return Part(path, what, len(files), sum(file.lstat().st_size for file in files))


def _kept(state: Path, scope: Scope) -> list[str]:
    """Return the tables of the store that stay: of the queue, people, ledger, unless empty."""
    if not exists(state):
        return []
    engine = connect(state)
    there = set(inspect(engine).get_table_names())
    stays = [] if scope.decisions else [set(Queue.metadata.tables) - PEOPLE]
    stays += [] if scope.people else [PEOPLE]
    stays += [] if scope.holdouts else [set(Ledger.metadata.tables)]
    kept: list[str] = []
    with engine.begin() as connection:
        for group in stays:
            tables = there & group
            queries = (text(f"SELECT count(*) FROM {table}") for table in tables)
            kept += tables if any(connection.scalar(query) for query in queries) else ()
    engine.dispose()
    return sorted(kept)


def _drop_all_but(state: Path, tables: list[str]) -> None:
    """Drop the store's other tables; of a server's database those that are vouch's."""
    engine = connect(state)
    ours = {name for base in (Queue, Ledger, *LOGS) for name in base.metadata.tables}
    names = set(inspect(engine).get_table_names()) & ours - set(tables)
    everything = MetaData()
    everything.reflect(engine, only=sorted(names))
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        everything.drop_all(connection, [everything.tables[name] for name in names])
    engine.dispose()


def _begin_again(root: Path, scope: Scope) -> None:
    """Set every holdout back to generation 1 if the ledger of the later ones is removed."""
    if not (root / INPUTS).exists():
        return
    inputs = load_inputs(root / INPUTS)
    if not scope.holdouts:
        write_inputs(root, _without_files(inputs) if scope.raw else inputs)
        return
    remembered = {
        usecase: {name: choice.model_copy(update={"generation": 1}) for name, choice in of.items()}
        for usecase, of in inputs.remembered.items()
    }
    usecases = {
        usecase: choice.model_copy(update={"generation": 1})
        for usecase, choice in inputs.usecases.items()
    }
    restarted = Inputs(usecases=usecases, remembered=remembered)
    write_inputs(root, _without_files(restarted) if scope.raw else restarted)


def _without_files(inputs: Inputs) -> Inputs:
    """Leave out what ran on files: they are gone."""
    return Inputs(
        usecases={u: choice for u, choice in inputs.usecases.items() if not choice.files},
        remembered={
            u: {name: choice for name, choice in of.items() if not choice.files}
            for u, of in inputs.remembered.items()
        },
    )
