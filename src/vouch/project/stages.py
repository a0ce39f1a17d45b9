"""The one table of the stages: name, function, inputs, outputs, parameters.

``dvc.yaml``, ``params.yaml``, ``tasks/`` and the command line are compared with it by a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vouch import usecases
from vouch.core.errors import VouchError, near

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
    folder of what outlives a run (ledger, keys, MLflow).

    Attributes:
        name: The stage's one name everywhere.
        inputs: Name of each input to its path; ``{usecase}``, ``{source}``, ``{raw}`` are filled.
        outputs: Name of each output to its path.
        choices: Fields of the use case's entry in ``data/inputs.yaml`` that the function takes.
        state: Whether it reads or writes the project's state folder.
        persist: Whether it writes outside its outputs, so it must never be restored from the
            run cache.
    """

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    choices: tuple[str, ...] = field(default=())
    state: bool = False
    persist: bool = False

    def function(self, usecase: str) -> str:
        """Return the stage's function for a use case, as ``module:name``."""
        return usecases.find(usecase).PARTS.get(self.name, f"vouch.{self.name}:{self.name}")

    def params(self, usecase: str) -> str:
        """Return the class of the stage's parameters for a use case, as ``module:name``."""
        usual = f"vouch.{self.name}.params:{self.name.title()}Params"
        return usecases.find(usecase).PARTS.get(f"{self.name}.params", usual)


STAGES: tuple[Stage, ...] = (
    Stage(
        "ingest",
        inputs={"declaration": DECLARATION, "raw": "{raw}"},
        outputs={
            "rows": f"{BRONZE}/rows.parquet",
            "rejects": f"{BRONZE}/rejects.parquet",
            "summary": f"{BRONZE}/ingest.json",
        },
        choices=("files", "held_out"),
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
    ),
    Stage(
        "label",
        inputs={
            "declaration": DECLARATION,
            "rows": f"{SILVER}/rows.parquet",
            "reviews": REVIEWS,
        },
        outputs={"labels": f"{LABELS}/labels.parquet", "summary": f"{LABELS}/label.json"},
    ),
    Stage(
        "extract",
        inputs={
            "declaration": DECLARATION,
            "rows": f"{SILVER}/rows.parquet",
            "labels": f"{LABELS}/labels.parquet",
        },
        outputs={
            "train": f"{GOLD}/train.parquet",
            "holdout": f"{GOLD}/holdout.sealed",
            "summary": f"{GOLD}/extract.json",
        },
        choices=("set", "generation", "as_of", "engine", "held_out"),
        state=True,
        persist=True,
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
    raise VouchError(f"no stage {name!r}", near(name, [s.name for s in STAGES]))
