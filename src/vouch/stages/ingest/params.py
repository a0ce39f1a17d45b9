"""What can be chosen in the ingest stage."""

from pydantic import Field

from vouch.core.settings import Params


class IngestParams(Params):
    """Parameters of the ingest stage.

    Attributes:
        memory: How much DuckDB may hold before it spills to disk, such as ``2500MB``.
        id_conflicts: Share of a file's rows, 0 to 1, whose declared id may stand on other rows of
            the file with other content; above it the ids are taken to be damaged.
    """

    memory: str = Field(default="2500MB", pattern=r"^\d+(MB|GB)$")
    id_conflicts: float = Field(default=0.01, ge=0, le=1)
