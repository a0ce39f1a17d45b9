"""Registered versions: writing one to MLflow, and finding it again.

Who is champion comes from the promotion log alone; MLflow's alias is made to follow it.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vouch.core import tracking
from vouch.core.errors import VouchError, suggest
from vouch.holdout.chain import Recorded
from vouch.holdout.witness import TAG
from vouch.registry.integrity import (
    Identity,
    listing,
    note_versions,
    origin,
    record_files,
    verify,
)
from vouch.registry.packaging import EVIDENCE, MODEL
from vouch.registry.promotions import Promotion, by_hand, champion_entry, is_of, unchanging
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.holdouts import Head
from vouch.results.lineage import Lineage
from vouch.sources.declaration import load_declaration, plain_word

if TYPE_CHECKING:
    from mlflow import MlflowClient

FINGERPRINT = "vouch.fingerprint"
CHALLENGER = "challenger"
CHAMPION = "champion"


@dataclass(frozen=True)
class Version:
    """One version of a registered model.

    Attributes:
        name: The registered model, ``<usecase>-<source>``.
        number: From 1.
        run_id: MLflow's run it belongs to.
        source: Where MLflow says its files are, a URI.
        state: The state folder it was found in.
        aliases: ``champion`` by the promotion log, ``challenger``, or others set in MLflow.
    """

    name: str
    number: int
    run_id: str
    source: str
    state: Path
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"

    @property
    def model_id(self) -> str:
        """MLflow's name of the logged model under it; of none, where its files are."""
        part = re.search(r"/models/(m-[0-9a-f]+)(/|$)", self.source)
        return part[1] if part else self.source

    @property
    def identity(self) -> Identity:
        """What its digests are kept under."""
        return Identity(self.name, self.number, self.model_id)

    @property
    def origin(self) -> str:
        """Where its digests are from: ``registered`` with it, ``adopted`` later, or ``none``."""
        return origin(self.state, self.identity)

    @cached_property
    def folder(self) -> Path:
        """MLflow's model folder on this machine; fetched if it is elsewhere.

        Raises:
            VouchError: It cannot be had, or a file in it is not what was registered.
        """
        place = self._place()
        verify(self.state, self.identity, place)
        return place

    def _place(self) -> Path:
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        if ours := _inside(self.state, self.source):
            return ours
        try:
            return Path(download_artifacts(artifact_uri=self.source))
        except (MlflowException, OSError) as error:
            raise VouchError(
                f"{self}: its files are not at {self.source} ({error})",
                "bring the state folder back to where it was",
            ) from None

    @property
    def model(self) -> Path:
        """A folder for the use case's own ``load``."""
        return self.folder / MODEL

    @property
    def predictions(self) -> Path:
        """Its out-of-fold predictions, Parquet."""
        return self.folder / EVIDENCE / "predictions.parquet"

    @cached_property
    def lineage(self) -> Lineage:
        """What it was made from."""
        return Lineage.read(self.folder / EVIDENCE / "lineage.json")

    @cached_property
    def evaluation(self) -> Evaluation:
        """How good evaluate found it."""
        return Evaluation.read(self.folder / EVIDENCE / "evaluation.json")

    @cached_property
    def extracted(self) -> Extracted:
        """What extract wrote of the rows it learned from."""
        result = Extracted.read(self.folder / EVIDENCE / "extract.json")
        if result.listed or result.mapped:
            return result
        return result.model_copy(update={"listed": self._listed()})

    def _listed(self) -> list[str]:
        """Return the values its label column listed, which earlier releases wrote there alone."""
        with suppress(VouchError):  # it may be what is no longer taken for a declaration
            declaration = load_declaration(self.folder / EVIDENCE / "declaration.yaml")
            name = declaration.column("label")
            values = declaration.columns[name].values if name else ()
            return [plain_word(value) for value in values] if isinstance(values, tuple) else []
        return []


@dataclass(frozen=True)
class Package:
    """What becomes a version.

    Attributes:
        name: The registered model.
        run_id: MLflow's run it belongs to.
        model: Its folder, as tune wrote it.
        example: A few rows with its features.
        evidence: Files to keep beside it, by their name there.
        fingerprint: Digest of everything the model is made of; one version for each.
        tags: Shown with the version.
        candidate: What was fitted, shown as the logged model's parameters.
        package: Writes the MLflow model: the model's folder, the example, the folder to make,
            MLflow's id of the logged model and of the run.
    """

    name: str
    run_id: str
    model: Path
    example: pd.DataFrame
    evidence: Mapping[str, Path]
    fingerprint: str
    tags: Mapping[str, str]
    candidate: Mapping[str, Any]
    package: Callable[[Path, pd.DataFrame, Path, str, str], None]


def publish(state: Path, new: Package) -> Version:
    """Register a model; the same fingerprint again returns the existing version.

    A process killed half-way leaves an unfinished logged model, which the next one fills.

    Args:
        state: The project's state folder.
        new: What to register.
    """
    mlflow = _client(state)
    _ensure_name(mlflow, new.name)
    same = {v.tags.get(FINGERPRINT): v for v in _search(mlflow, new.name)}.get(new.fingerprint)
    if same:
        version = _version(state, same)
        verify(state, version.identity, version._place())
        return version
    logged = _log_model(state, mlflow, new)
    created = mlflow.create_model_version(
        new.name,
        # a models:/ address would be looked up in MLflow's global store instead of ours
        source=logged.artifact_location,
        run_id=new.run_id,
        tags={**new.tags, FINGERPRINT: new.fingerprint},
    )
    return _version(state, created)


def _log_model(state: Path, mlflow: "MlflowClient", new: Package) -> Any:
    """Write the files of a model and their digests, before a version has them."""
    logged = _logged_model(state, mlflow, new)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "model"
        new.package(new.model, new.example, target, logged.model_id, new.run_id)
        _copy_evidence(new.evidence, target / EVIDENCE)
        mlflow.log_model_artifacts(logged.model_id, str(target))
        record_files(state, new.name, logged.model_id, listing(target), "registered")
    mlflow.finalize_logged_model(logged.model_id, "READY")
    return logged


def set_alias(state: Path, name: str, alias: str, number: int) -> None:
    """Point an alias in MLflow at a version.

    Args:
        state: The project's state folder.
        name: The registered model.
        alias: Such as ``challenger``.
        number: The version's.

    Raises:
        VouchError: MLflow does not do so; it may no longer have the version.
    """
    from mlflow.exceptions import MlflowException

    try:
        tracking.client(state).set_registered_model_alias(name, alias, str(number))
    except MlflowException as error:
        raise VouchError(
            f"{name}:{number}: MLflow does not take it as {alias} ({error.message})",
            f"promote a version that is there: {by_hand(name)}",
        ) from None


def champion(state: Path, name: str) -> Path | None:
    """Find the champion's model.

    Args:
        state: The project's state folder.
        name: The registered model, ``<usecase>-<source>``.

    Returns:
        A folder for ``vouch.usecases.fraud.models.load``, or None while there is no champion.

    Raises:
        VouchError: Its files cannot be had, or are not what was registered.
    """
    version = find_champion(state, name)
    return version.model if version else None


def find_champion(state: Path, name: str) -> "Version | None":
    """Return the champion, or None while there is none; see :func:`champion_number`."""
    return None if champion_number(state, name) is None else find(state, name, CHAMPION)


def champion_number(state: Path, name: str) -> int | None:
    """Return the champion's version number.

    Args:
        state: The project's state folder.
        name: The registered model.

    Returns:
        None while there is no champion; also where MLflow lost all versions of the model, or has
        another model under the champion's number.
    """
    entry = champion_entry(state, name)
    if entry is None or name not in names(state):  # the log alone spares MLflow's import
        return None
    models = {version.number: version.model_id for version in versions(state, name)}
    # a champion whose version alone was deleted counts until people promote another
    same = is_of(entry, entry.to_version, models.get(entry.to_version))
    return entry.to_version if models and same else None


def names(state: Path) -> list[str]:
    """List the registered models, sorted; none where nothing was ever registered."""
    if not tracking.started(state):
        return []
    return sorted(m.name for m in tracking.client(state).search_registered_models())


def versions(state: Path, name: str) -> list[Version]:
    """List a model's versions, oldest first.

    Raises:
        VouchError: No such model; the hint suggests similar names.
    """
    if name not in (registered := names(state)):
        hint = suggest(name, registered) if registered else f"vouch run {name.partition('-')[0]}"
        raise VouchError(f"no registered model {name!r}", hint)
    return _listed(state, name)


def versions_if_any(state: Path, name: str) -> list[Version]:
    """List a model's versions, oldest first; none where no such model is registered."""
    return _listed(state, name) if name in names(state) else []


def _listed(state: Path, name: str) -> list[Version]:
    mlflow = _client(state)
    listed = [_version(state, each) for each in _search(mlflow, name)]
    aliases = _aliases(state, mlflow, name, listed)
    return [replace(version, aliases=aliases.get(version.number, ())) for version in listed]


def find(state: Path, name: str, which: str) -> Version:
    """Find one version.

    Args:
        state: The project's state folder.
        name: The registered model.
        which: A number, or an alias such as ``champion``.

    Raises:
        VouchError: No such model or version; the hint lists those that exist.
    """
    listed = versions(state, name)
    for version in listed:
        if which == str(version.number) or which in version.aliases:
            return version
    if which == CHAMPION:
        raise no_champion(state, name)
    choices = [str(v.number) for v in listed] + sorted({a for v in listed for a in v.aliases})
    raise VouchError(f"{name} has no version {which!r}", suggest(which, choices))


def served_heads(state: Path) -> list[Recorded]:
    """Return the heads of ledgers in the tags of a tracking server; none where there is none.

    Args:
        state: The project's state folder.
    """
    if "MLFLOW_TRACKING_URI" not in os.environ:
        return []  # the project's own store is read with every question
    tagged = [
        (f"MLflow's tag {TAG} of {version.name}:{version.version}", version.tags[TAG])
        for version in _search(tracking.client(state))
        if TAG in version.tags
    ]
    return [Recorded(where, Head.parse(value, where)) for where, value in tagged]


def no_champion(state: Path, name: str) -> VouchError:
    """Return that a model has no champion: the log names none, or one that MLflow lost.

    Args:
        state: The project's state folder.
        name: The registered model.
    """
    entry = champion_entry(state, name)
    problem = f"{name} has no champion yet"
    if entry:
        model = f" (model {entry.model_id})" if entry.model_id else ""
        problem = f"{name}:{entry.to_version} is the champion, but MLflow no longer has it{model}"
    return VouchError(
        problem,
        f"promote a version ({by_hand(name)}), or use --model challenger",
    )


def parse(state: Path, reference: str) -> Version:
    """Find the version that ``NAME:VERSION`` names, such as ``fraud-paysim:3``.

    Raises:
        VouchError: Not written so, or no such model or version.
    """
    name, colon, which = reference.rpartition(":")
    if not colon:
        raise VouchError(
            f"{reference!r} names no version", f"write {reference}:1 or {reference}:champion"
        )
    return find(state, name, which)


def _ensure_name(mlflow: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        mlflow.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _client(state: Path) -> "MlflowClient":
    mlflow = tracking.client(state)
    note_versions(state, lambda: [_version(state, each).model_id for each in _search(mlflow)])
    return mlflow


def _search(mlflow: "MlflowClient", name: str | None = None) -> list[Any]:
    """Return MLflow's versions of a model, or of all, oldest first."""
    query, listed, token = f"name='{name}'" if name else None, [], None
    while True:
        page = mlflow.search_model_versions(query, page_token=token)
        listed.extend(page)
        token = page.token
        if not token:
            return sorted(listed, key=lambda v: int(v.version))


def _aliases(
    state: Path, mlflow: "MlflowClient", name: str, listed: list[Version]
) -> dict[int, tuple[str, ...]]:
    """Return each version's aliases: ``champion`` from the log, the others from MLflow."""
    numbers = {a: int(n) for a, n in mlflow.get_registered_model(name).aliases.items()}
    marked, entry = numbers.pop(CHAMPION, None), champion_entry(state, name)
    champion = next((v.number for v in listed if is_of(entry, v.number, v.model_id)), None)
    if champion is not None:
        numbers[CHAMPION] = champion
    if marked != champion:
        _mend(state, mlflow, name, entry, champion)
    aliases: dict[int, tuple[str, ...]] = {}
    for alias, number in sorted(numbers.items()):
        aliases[number] = (*aliases.get(number, ()), alias)
    return aliases


def _mend(
    state: Path,
    mlflow: "MlflowClient",
    name: str,
    seen: Promotion | None,
    champion: int | None,
) -> None:
    """Set MLflow's alias to the log's champion, if a killed process or a person moved it."""
    from mlflow.exceptions import MlflowException

    # a registry that may only be read answers all the same
    with suppress(MlflowException), unchanging(state, name) as entry:
        if (entry and entry.id) != (seen and seen.id):
            return  # whoever changed the log since has moved the alias, too
        if champion is None:
            mlflow.delete_registered_model_alias(name, CHAMPION)
        else:
            mlflow.set_registered_model_alias(name, CHAMPION, str(champion))


def _version(state: Path, listed: Any) -> Version:
    return Version(listed.name, int(listed.version), listed.run_id, listed.source, state)


def _inside(state: Path, source: str) -> Path | None:
    """Return a folder of artifacts as it lies in this project.

    MLflow keeps absolute paths: in a project that was moved or copied its own files come first.
    """
    _, inside, rest = source.partition(f"/{state.name}/mlartifacts/")
    ours = state / "mlartifacts" / rest
    return ours if inside and ours.exists() else None


def _logged_model(state: Path, mlflow: "MlflowClient", new: Package) -> Any:
    experiment = tracking.experiment(state, new.name)
    query = f"tags.`{FINGERPRINT}` = '{new.fingerprint}'"
    if earlier := mlflow.search_logged_models([experiment], filter_string=query):
        if unfinished := _inside(state, earlier[0].artifact_location):
            shutil.rmtree(unfinished)  # a file left from it would be no part of the version
        return earlier[0]
    return mlflow.create_logged_model(
        experiment,
        name=new.name,
        source_run_id=new.run_id,
        params={key: str(value) for key, value in new.candidate.items()},
        tags={**new.tags, FINGERPRINT: new.fingerprint},
    )


def _copy_evidence(files: Mapping[str, Path], folder: Path) -> None:
    folder.mkdir()
    for name, path in files.items():
        shutil.copyfile(path, folder / name)
