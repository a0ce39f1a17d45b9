"""Reading ``params.yaml``: one section a stage, in it one a use case."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vouch.core.errors import VouchError, suggest
from vouch.core.files import read_yaml


class Params(BaseModel):
    """A stage's parameters: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Params)
Engine = Literal["duckdb", "spark"]
"""Where tables are computed."""
EXAMPLE = "such as tune: {fraud: {seed: 1}}"


def no_section(path: Path, stage: str, usecase: str) -> VouchError:
    """Return the error that a section of the parameter file is missing.

    Args:
        path: The parameter file.
        stage: Which section.
        usecase: Which part of it.
    """
    hint = f"git checkout {path}, or for the defaults add {stage}: {{{usecase}: {{}}}}"
    return VouchError(f"{path}: no section {stage}.{usecase}", hint)


def load_params(path: Path, model: type[P], stage: str, usecase: str) -> P:
    """Read one stage's parameters for one use case.

    Args:
        path: The parameter file.
        model: The stage's declaration of its parameters.
        stage: Which section.
        usecase: Which part of the section; an empty one means the defaults.

    Raises:
        VouchError: No YAML, no such section, or a field is unknown or out of range: names file
            and field.
    """
    section = read_yaml(path).get(stage)
    if section is None or (isinstance(section, dict) and usecase not in section):
        raise no_section(path, stage, usecase)
    if not isinstance(section, dict):
        raise VouchError(
            f"{path}: {stage}: must have a section a use case, got {section!r}", EXAMPLE
        )
    try:
        return model.model_validate(section[usecase] or {})
    except ValidationError as error:
        unknown = any(problem["type"] == "extra_forbidden" for problem in error.errors())
        hint = _field_names(model) if unknown else f"mend {stage}.{usecase} in {path.name}"
        raise VouchError(f"{path}: {stage}.{usecase}.{describe(error)}", hint) from None


def describe(error: ValidationError) -> str:
    """Return one line: a field, what was wrong with it and what was got."""
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"]) or "file"
        got = "" if isinstance(problem["input"], dict) else f" (got {problem['input']!r})"
        lines.append(f"{place}: {problem['msg'].removeprefix('Value error, ')}{got}")
    return "; ".join(lines)


def _field_names(model: type[Params]) -> str:
    return suggest("", model.model_fields)
