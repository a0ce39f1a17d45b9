"""What Prefect's page shows of a run, with nothing from data taken for Markdown.

The page reads descriptions and the cells of tables as Markdown: a column's name could be a link.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from vouch.core.errors import one_line

MARKS = re.compile(r"([!-/:-@\[-`{-~])")
"""The signs that a backslash makes text: https://spec.commonmark.org/0.31.2/#backslash-escapes."""


def escape(text: object) -> str:
    """Return Markdown that shows a text as it is, in one line."""
    return MARKS.sub(r"\\\1", one_line(text))


def items(texts: Iterable[object]) -> str:
    """Return a Markdown list of texts."""
    return "\n".join(f"- {escape(text)}" for text in texts)


def show_text(key: str, title: str, texts: Sequence[object]) -> None:
    """Show a title, and sentences below it."""
    create_markdown_artifact(key=key, markdown=f"## {escape(title)}\n\n{items(texts)}\n")


def show_table(key: str, rows: Iterable[Mapping[str, Any]], description: str) -> None:
    """Show a table, each row by its columns' names."""
    table = [
        {name: escape(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        for row in rows
    ]
    create_table_artifact(key=key, table=table, description=escape(description))


def show_link(key: str, path: Path) -> None:
    """Show a link to a file."""
    place = path.resolve()
    create_link_artifact(key=key, link=place.as_uri(), description=escape(place))


def show_image(key: str, png: bytes, description: str) -> None:
    """Show a picture."""
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    create_image_artifact(key=key, image_url=url, description=escape(description))


def show_progress(key: str, percent: float, message: str, shown: UUID | None = None) -> UUID:
    """Show how far a run is.

    Args:
        key: What the artifact is called.
        percent: 0 to 100.
        message: What it is at.
        shown: The artifact that shows it already; None: a new one.

    Returns:
        The artifact.
    """
    description = escape(message)
    if shown is None:
        return UUID(str(create_progress_artifact(percent, key=key, description=description)))
    update_progress_artifact(shown, progress=percent, description=description)
    return shown
