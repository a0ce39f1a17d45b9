"""The choice of input: which source, which of its files, as of when — ``data/inputs.yaml``."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256 as new_digest
from pathlib import Path
from typing import Annotated

import yaml
from filelock import FileLock
from pydantic import AfterValidator, Field, ValidationError

from vouch.core.errors import VouchError, suggest
from vouch.core.files import read_yaml, replacing, write_json
from vouch.core.output import write
from vouch.core.settings import Engine, describe
from vouch.project.code import code_of
from vouch.project.paths import STATE
from vouch.project.stages import REVIEWS
from vouch.results.blind import Frozen
from vouch.sources.confirm import check_confirmed
from vouch.sources.declaration import (
    NAME,
    Declaration,
    Strict,
    load_declaration,
    source_path,
)
from vouch.sources.manifest import DIGITS, keep, reading
from vouch.usecases import find

INPUTS = Path("data/inputs.yaml")
RAW = "data/raw"
HEADER = "# What the pipeline runs on; `vouch run` writes it, dvc.yaml reads it through vars.\n"
Sha12 = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{DIGITS}}}$")]

Encoder = Annotated[str, Field(pattern=r"^[\w.-]+@[0-9a-f]{64}$")]

# dvc.yaml puts them into commands and paths
Name = Annotated[str, Field(pattern=NAME)]


def _as_of(value: str) -> str:
    if value != "latest":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be 'latest' or an ISO time such as 2024-01-20") from None
    return value


class Choice(Strict):
    """One use case's input.

    Attributes:
        source: A declaration in ``data/sources``.
        raw: What the ingest stage depends on: the folder of raw files, or the simulator's code.
        files: First 12 digits of the SHA-256 of each raw file in force, in order of arrival.
        held_out: Likewise of each file whose rows are the holdout; none: it is cut off the others.
        set: Names the set since the last ``--path``; adding files keeps it.
        generation: Which holdout of this set, from 1.
        as_of: ``latest``, or the ISO time up to which anything is known.
        engine: Where features are computed; both engines make the same rows.
        blind: The blind period in force, as the ledger has it; None: figures are shown.
        frozen: What was frozen when the last one ended, and whether it is at work; None: nothing.
        encoders: Sentence encoders of this environment that its models may use, by name and digest;
            none where it has no use for them.
        code: The use case's own code: its folder, or a file that holds its package's digest.
    """

    source: Name
    raw: str = Field(pattern=r"^(data/raw|src/vouch/sources)/[\w-]+(\.py)?$")
    files: tuple[Sha12, ...] = ()
    held_out: tuple[Sha12, ...] = ()
    set: Sha12
    generation: int = Field(default=1, ge=1)
    as_of: Annotated[str, AfterValidator(_as_of)] = "latest"
    engine: Engine = "duckdb"
    blind: Sha12 | None = None
    frozen: Frozen | None = None
    encoders: tuple[Encoder, ...] = ()
    code: str = Field(default="", pattern=r"^((src/vouch|data)/usecases/[\w-]+(\.txt)?)?$")


class Inputs(Strict):
    """The content of ``data/inputs.yaml``.

    Attributes:
        usecases: What each use case runs on.
        remembered: Each use case's other sources and what they last ran on.
    """

    usecases: dict[Name, Choice]
    remembered: dict[Name, dict[Name, Choice]] = Field(default_factory=dict)

    def choice(self, usecase: str) -> Choice:
        """Return one use case's input.

        Raises:
            VouchError: No such use case; suggests the near one.
        """
        if usecase not in self.usecases:
            raise VouchError(f"{INPUTS}: no use case {usecase!r}", suggest(usecase, self.usecases))
        return self.usecases[usecase]


def load_inputs(path: Path) -> Inputs:
    """Read the choice of input.

    Args:
        path: ``data/inputs.yaml``.

    Raises:
        VouchError: Missing, no YAML, or a field that is wrong.
    """
    try:
        return Inputs.model_validate(read_yaml(path))
    except ValidationError as error:
        raise VouchError(f"{path}: {describe(error)}", "mend the field") from None


def inputs_so_far(root: Path) -> Inputs:
    """Read the project's choice of input; an empty one where nothing has run yet.

    Args:
        root: The project's folder.

    Raises:
        VouchError: As for :func:`load_inputs`, but for a missing file.
    """
    path = root / INPUTS
    return load_inputs(path) if path.exists() else Inputs(usecases={})


def present_source(root: Path, usecase: str) -> Declaration:
    """Read the declaration of the source that a use case runs on.

    Args:
        root: The project's folder.
        usecase: Which use case of ``data/inputs.yaml``.

    Raises:
        VouchError: The use case has no input, or a file is missing or wrong.
    """
    choice = load_inputs(root / INPUTS).choice(usecase)
    return load_declaration(source_path(root, choice.source))


def save_choice(root: Path, usecase: str, choice: Choice) -> Choice:
    """Write one use case's input, leaving the others; the same choice is the same bytes.

    Args:
        root: The project's folder.
        usecase: Whose entry.
        choice: The entry.

    Returns:
        The entry as it was written, with where the use case's code is.
    """
    with _locked(root):
        choice = choice.model_copy(update={"code": code_of(root, usecase)})
        _write(root / INPUTS, _with(inputs_so_far(root), usecase, choice))
    return choice


def usable_encoders(usecase: str) -> tuple[str, ...]:
    """Return the encoders of this environment that a use case's models may use, by identity.

    Args:
        usecase: Which use case; models of both engines use the same.

    Raises:
        VouchError: A file of an encoder is missing or damaged.
    """
    if not find(usecase).embeds:
        return ()
    from vouch.engine.encoders import installed

    return tuple(installed())


def write_inputs(root: Path, inputs: Inputs) -> None:
    """Write every use case's input; the same choices are the same bytes.

    Args:
        root: The project's folder.
        inputs: What the file is to say.
    """
    with _locked(root):
        _write(root / INPUTS, inputs)


def _write(path: Path, inputs: Inputs) -> None:
    text = HEADER + yaml.safe_dump(inputs.model_dump(mode="json"), sort_keys=False)
    # a file of an older version is completed: DVC asks for every field that a stage takes
    if not path.exists() or path.read_text() != text:
        with replacing(path) as draft:
            draft.write_text(text)


def _with(inputs: Inputs, usecase: str, choice: Choice) -> Inputs:
    others = dict(inputs.remembered.get(usecase, {}))
    before = inputs.usecases.get(usecase)
    if before and before.source != choice.source:
        others[before.source] = before
    others.pop(choice.source, None)
    return Inputs(
        usecases={**inputs.usecases, usecase: choice},
        remembered={**inputs.remembered, usecase: dict(sorted(others.items()))},
    )


def choose(
    root: Path,
    usecase: str,
    source: str | None = None,
    *,
    path: Path | None = None,
    add: Path | None = None,
    holdout: Path | None = None,
    as_of: str | None = None,
    engine: Engine | None = None,
    say: Callable[[str], None] = write,
) -> Choice:
    """Decide what the next run works on, and keep a copy of every raw file that comes.

    Args:
        root: The project's folder.
        usecase: Which use case.
        source: Which declaration of ``data/sources``; None: as last time.
        path: A raw file that replaces the source's files and starts a new set.
        add: A raw file that joins them.
        holdout: A raw file whose rows are the holdout, instead of a part cut off the others.
        as_of: ``latest`` or an ISO time; None: as last time.
        engine: ``duckdb`` or ``spark``; None: as last time.
        say: Called with a message on a file that is there already.

    Returns:
        The use case's entry as it now stands in ``data/inputs.yaml``.

    Raises:
        VouchError: Unknown source or use case, a file that cannot be read, is empty or a folder,
            files for a simulator, no files for a source that needs some, an encoder's file that is
            missing or damaged, or a blind period that the ledger does not know.
    """
    from vouch.holdout.blind import in_force

    inputs = inputs_so_far(root)
    before = inputs.usecases.get(usecase)
    name = source or (before.source if before else None)
    if name is None:
        raise VouchError(f"{INPUTS}: no use case {usecase!r} yet", "name one: --source SOURCE")
    declaration = load_declaration(source_path(root, name))
    _check_source(root, usecase, declaration)
    check_confirmed(declaration, source_path(root, name))
    engine = engine or (before.engine if before else "duckdb")
    encoders = usable_encoders(usecase)  # an error before anything is recorded
    previous = inputs.remembered.get(usecase, {}).get(name)
    previous = before if before and before.source == name else previous
    if declaration.simulator:
        choice = _simulated(root, declaration, previous, path or add or holdout)
    else:
        choice = _held_out(
            root, declaration, _filed(root, declaration, previous, path, add), holdout
        )
        choice = _renewed(root, usecase, previous, choice, say)
        _tell_known(previous, choice, path or add, say)
    choice = _dated(choice, as_of or choice.as_of)
    blind = in_force(root / STATE, usecase, before.blind if before else None)
    choice = choice.model_copy(update={"engine": engine, "blind": blind, "encoders": encoders})
    _write_suite(root, declaration)
    _make_folder(root, usecase)
    return save_choice(root, usecase, choice)


def _make_folder(root: Path, usecase: str) -> None:
    """Make the folder of people's decisions, which DVC asks for and git carries when empty."""
    folder = root / REVIEWS.format(usecase=usecase)
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitkeep").touch()


def _check_source(root: Path, usecase: str, declaration: Declaration) -> None:
    from vouch.usecases.needs import check

    path = source_path(root, declaration.name)
    if not path.exists():
        raise VouchError(f"{path.parent}: name {declaration.name!r} is not its file's", "rename it")
    if declaration.usecase != usecase:
        raise VouchError(
            f"{path}: is declared for {declaration.usecase!r}, not {usecase!r}",
            suggest(usecase, [declaration.usecase]),
        )
    check(declaration, path)


def _simulated(
    root: Path, declaration: Declaration, previous: Choice | None, file: Path | None
) -> Choice:
    if file:
        others = _file_sources(root)
        raise VouchError(
            f"source {declaration.name!r} is simulated and takes no file (got {file})",
            f"--source with one of: {', '.join(others) or 'none declared yet'}",
        )
    # the set is the simulator, whatever its rows and seed: an edit of them must not bring a
    # holdout with a fresh budget, and `dvc repro` must see the same choice as `vouch run`
    digest = new_digest(declaration.name.encode()).hexdigest()[:DIGITS]
    if previous and previous.set == digest:
        return previous
    return Choice(source=declaration.name, raw=_simulator(root, declaration), set=digest)


def _simulator(root: Path, declaration: Declaration) -> str:
    """Return the simulator's code, a module or a package, as a path relative to the root."""
    assert declaration.simulator is not None
    place = f"src/vouch/sources/{declaration.simulator.name}"
    return place if (root / place).is_dir() else f"{place}.py"


def _file_sources(root: Path) -> list[str]:
    sources = [load_declaration(path) for path in sorted((root / "data/sources").glob("*.yaml"))]
    return [declaration.name for declaration in sources if not declaration.simulator]


def _filed(
    root: Path,
    declaration: Declaration,
    previous: Choice | None,
    path: Path | None,
    add: Path | None,
) -> Choice:
    name = declaration.name
    if path is None and add is None and previous is None:
        raise VouchError(
            f"source {name!r} has no file yet",
            f"vouch run {declaration.usecase} --source {name} --path FILE",
        )
    folder = root / RAW / name
    for file in filter(None, (path, add)):
        check_file(declaration, file)
    choice = _replaced(name, previous, keep(folder, path)) if path else previous
    if add:
        choice = _added(name, choice, keep(folder, add))
    assert choice is not None
    return choice


def _held_out(root: Path, declaration: Declaration, choice: Choice, file: Path | None) -> Choice:
    if file is None:
        return choice
    check_file(declaration, file)
    key = keep(root / choice.raw, file)
    if key in choice.files:
        raise VouchError(
            f"{file}: is in force as a file to learn from",
            "give the holdout another file than --path",
        )
    return choice.model_copy(update={"held_out": (key,)})


def _renewed(
    root: Path, usecase: str, previous: Choice | None, choice: Choice, say: Callable[[str], None]
) -> Choice:
    """Open the next generation where another file becomes the holdout of the same set."""
    from vouch.holdout.ledger import HoldoutKey, Ledger

    if not previous or previous.set != choice.set or previous.held_out == choice.held_out:
        return choice
    ledger, generation = Ledger(root / STATE), max(previous.generation, choice.generation) + 1
    key = HoldoutKey(usecase, choice.source, choice.set, generation)
    while ledger.find(key):  # a trial that failed had cut it of other rows: none is opened twice
        key = replace(key, generation=key.generation + 1)
    ledger.rotate(key)
    say(
        f"generation {key.generation} of the holdout opens, on the rows of the file; those sealed "
        "or kept until now are learned from"
    )
    return choice.model_copy(update={"generation": key.generation})


def check_file(declaration: Declaration, file: Path) -> None:
    """Check that a file has the declared format and columns before it is in force.

    Raises:
        VouchError: It cannot be read, or a column is missing.
    """
    import duckdb

    from vouch.sources.readers import open_raw

    with (
        reading(file),
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect() as connection,
    ):
        open_raw(connection, file, declaration, Path(scratch))


def _tell_known(
    previous: Choice | None, choice: Choice, file: Path | None, say: Callable[[str], None]
) -> None:
    if file and previous and previous.files == choice.files:
        say(f"{file} is in force already: nothing changes")


def _replaced(name: str, previous: Choice | None, key: str) -> Choice:
    if previous and previous.files == (key,):
        return previous
    if previous:
        _refuse_held(name, previous, key)
    return Choice(source=name, raw=f"{RAW}/{name}", files=(key,), set=key)


def _added(name: str, choice: Choice | None, key: str) -> Choice:
    if choice is None:
        return _replaced(name, None, key)
    if key in choice.files:
        return choice
    _refuse_held(name, choice, key)
    return choice.model_copy(update={"files": (*choice.files, key)})


def _refuse_held(name: str, choice: Choice, key: str) -> None:
    if key in choice.held_out:
        raise VouchError(
            f"data/raw/{name}: file {key} is the holdout: no model may learn from it",
            "give another file, or the holdout's rows under another source's name",
        )


def _dated(choice: Choice, as_of: str) -> Choice:
    try:
        return Choice.model_validate(choice.model_dump() | {"as_of": as_of})
    except ValidationError as error:
        raise VouchError(describe(error), "--as-of 2024-01-20T00:00:00, or latest") from None


def _write_suite(root: Path, declaration: Declaration) -> None:
    """Derive the source's expectations from its roles, unless somebody wrote them already."""
    from vouch.usecases.suite import derive_suite

    path = root / f"expectations/{declaration.name}.json"
    if not path.exists():
        write_json(path, derive_suite(declaration))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    folder = root / ".vouch/locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "inputs.lock"):
        yield
