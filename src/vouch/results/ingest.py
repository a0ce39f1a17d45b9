"""What ingest counted: ``ingest.json``."""

from typing import Any

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from vouch.core.results import Result


class RawFile(TypedDict):
    """A raw file's digest, arrival and counts of lines."""

    name: str
    sha256: str
    arrived_at: str
    lines: int
    rows: int
    rejects: int


class Ingested(Result):
    """The counts of all files in force: lines = rows + rejects.

    Attributes:
        files: Each file's counts.
        columns: Bronze's columns, but for those that ingest adds.
        lines: Lines that came.
        rows: Those that could be read.
        rejects: Those that could not, and those whose label is mapped to ``drop``.
        dropped: The latter alone.
        sealed: Rows of the holdout, whose labels were sealed as they came in, if they had any.
        ignored_columns: Columns of the files that the source does not declare.
        warnings: Sentences for people.
    """

    files: list[RawFile]
    columns: list[str]
    lines: int
    rows: int
    rejects: int
    dropped: int
    sealed: int = 0
    ignored_columns: list[str]
    warnings: list[str]

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Add ``dropped``: no label could be mapped to ``drop`` before it was counted."""
        return {"dropped": 0} | content
