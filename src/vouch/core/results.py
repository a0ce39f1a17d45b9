"""A stage's result as a JSON file: typed, versioned, read with errors that name file and field."""

from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from vouch.core.errors import VouchError
from vouch.core.files import read_json, write_json
from vouch.core.settings import describe

FORMAT = "format"
"""The field that holds the number of a file's format."""


class Result(BaseModel):
    """What one stage writes and others read: frozen, and an unknown field is an error.

    Attributes:
        FORMAT: Number of the fields' present meaning. Files without a number are of format 0,
            which releases before this class wrote.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    FORMAT: ClassVar[int] = 1

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Return the content of an earlier format in the present one.

        Args:
            content: The file's fields.
            written: The format's number, below ``FORMAT``.
        """
        return content

    def write(self, path: Path) -> None:
        """Write it as JSON: the same content is the same bytes."""
        write_json(path, {FORMAT: self.FORMAT, **self.content()})

    def content(self) -> dict[str, Any]:
        """Return its fields and values, as they are written."""
        return self.model_dump()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote, or an earlier release.

        Raises:
            VouchError: The file is missing, is no JSON or was written by a later release, or a
                field is missing, unknown or of another type: names file and field.
        """
        content = read_json(path)
        if not isinstance(content, dict):
            raise VouchError(f"{path}: must be fields and values", "run its stage again")
        written = content.pop(FORMAT, 0)
        if written not in range(cls.FORMAT + 1):
            raise VouchError(
                f"{path}: {FORMAT}: this release reads up to {cls.FORMAT} (got {written!r})",
                "use the release that wrote it, or run its stage again",
            )
        if written < cls.FORMAT:
            with suppress(KeyError, TypeError, AttributeError):  # checked below
                content = cls.migrate(content, written)
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise VouchError(f"{path}: {describe(error)}", "run its stage again") from None
