"""What a run is asked for: the command line, the flow's form and its parameter in one model."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from vouch.sources.inputs import Engine


class Request(BaseModel):
    """One run of the pipeline; everything else stands in ``params.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = Field(default="fraud", description="Which use case of data/inputs.yaml.")
    source: str | None = Field(
        default=None, description="Which declaration of data/sources; empty: as last time."
    )
    path: Path | None = Field(
        default=None, description="A raw file that replaces the source's files."
    )
    add: Path | None = Field(default=None, description="A raw file that joins the source's files.")
    holdout: Path | None = Field(
        default=None, description="A raw file whose rows are the holdout; empty: as last time."
    )
    as_of: str | None = Field(
        default=None, description="An ISO time, or 'latest'; empty: as last time."
    )
    engine: Engine | None = Field(
        default=None, description="Where features are computed; empty: as last time."
    )
    force: bool = Field(default=False, description="Run every stage, changed or not.")
