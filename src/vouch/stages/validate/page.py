"""The validation's page: one HTML file that needs no network."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any


def write_page(path: Path, title: str, summary: Mapping[str, Any]) -> None:
    """Write what was found for people to read.

    Args:
        path: Where to.
        title: The source's name.
        summary: The content of ``validate.json``.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = resources.files("vouch.stages.validate").joinpath("page.html").read_text()
    page = environment.from_string(template).render(title=title, **summary)
    path.write_text(page, encoding="utf-8")
