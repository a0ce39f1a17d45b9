"""The validation's page: one HTML file that needs no network."""

from importlib import resources
from pathlib import Path

from vouch.results.validate import Validated


def write_page(path: Path, title: str, summary: Validated) -> None:
    """Write what was found for people to read.

    Args:
        path: Where to.
        title: The source's name.
        summary: What was counted and found.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = resources.files("vouch.stages.validate").joinpath("page.html").read_text()
    page = environment.from_string(template).render(title=title, **dict(summary))
    path.write_text(page, encoding="utf-8")
