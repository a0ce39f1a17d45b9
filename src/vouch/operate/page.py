"""The pages of ``vouch up`` behind one gate: the start page, Prefect's and MLflow's."""

import socket
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader
from starlette.concurrency import run_in_threadpool

from vouch.core.errors import VouchError
from vouch.operate import forward, secret
from vouch.operate.fence import Gate
from vouch.operate.home import FILES, PAGES, Run, Section, asked_runs, failed, runs, section
from vouch.operate.record import MLFLOW, Ports, load
from vouch.project.inputs import INPUTS, load_inputs

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
FILE_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; frame-ancestors 'none'"
)
"""What a report may do: nothing of it runs, whatever came into it from data."""


RUNS = "/api/flow_runs/filter"


def sections(root: Path) -> list[Section]:
    """List what the page shows of each use case of ``data/inputs.yaml``."""
    usecases = load_inputs(root / INPUTS).usecases
    return [section(root, usecase, choice) for usecase, choice in usecases.items()]


async def flow_runs(prefect: forward.Upstream) -> dict[str, list[Run]]:
    """Ask Prefect what ran last, what is at work and what comes next; nothing if it is silent."""
    try:
        return {
            when: runs(await prefect.post(RUNS, question))
            for when, question in asked_runs().items()
        }
    except (httpx.HTTPError, ValueError):
        return {}


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

    pages.mount("/style", StaticFiles(directory=str(files("vouch.pages") / "static")))

    @pages.get("/", response_class=HTMLResponse)
    async def start() -> HTMLResponse:
        shown: dict[str, Any] = {"error": "", "sections": [], "review": reach(root)}
        try:
            shown["sections"] = await run_in_threadpool(sections, root)
        except VouchError as error:
            shown["error"] = f"{error} ({error.hint})"
        shown["runs"] = await flow_runs(prefect)
        shown["failed"] = list(failed(shown["runs"].get("last", [])))
        page = templates.get_template("home.html").render(shown)
        headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(page, headers=headers)

    @pages.get("/{usecase}/{name}")
    def page(usecase: str, name: str) -> FileResponse:
        return _file(root, PAGES.get(name), usecase, "")

    @pages.get("/{usecase}/{folder}/{name}")
    def file(usecase: str, folder: str, name: str) -> FileResponse:
        return _file(root, FILES.get(folder), usecase, name)

    return pages


def reach(root: Path) -> str:
    """Return where reviewers decide; empty while no ``vouch up`` is recorded."""
    record = load(root)
    return record.reach.url if record else ""


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
