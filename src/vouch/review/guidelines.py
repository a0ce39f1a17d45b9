"""What tells reviewers how to decide: the use case's guideline, or the team's own."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from vouch import usecases
from vouch.core.errors import VouchError

OWN = "data/guidelines/{usecase}.md"
"""A team's own guideline, which takes the place of the use case's."""
DIGITS = 12


class Guideline(NamedTuple):
    """A guideline as it stands now.

    Attributes:
        text: Markdown; empty where there is none.
        version: The first ``DIGITS`` hex digits of the SHA-256 of the text (UTF-8).
    """

    text: str
    version: str


def guideline(root: Path, usecase: str) -> Guideline:
    """Read how cases of a use case are to be decided.

    Args:
        root: The project's folder.
        usecase: The use case.

    Returns:
        ``data/guidelines/<usecase>.md`` if there is one, else what the use case ships.

    Raises:
        VouchError: No such use case, or a file that is no text of UTF-8.
    """
    shipped = usecases.find(usecase).guideline
    own = root / OWN.format(usecase=usecase)
    text = _read(own if own.exists() else shipped)
    return Guideline(text, hashlib.sha256(text.encode()).hexdigest()[:DIGITS])


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VouchError(f"{path}: cannot be read as text: {error}", "save it as UTF-8") from None
