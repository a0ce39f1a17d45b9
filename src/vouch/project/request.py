"""The parameters of each flow: one model for command line, form and flow."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from vouch.core.settings import Engine


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

    @property
    def brings_files(self) -> bool:
        """Whether raw files come with it."""
        return bool(self.path or self.add or self.holdout)


class Scoring(BaseModel):
    """Scoring one file, or every new one that lies in the inbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = Field(default="fraud", description="Which use case of data/inputs.yaml.")
    path: Path | None = Field(
        default=None,
        description="A file; empty: every new one of data/inbox/<usecase>/score.",
    )
    source: str | None = Field(
        default=None, description="Which declaration the files follow; empty: the present one."
    )
    model: str = Field(
        default="champion", description="champion, challenger, a version, or NAME:VERSION."
    )


class Intake(BaseModel):
    """Taking new raw files in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = Field(default="fraud", description="Which use case of data/inputs.yaml.")


class Feedback(BaseModel):
    """Taking reviewers' files in and giving the next cases out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = Field(default="fraud", description="Which use case of data/inputs.yaml.")
    n: int | None = Field(
        default=None, ge=1, description="How many cases; empty: what is left of the day's capacity."
    )


class Retraining(BaseModel):
    """One retraining on what is known by now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = Field(default="fraud", description="Which use case of data/inputs.yaml.")
    add: Path | None = Field(default=None, description="A raw file with newer rows.")
    as_of: str | None = Field(
        default=None, description="An ISO time, or 'latest'; empty: as last time."
    )
    approval: bool = Field(
        default=True,
        description="Where the gate leaves a better model's promotion to a person "
        "(register.<usecase>.gate: approval): ask them in the page.",
    )
    force: bool = Field(default=False, description="Run every stage, changed or not.")

    def training(self) -> Request:
        """Return what the training flow would be asked for."""
        return Request(usecase=self.usecase, add=self.add, as_of=self.as_of, force=self.force)


class Approving(BaseModel):
    """Asking a person about the challenger that waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usecase: str = Field(default="fraud", description="Which use case of data/inputs.yaml.")
    patience_hours: float = Field(
        default=48, gt=0, le=720, description="How long to wait for an answer."
    )
