"""Reading ``params.yaml``: one section a stage, in it one a use case."""

import importlib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from vouch.errors import VouchError, near
from vouch.sources.declaration import describe


class Params(BaseModel):
    """A stage's parameters: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Params)


def locate(reference: str) -> Any:
    """Import what ``module:name`` refers to."""
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)


def load_params(path: Path, model: type[P], stage: str, usecase: str) -> P:
    """Read one stage's parameters for one use case.

    Args:
        path: The parameter file.
        model: The stage's declaration of its parameters.
        stage: Which section.
        usecase: Which part of the section; a missing one means the defaults.

    Raises:
        VouchError: No YAML, or a field is unknown or out of range: names file and field.
    """
    content = _read(path)
    section = (content.get(stage) or {}).get(usecase) or {}
    try:
        return model.model_validate(section)
    except ValidationError as error:
        raise VouchError(f"{path}: {stage}.{usecase}.{describe(error)}", _known(model)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        raise VouchError(f"{path}: no such file", "run vouch in the project's folder") from None
    except yaml.YAMLError as error:
        raise VouchError(f"{path}: not YAML: {error}", "mend the file") from None


def _known(model: type[Params]) -> str:
    return near("", model.model_fields)
