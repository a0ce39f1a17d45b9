"""The choice of input: which source, which of its files, as of when — ``data/inputs.yaml``."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256 as new_digest
from pathlib import Path
from typing import Annotated, Literal

import yaml
from filelock import FileLock
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from vouch.errors import VouchError, near
from vouch.files import read_json, read_yaml, replacing, sha256, sweep, write_json
from vouch.output import write
from vouch.sources.confirm import check_confirmed
from vouch.sources.declaration import (
    NAME,
    Declaration,
    Strict,
    describe,
    load_declaration,
    source_path,
)

INPUTS = Path("data/inputs.yaml")
MANIFEST = "manifest.json"
DIGITS = 12
HEADER = "# What the pipeline runs on; `vouch run` writes it, dvc.yaml reads it through vars.\n"
Engine = Literal["duckdb", "spark"]
Sha12 = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{DIGITS}}}$")]

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
    """

    source: Name
    raw: str = Field(pattern=r"^(data/raw|src/vouch/sources)/[\w-]+(\.py)?$")
    files: tuple[Sha12, ...] = ()
    held_out: tuple[Sha12, ...] = ()
    set: Sha12
    generation: int = Field(default=1, ge=1)
    as_of: Annotated[str, AfterValidator(_as_of)] = "latest"
    engine: Engine = "duckdb"


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
            raise VouchError(f"{INPUTS}: no use case {usecase!r}", near(usecase, self.usecases))
        return self.usecases[usecase]


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


def save_choice(root: Path, usecase: str, choice: Choice) -> None:
    """Write one use case's input, leaving the others; the same choice is the same bytes.

    Args:
        root: The project's folder.
        usecase: Whose entry.
        choice: The entry.
    """
    path = root / INPUTS
    with _locked(root):
        inputs = load_inputs(path) if path.exists() else Inputs(usecases={})
        _write(path, _with(inputs, usecase, choice))


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
    # an older file is completed: DVC asks for every field that a stage takes
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
        say: Told of a file that is there already.

    Returns:
        The use case's entry as it now stands in ``data/inputs.yaml``.

    Raises:
        VouchError: Unknown source or use case, a file that cannot be read, is empty or a folder,
            files for a simulator, or no files for a source that needs some.
    """
    inputs = load_inputs(root / INPUTS) if (root / INPUTS).exists() else Inputs(usecases={})
    before = inputs.usecases.get(usecase)
    name = source or (before.source if before else None)
    if name is None:
        raise VouchError(f"{INPUTS}: no use case {usecase!r} yet", "name one: --source SOURCE")
    declaration = load_declaration(source_path(root, name))
    _check_source(root, usecase, declaration)
    check_confirmed(declaration, source_path(root, name))
    kept = inputs.remembered.get(usecase, {}).get(name)
    kept = before if before and before.source == name else kept
    if declaration.simulator:
        choice = _simulated(root, declaration, kept, path or add or holdout)
    else:
        choice = _held_out(root, declaration, _filed(root, declaration, kept, path, add), holdout)
        _tell_known(kept, choice, path or add, say)
    choice = _dated(choice, as_of or choice.as_of)
    choice = choice.model_copy(update={"engine": engine or (before.engine if before else "duckdb")})
    _write_suite(root, declaration)
    save_choice(root, usecase, choice)
    return choice


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
    """
    digest = _digest(file)
    key = digest[:DIGITS]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        sweep(folder)  # a draft would be versioned with the rest
        manifest = load_manifest(folder)
        entry = manifest.get(key)
        name = entry.name if entry else f"{key}-{file.name}".replace("\\", "_")
        if not (folder / name).exists() or sha256(folder / name) != digest:
            _copy(file, folder / name, digest)
        if entry is None:
            manifest[key] = Arrival(
                name=name, sha256=digest, arrived_at=datetime.now(UTC), bytes=file.stat().st_size
            )
            content = {k: v.model_dump(mode="json") for k, v in manifest.items()}
            write_json(folder / MANIFEST, content)
    return key


def _digest(file: Path) -> str:
    with _reading(file):
        return sha256(file)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Check that there is something to read, and tell what keeps it from being read."""
    if not file.exists():
        known = [p.name for p in file.parent.glob("*")] if file.parent.is_dir() else []
        hint = near(file.name, known) if known else "check the path"
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
            raise VouchError(f"{file}: changed while it was copied", "run it again when it rests")
        draft.chmod(0o444)


def _check_source(root: Path, usecase: str, declaration: Declaration) -> None:
    from vouch import usecases

    path = source_path(root, declaration.name)
    if not path.exists():
        raise VouchError(f"{path.parent}: name {declaration.name!r} is not its file's", "rename it")
    if declaration.usecase != usecase:
        raise VouchError(
            f"{path}: is declared for {declaration.usecase!r}, not {usecase!r}",
            near(usecase, [declaration.usecase]),
        )
    usecases.find(declaration.usecase).check(declaration, path)


def _simulated(
    root: Path, declaration: Declaration, kept: Choice | None, given: Path | None
) -> Choice:
    if given:
        others = _file_sources(root)
        raise VouchError(
            f"source {declaration.name!r} is simulated and takes no file (got {given})",
            f"--source with one of: {', '.join(others) or 'none declared yet'}",
        )
    # the set is the simulator, whatever its rows and seed: an edit of them must not bring a
    # holdout with a fresh budget, and `dvc repro` must see the same choice as `vouch run`
    digest = new_digest(declaration.name.encode()).hexdigest()[:DIGITS]
    if kept and kept.set == digest:
        return kept
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
    kept: Choice | None,
    path: Path | None,
    add: Path | None,
) -> Choice:
    name = declaration.name
    if path is None and add is None and kept is None:
        raise VouchError(
            f"source {name!r} has no file yet",
            f"vouch run {declaration.usecase} --source {name} --path FILE",
        )
    folder = root / "data/raw" / name
    for file in filter(None, (path, add)):
        _check_file(declaration, file)
    choice = _replaced(name, kept, keep(folder, path)) if path else kept
    if add:
        choice = _added(name, choice, keep(folder, add))
    assert choice is not None
    return choice


def _held_out(root: Path, declaration: Declaration, choice: Choice, file: Path | None) -> Choice:
    if file is None:
        return choice
    _check_file(declaration, file)
    key = keep(root / choice.raw, file)
    if key in choice.files:
        raise VouchError(
            f"{file}: is in force as a file to learn from",
            "give the holdout another file than --path",
        )
    return choice.model_copy(update={"held_out": (key,)})


def _check_file(declaration: Declaration, file: Path) -> None:
    """Check that a file has the declared format and columns before it is in force."""
    import duckdb

    from vouch.sources.readers import open_raw

    with (
        _reading(file),
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect() as connection,
    ):
        open_raw(connection, file, declaration, Path(scratch))


def _tell_known(
    kept: Choice | None, choice: Choice, file: Path | None, say: Callable[[str], None]
) -> None:
    if file and kept and kept.files == choice.files:
        say(f"{file} is in force already: nothing changes")


def _replaced(name: str, kept: Choice | None, key: str) -> Choice:
    if kept and kept.files == (key,):
        return kept
    if kept:
        _refuse_held(name, kept, key)
    return Choice(source=name, raw=f"data/raw/{name}", files=(key,), set=key)


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
    from vouch.validate.suite import derive_suite

    path = root / f"expectations/{declaration.name}.json"
    if not path.exists():
        write_json(path, derive_suite(declaration))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    folder = root / ".vouch/locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "inputs.lock"):
        yield
