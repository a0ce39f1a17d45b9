"""The start page of ``vouch up``: where everything is, by use case."""

import sys
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, PackageLoader
from starlette.middleware.trustedhost import TrustedHostMiddleware

from vouch.errors import VouchError
from vouch.operate.folders import CASES, INBOX, REVIEWS, SCORES, TO_SCORE, arrived
from vouch.operate.record import Ports
from vouch.sources.inputs import INPUTS, load_inputs
from vouch.stages import SILVER

PAGES = {
    "report": "data/report/{usecase}/report.html",
    "validation": f"{SILVER}/validation.html",
}
"""What can be read of each use case."""
FILES = {"cases": CASES, "scores": SCORES}
"""Folders of each use case whose files can be fetched."""


@dataclass(frozen=True)
class Section:
    """What the page tells of a use case.

    Attributes:
        usecase: The use case.
        source: What it runs on.
        pages: Those of ``PAGES`` that are there.
        files: Names of the files in each folder of ``FILES``, newest first.
        waiting: How many files lie in each of its inbox's folders.
    """

    usecase: str
    source: str
    pages: list[str]
    files: dict[str, list[str]]
    waiting: dict[str, int]


def sections(root: Path) -> list[Section]:
    """Look at what is there of each use case of ``data/inputs.yaml``."""
    return [
        Section(
            usecase,
            choice.source,
            [
                name
                for name, path in PAGES.items()
                if (root / path.format(usecase=usecase)).exists()
            ],
            {name: _newest(root / path.format(usecase=usecase)) for name, path in FILES.items()},
            {
                path.format(usecase=usecase): len(arrived(root / path.format(usecase=usecase)))
                for path in (TO_SCORE, REVIEWS)
            },
        )
        for usecase, choice in load_inputs(root / INPUTS).usecases.items()
    ]


def _newest(folder: Path) -> list[str]:
    found = sorted(arrived(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.name for path in found]


def app(root: Path, ports: Ports) -> FastAPI:
    """Make the page's server.

    Args:
        root: The project's folder.
        ports: Where the other servers listen.
    """
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # a page elsewhere must not read these through a name that leads here
    made.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    templates = Environment(loader=PackageLoader("vouch.operate"), autoescape=True)

    @made.get("/health")
    def health() -> str:
        return "up"

    @made.get("/", response_class=HTMLResponse)
    def start() -> str:
        told = {"ports": ports, "inbox": INBOX, "error": "", "sections": []}
        try:
            told["sections"] = sections(root)
        except VouchError as error:
            told["error"] = f"{error} ({error.hint})"
        return templates.get_template("start.html").render(told)

    @made.get("/{usecase}/{name}")
    def page(usecase: str, name: str) -> FileResponse:
        return _file(root, PAGES.get(name), usecase, "")

    @made.get("/{usecase}/{folder}/{name}")
    def file(usecase: str, folder: str, name: str) -> FileResponse:
        return _file(root, FILES.get(folder), usecase, name)

    return made


def _file(root: Path, template: str | None, usecase: str, name: str) -> FileResponse:
    """Give a file that the page links, and no other: names come from whoever asks."""
    known = load_inputs(root / INPUTS).usecases
    if template is None or usecase not in known or name.startswith("."):
        raise HTTPException(404)
    place = root / template.format(usecase=usecase) / name
    if not place.is_file():
        raise HTTPException(404)
    return FileResponse(place)


if __name__ == "__main__":
    chosen = Ports.model_validate_json(sys.argv[1])
    uvicorn.run(
        app(Path(), chosen), host="127.0.0.1", port=chosen.page, access_log=False, log_level="info"
    )
