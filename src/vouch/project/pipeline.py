"""Running one stage's function: what ``dvc repro`` and the flow both end in."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from vouch.core.cache import Cache
from vouch.core.progress import Progress, silent
from vouch.core.settings import load_params
from vouch.project.blind import frozen
from vouch.project.inputs import Choice, load_inputs
from vouch.project.paths import KEPT, STATE
from vouch.project.stages import Stage, find


def execute(root: Path, stage: Stage, usecase: str, progress: Progress = silent) -> dict[str, Any]:
    """Run a stage's function on the project's files.

    The outputs are written aside and take their places together at the end, so a killed stage
    leaves none half written. One process at a time runs a stage of a use case; others wait.

    Args:
        root: The project's folder.
        stage: Which stage.
        usecase: For which use case of ``data/inputs.yaml``.
        progress: Called with the progress.

    Returns:
        The stage's own small summary.

    Raises:
        VouchError: Whatever the user can mend: parameters, inputs, data.
    """
    choice = load_inputs(root / "data/inputs.yaml").choice(usecase)
    params = load_params(root / "params.yaml", stage.params(usecase), stage.name, usecase)
    arguments: dict[str, Any] = _paths(root, stage.inputs, usecase, choice)
    arguments |= {name: getattr(choice, name) for name in stage.choices}
    if "frozen" in arguments:  # `dvc repro` comes here without writing data/inputs.yaml again
        arguments["frozen"] = frozen(root, usecase)
    arguments |= _borrowed(root, stage, usecase)
    if stage.state:
        arguments["state"] = root / STATE
    if stage.cache:
        arguments["cache"] = Cache(root / KEPT / f"{usecase}.{stage.name}")
    function = stage.function()
    places = _paths(root, stage.outputs, usecase, choice)
    scratch = root / STATE / "scratch" / f"{usecase}.{stage.name}"
    drafts = {name: scratch / name / place.name for name, place in places.items()}
    with _alone(root, scratch, list(zip(drafts.values(), places.values(), strict=True))):
        for draft in drafts.values():
            draft.parent.mkdir(parents=True)
        summary = dict(function(**arguments, **drafts, params=params, progress=progress))
        for name, place in places.items():
            _put(drafts[name], place)
    return summary


def _paths(
    root: Path, templates: Mapping[str, str], usecase: str, choice: Choice
) -> dict[str, Path]:
    filled = {"usecase": usecase, "source": choice.source, "raw": choice.raw}
    return {name: root / template.format(**filled) for name, template in templates.items()}


def _borrowed(root: Path, stage: Stage, usecase: str) -> dict[str, Any]:
    """Read the parameters that a stage takes of others."""
    lenders = {
        lender: load_params(root / "params.yaml", find(lender).params(usecase), lender, usecase)
        for lender in set(stage.borrowed.values())
    }
    return {name: getattr(lenders[lender], name) for name, lender in stage.borrowed.items()}


@contextmanager
def _alone(root: Path, scratch: Path, outputs: Sequence[tuple[Path, Path]]) -> Iterator[None]:
    """Hold the stage's lock, and an empty scratch folder on the same disk as the outputs."""
    locks = root / STATE / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{scratch.name}.lock"):
        for draft, place in outputs:
            _restore(draft, place)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            yield
        finally:
            for draft, place in outputs:
                _restore(draft, place)
            shutil.rmtree(scratch, ignore_errors=True)


def _put(draft: Path, place: Path) -> None:
    """Put an output in its place; a folder there moves aside, and is back if this is killed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        place.replace(_aside(draft))
    draft.replace(place)


def _restore(draft: Path, place: Path) -> None:
    """Bring back a folder that moved aside for one that never came."""
    if _aside(draft).exists() and not place.exists():
        _aside(draft).replace(place)


def _aside(draft: Path) -> Path:
    return draft.with_name(f"{draft.name}.before")
