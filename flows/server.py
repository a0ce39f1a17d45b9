"""Prefect's own server, started for a run and stopped after it, where no shared one is set."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from vouch.core.errors import VouchError
from vouch.operate import loopback, processes, secret, server_of
from vouch.operate.fence import Fence
from vouch.operate.record import own_secret
from vouch.project.paths import STATE
from vouch.project.training import alone

PORT = 4200
PATIENCE = 120.0
"""Seconds a server that is starting may take to answer."""
REFUSED = 10.0
"""Seconds after which nobody listening, or a wrong answer, is taken for the truth."""


def environment(root: Path) -> dict[str, str]:
    """Return Prefect's settings for a run: the project's own, and a quiet console.

    Args:
        root: The project's folder.
    """
    return {
        **processes.prefect_environment(root),
        # errors are told in vouch's words; Prefect's log keeps the traceback
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_LOGGERS_PREFECT_LEVEL": "WARNING",
    }


@contextmanager
def serving(root: Path, console: Console) -> Iterator[str]:
    """Have a server to talk to.

    Args:
        root: The project's folder.
        console: Where it says that another run has the server.

    Yields:
        The API's address: that of ``PREFECT_API_URL`` or of a living ``vouch up``, else of a
        server started here.

    Raises:
        VouchError: The server did not come up; names its log.
    """
    os.environ.update({k: v for k, v in environment(root).items() if k not in os.environ})
    if shared := server_of(root):
        os.environ.update(own_secret(root) | {"PREFECT_API_URL": shared})
        yield shared
        return
    secret.private(root / STATE)
    with alone(root, console, "server"):
        processes.end_marked(root)  # the server of a run that was killed
        url = _start(root)
        try:
            yield url
        finally:
            processes.end_marked(root)


def wait_until_healthy(root: Path, url: str) -> None:
    """Wait for a server to answer.

    Args:
        root: The project's folder, for the log's name in the error.
        url: The API's address.

    Raises:
        VouchError: Nobody listens, a wrong answer, or none within two minutes; says which.
    """
    began = heard = time.monotonic()
    while why := loopback.trouble(f"{url}/health"):
        now = time.monotonic()
        heard = now if "timed out" in why else heard
        if now - began > PATIENCE or now - heard > REFUSED:
            raise VouchError(
                f"Prefect's server did not answer at {url}: {why}", _where_to_look(root, url)
            )
        time.sleep(0.2)


def _where_to_look(root: Path, url: str) -> str:
    if loopback.is_here(url):
        return f"read {root / '.prefect/server.log'}, or run with --no-prefect"
    return "check PREFECT_API_URL, or run with --no-prefect"


def serve(descriptor: str) -> int:
    """Serve Prefect on a socket that listens already, fenced, until this process is ended.

    ``prefect server start`` takes any name for its host and shows its page to whoever asks.

    Args:
        descriptor: The socket's number.
    """
    import uvicorn
    from prefect.server.api.server import create_app

    listening = socket.socket(fileno=int(descriptor))
    port = listening.getsockname()[1]
    fence = Fence(
        create_app(final=True),
        [f"127.0.0.1:{port}", f"localhost:{port}"],
        os.environ["PREFECT_SERVER_API_AUTH_STRING"],
        "/api/health",
    )
    config = uvicorn.Config(fence, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run([listening])
    return 0


def _start(root: Path) -> str:
    """Start a server for this process, and tell this process how to reach it."""
    with _listen() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        credentials = secret.renew(root)
        os.environ.update(processes.client_environment(url, credentials))
        # no page: a browser has no secret to show
        settings = processes.server_environment(credentials) | {
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": url.removesuffix("/api"),
            "PREFECT_SERVER_UI_ENABLED": "false",
        }
        processes.start(root, "server", ["python", "-m", "flows", "serve"], settings, listening)
    return url


def _listen() -> socket.socket:
    try:
        return loopback.listen(PORT)
    except OSError:
        return loopback.listen(0)
