"""The pages of ``vouch up`` behind one gate: the start page, Prefect's and MLflow's."""

import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader

from vouch.core.errors import VouchError
from vouch.operate import forward, secret
from vouch.operate.fence import Gate
from vouch.operate.folders import CASES, INBOX, REVIEWS, ROWS, SCORES, TO_SCORE, arrived
from vouch.operate.record import MLFLOW, Ports
from vouch.project.inputs import INPUTS, load_inputs
from vouch.project.stages import SILVER

PAGES = {
    "report": "data/report/{usecase}/report.html",
    "validation": f"{SILVER}/validation.html",
}
"""What can be read of each use case."""
FILES = {"cases": CASES, "scores": SCORES}
"""Folders of each use case whose files can be fetched."""
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PAGE_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
FILE_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; frame-ancestors 'none'"
)
"""What a report may do: nothing of it runs, whatever came into it from data."""


@dataclass(frozen=True)
class Section:
    """What the page shows of a use case.

    Attributes:
        usecase: The use case.
        source: What it runs on.
        pages: Those of ``PAGES`` that are there.
        files: Names of the files in each folder of ``FILES``, newest first.
        waiting: How many files lie in each of its inbox's folders.
        blind: The period in which its figures are blinded; None: they are not.
    """

    usecase: str
    source: str
    pages: list[str]
    files: dict[str, list[str]]
    waiting: dict[str, int]
    blind: str | None


def sections(root: Path) -> list[Section]:
    """List what the page shows of each use case of ``data/inputs.yaml``."""
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
                for path in (ROWS, TO_SCORE, REVIEWS)
            },
            choice.blind,
        )
        for usecase, choice in load_inputs(root / INPUTS).usecases.items()
    ]


def _newest(folder: Path) -> list[str]:
    files = sorted(arrived(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.name for path in files]


def app(root: Path, prefect: forward.Upstream, mlflow: forward.Upstream) -> FastAPI:
    """Make the server of all pages, for those who have passed the gate.

    Args:
        root: The project's folder.
        prefect: Prefect's server.
        mlflow: MLflow's.
    """
    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add(pages, "/prefect", prefect)
    _add(pages, "/mlflow", mlflow)
    templates = Environment(loader=PackageLoader("vouch.operate"), autoescape=True)

    @pages.get("/", response_class=HTMLResponse)
    def start() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        shown: dict[str, object] = {"inbox": INBOX, "error": "", "sections": [], "nonce": nonce}
        try:
            shown["sections"] = sections(root)
        except VouchError as error:
            shown["error"] = f"{error} ({error.hint})"
        page = templates.get_template("start.html").render(shown)
        policy = PAGE_POLICY.format(nonce=nonce)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return HTMLResponse(page, headers=headers)

    @pages.get("/{usecase}/{name}")
    def page(usecase: str, name: str) -> FileResponse:
        return _file(root, PAGES.get(name), usecase, "")

    @pages.get("/{usecase}/{folder}/{name}")
    def file(usecase: str, folder: str, name: str) -> FileResponse:
        return _file(root, FILES.get(folder), usecase, name)

    return pages


def _file(root: Path, template: str | None, usecase: str, name: str) -> FileResponse:
    """Return a file that the page links, and no other: names come from whoever asks."""
    usecases = load_inputs(root / INPUTS).usecases
    if template is None or usecase not in usecases or name.startswith("."):
        raise HTTPException(404)
    place = root / template.format(usecase=usecase) / name
    if not place.is_file() or place.is_symlink():
        raise HTTPException(404)
    return FileResponse(place, headers={"Content-Security-Policy": FILE_POLICY})


def front(root: Path, port: int, prefect: forward.Upstream, mlflow: forward.Upstream) -> Gate:
    """Make the server of all pages: one origin, one gate before it.

    Args:
        root: The project's folder.
        port: Where it listens.
        prefect: Prefect's server.
        mlflow: MLflow's.
    """
    names = ("127.0.0.1", "localhost", secret.host(root))
    return Gate(
        app(root, prefect, mlflow), root, [f"{name}:{port}" for name in names], f"vouch_{port}"
    )


def _add(pages: FastAPI, prefix: str, upstream: forward.Upstream) -> None:
    """Serve a server's pages under a path of ours."""

    @pages.get(prefix)
    def root() -> RedirectResponse:
        return RedirectResponse(f"{prefix}/", 307)

    if prefix == "/prefect":

        @pages.get("/prefect/ui-settings")
        async def settings(request: Request) -> Response:
            return await forward.ui_settings(upstream, request)

    @pages.api_route(f"{prefix}/{{path:path}}", methods=METHODS)
    async def page(request: Request) -> Response:
        return await forward.forward(upstream, request)


def serve(root: Path, ports: Ports, descriptor: int) -> None:
    """Serve the pages on a socket that listens already.

    Args:
        root: The project's folder.
        ports: Where the servers listen.
        descriptor: The socket's number.
    """
    prefect = forward.prefect(ports.prefect, secret.current(root))
    pages = front(root, ports.page, prefect, forward.mlflow(str(root / MLFLOW)))
    # no access log: it would keep links
    config = uvicorn.Config(pages, access_log=False, log_level="info", server_header=False)
    uvicorn.Server(config).run([socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    serve(Path(), Ports.model_validate_json(sys.argv[1]), int(sys.argv[2]))
