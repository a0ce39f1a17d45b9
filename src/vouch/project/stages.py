"""The one table of the stages: name, function, inputs, outputs, parameters.

``dvc.yaml``, ``params.yaml``, ``tasks/`` and the command line are compared with it by a test.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vouch import usecases
from vouch.core.errors import VouchError, suggest

if TYPE_CHECKING:
    from vouch.core.results import Result
    from vouch.core.settings import Params

Function = Callable[..., "Result | Mapping[str, Any]"]
"""A stage: takes what :class:`Stage` names, returns what it wrote as its summary."""

DECLARATION = "data/sources/{source}.yaml"
BRONZE = "data/bronze/{usecase}"
SILVER = "data/silver/{usecase}"
LABELS = "data/labels/{usecase}/issued"
REVIEWS = "data/labels/{usecase}/reviews"
GOLD = "data/gold/{usecase}"
TUNE = "data/tune/{usecase}"


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    A stage's function takes each input and output by name as a ``Path``, each choice by name,
    ``params`` (a pydantic model) and ``progress``; one with ``state`` also takes ``state``, the
    folder of what outlives a run (ledger, keys, MLflow); one with ``cache`` also takes ``cache``,
    its own :class:`vouch.core.cache.Cache`.

    Attributes:
        name: The stage's one name everywhere.
        inputs: Name of each input to its path; ``{usecase}``, ``{source}``, ``{raw}`` are filled.
        outputs: Name of each output to its path.
        choices: Fields of the use case's entry in ``data/inputs.yaml`` that the function takes.
        borrowed: Parameters of other stages that the function takes, and whose they are.
        state: Whether it reads or writes the project's state folder.
        persist: Whether it writes outside its outputs, so it must never be restored from the
            run cache.
        cache: Whether it keeps partial results, so that it costs what is new.
    """

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    choices: tuple[str, ...] = field(default=())
    borrowed: Mapping[str, str] = field(default_factory=dict)
    state: bool = False
    persist: bool = False
    cache: bool = False

    def function(self) -> Function:
        """Return the stage's function, imported now."""
        return _function(self.name)

    def params(self, usecase: str) -> "type[Params]":
        """Return the declaration of the stage's parameters for a use case."""
        return _params(self.name, usecases.find(usecase))


STAGES: tuple[Stage, ...] = (
    Stage(
        "ingest",
        inputs={"declaration": DECLARATION, "raw": "{raw}"},
        outputs={
            "rows": f"{BRONZE}/rows.parquet",
            "rejects": f"{BRONZE}/rejects.parquet",
            "sealed": f"{BRONZE}/labels.sealed",
            "summary": f"{BRONZE}/ingest.json",
        },
        choices=("files", "held_out", "set", "generation", "as_of"),
        borrowed={"holdout_share": "extract", "reserve_share": "extract"},
        state=True,
        persist=True,
        cache=True,
    ),
    Stage(
        "validate",
        inputs={
            "declaration": DECLARATION,
            "suite": "expectations/{source}.json",
            "bronze": f"{BRONZE}/rows.parquet",
        },
        outputs={
            "rows": f"{SILVER}/rows.parquet",
            "quarantine": f"{SILVER}/quarantine.parquet",
            "summary": f"{SILVER}/validate.json",
            "page": f"{SILVER}/validation.html",
        },
        cache=True,
    ),
    Stage(
        "label",
        inputs={
            "declaration": DECLARATION,
            "rows": f"{SILVER}/rows.parquet",
            "reviews": REVIEWS,
        },
        outputs={"labels": f"{LABELS}/labels.parquet", "summary": f"{LABELS}/label.json"},
        cache=True,
    ),
    Stage(
        "extract",
        inputs={
            "declaration": DECLARATION,
            "rows": f"{SILVER}/rows.parquet",
            "labels": f"{LABELS}/labels.parquet",
            "sealed": f"{BRONZE}/labels.sealed",
        },
        outputs={
            "train": f"{GOLD}/train.parquet",
            "holdout": f"{GOLD}/holdout.sealed",
            "summary": f"{GOLD}/extract.json",
        },
        choices=("set", "generation", "as_of", "engine", "held_out"),
        borrowed={"use": "label"},
        state=True,
        persist=True,
        cache=True,
    ),
    Stage(
        "tune",
        inputs={
            "declaration": DECLARATION,
            "train": f"{GOLD}/train.parquet",
            "extracted": f"{GOLD}/extract.json",
        },
        outputs={
            "leaderboard": f"{TUNE}/leaderboard.json",
            "predictions": f"{TUNE}/predictions.parquet",
            "model": f"{TUNE}/model",
            "tree": f"{TUNE}/tree",
        },
        choices=("blind", "encoders"),
        state=True,
        persist=True,
    ),
    Stage(
        "evaluate",
        inputs={
            "declaration": DECLARATION,
            "holdout": f"{GOLD}/holdout.sealed",
            "extracted": f"{GOLD}/extract.json",
            "predictions": f"{TUNE}/predictions.parquet",
            "labels": f"{LABELS}/labels.parquet",
            "model": f"{TUNE}/model",
        },
        outputs={"evaluation": "data/evaluate/{usecase}/evaluation.json"},
        choices=("blind", "frozen"),
        state=True,
        persist=True,
    ),
    Stage(
        "explain",
        inputs={
            "declaration": DECLARATION,
            "train": f"{GOLD}/train.parquet",
            "extracted": f"{GOLD}/extract.json",
            "predictions": f"{TUNE}/predictions.parquet",
            "model": f"{TUNE}/model",
        },
        outputs={
            "explanations": "data/explain/{usecase}/explanations.parquet",
            "summary": "data/explain/{usecase}/explain.json",
        },
    ),
    Stage(
        "register",
        inputs={
            "declaration": DECLARATION,
            "raw": "{raw}",
            "rows": f"{SILVER}/rows.parquet",
            "labels": f"{LABELS}/labels.parquet",
            "labelled": f"{LABELS}/label.json",
            "train": f"{GOLD}/train.parquet",
            "holdout": f"{GOLD}/holdout.sealed",
            "extracted": f"{GOLD}/extract.json",
            "ingested": f"{BRONZE}/ingest.json",
            "leaderboard": f"{TUNE}/leaderboard.json",
            "model": f"{TUNE}/model",
            "predictions": f"{TUNE}/predictions.parquet",
            "evaluation": "data/evaluate/{usecase}/evaluation.json",
            "explanations": "data/explain/{usecase}/explanations.parquet",
        },
        outputs={"registration": "data/register/{usecase}/registration.json"},
        state=True,
        persist=True,
    ),
    Stage(
        "report",
        inputs={
            "declaration": DECLARATION,
            "ingested": f"{BRONZE}/ingest.json",
            "rows": f"{SILVER}/rows.parquet",
            "validated": f"{SILVER}/validate.json",
            "labels": f"{LABELS}/labels.parquet",
            "labelled": f"{LABELS}/label.json",
            "extracted": f"{GOLD}/extract.json",
            "leaderboard": f"{TUNE}/leaderboard.json",
            "predictions": f"{TUNE}/predictions.parquet",
            "tree": f"{TUNE}/tree",
            "evaluation": "data/evaluate/{usecase}/evaluation.json",
            "explanations": "data/explain/{usecase}/explanations.parquet",
            "registration": "data/register/{usecase}/registration.json",
        },
        outputs={"report": "data/report/{usecase}/report.html"},
    ),
)


def find(name: str) -> Stage:
    """Find a stage by its name.

    Raises:
        VouchError: No stage has that name; suggests the near one.
    """
    for stage in STAGES:
        if stage.name == name:
            return stage
    raise VouchError(f"no stage {name!r}", suggest(name, [s.name for s in STAGES]))


def _function(name: str) -> Function:
    """Import a stage's function: alone, since each stage needs libraries the others do without."""
    function: Function
    match name:
        case "ingest":
            from vouch.stages.ingest import ingest as function
        case "validate":
            from vouch.stages.validate import validate as function
        case "label":
            from vouch.stages.label import label as function
        case "extract":
            from vouch.stages.extract import extract as function
        case "tune":
            from vouch.stages.tune import tune as function
        case "evaluate":
            from vouch.stages.evaluate import evaluate as function
        case "explain":
            from vouch.stages.explain import explain as function
        case "register":
            from vouch.stages.register import register as function
        case "report":
            from vouch.stages.report import report as function
        case _:
            raise KeyError(name)
    return function


def _params(name: str, usecase: usecases.UseCase) -> "type[Params]":
    """Import a stage's parameters: a use case has its own for extract, tune and explain."""
    params: type[Params]
    match name:
        case "ingest":
            from vouch.stages.ingest.params import IngestParams

            params = IngestParams
        case "validate":
            from vouch.stages.validate.params import ValidateParams

            params = ValidateParams
        case "label":
            from vouch.stages.label.params import LabelParams

            params = LabelParams
        case "evaluate":
            from vouch.usecases.params import EvaluateParams

            params = EvaluateParams
        case "register":
            from vouch.stages.register.params import RegisterParams

            params = RegisterParams
        case "report":
            from vouch.usecases.params import ReportParams

            params = ReportParams
        case "extract":
            params = usecase.extract_params()
        case "tune":
            params = usecase.tune_params()
        case "explain":
            params = usecase.explain_params()
        case _:
            raise KeyError(name)
    return params
