"""``vouch reset``: removing what runs made; what people gave only on request."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect, text

from vouch.core.database import DATABASE, sqlite
from vouch.core.errors import VouchError
from vouch.operate.folders import CASES, SCORES
from vouch.operate.locks import busy
from vouch.operate.record import HOME
from vouch.project.inputs import INPUTS, Inputs, load_inputs, write_inputs
from vouch.project.paths import KEPT, STATE
from vouch.project.stages import REVIEWS, STAGES
from vouch.project.trial import end_trials
from vouch.review.queue.store import Base as Queue

REMOTE = "dvc-remote"
CACHE = (".dvc/cache", ".dvc/tmp", f".vouch/{REMOTE}")


@dataclass(frozen=True)
class Scope:
    """What goes beside what runs made.

    Attributes:
        cache: DVC's cache: every version it keeps.
        decisions: Reviewers' decisions, and the cases that are out with their files.
        raw: The raw files that were given.
    """

    cache: bool = False
    decisions: bool = False
    raw: bool = False


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
            lies behind a link.
    """
    if scope.cache:
        _check_links(root, scope)
    reasons = dict(_products(root))
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
    them can still be collected.

    Args:
        root: The project's folder.
        scope: What goes beside what runs made.

    Raises:
        VouchError: ``vouch up`` or a run is at work on the project.
    """
    check_idle(root)
    end_trials(root)  # with their notes gone, what was only tried would stay in force
    tables = [] if scope.decisions else _cases(root)
    for part in plan(root, scope):
        if part.path.name.startswith(DATABASE) and tables:
            if part.path.name == DATABASE:
                _drop_all_but(part.path, tables)
        elif part.path.is_dir() and not part.path.is_symlink():
            shutil.rmtree(part.path)
        else:
            part.path.unlink(missing_ok=True)  # SQLite removes its log by itself
    _begin_again(root, scope)


def check_idle(root: Path) -> None:
    """Check that nothing is at work on the project.

    Raises:
        VouchError: Something is.
    """
    if who := busy(root):
        raise VouchError(who, "end it first")


def _products(root: Path) -> Iterator[tuple[Path, str]]:
    for folder in _outputs(root):
        yield folder, "what the stages made"
    yield root / "dvc.lock", "what the stages made"
    for folder in sorted(root.glob(SCORES.replace("{usecase}", "*"))):
        yield folder, "scores"
    yield root / HOME, "Prefect's runs"
    state = root / STATE
    for path in sorted(state.iterdir()) if state.is_dir() else ():
        if path.name == KEPT.name:
            yield path, "partial results that stages keep"
        elif path.name != REMOTE:
            yield path, "models, their log, the holdout's key and ledger"


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


def _cases(root: Path) -> list[str]:
    """Return the review store's tables that hold something."""
    database = root / STATE / DATABASE
    if not database.exists():
        return []
    engine = sqlite(database)
    tables = set(inspect(engine).get_table_names()) & set(Queue.metadata.tables)
    with engine.connect() as connection:
        counts = {t: connection.scalar(text(f"SELECT count(*) FROM {t}")) for t in tables}
    engine.dispose()
    return sorted(tables) if any(counts.values()) else []


def _drop_all_but(database: Path, tables: list[str]) -> None:
    engine = sqlite(database)
    gone = [table for table in inspect(engine).get_table_names() if table not in tables]
    with engine.begin() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in gone:
            connection.execute(text(f"DROP TABLE {table}"))
    engine.dispose()


def _begin_again(root: Path, scope: Scope) -> None:
    """Set every holdout back to generation 1: the ledger of the later ones is removed."""
    inputs = load_inputs(root / INPUTS)
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
