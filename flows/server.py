"""Prefect's own server, started for a run and stopped after it, where no shared one is set."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from vouch.errors import VouchError
from vouch.operate import processes, server_of
from vouch.training import alone

PORT = 4200
PATIENCE = 120.0
"""Seconds a server may take to answer."""


def environment(root: Path) -> dict[str, str]:
    """Give Prefect's settings for a run: the project's own, and a quiet console.

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
        os.environ["PREFECT_API_URL"] = shared
        yield shared
        return
    with alone(root, console, "server"):
        processes.end_marked(root)  # the server of a run that was killed
        url = f"http://127.0.0.1:{_free_port()}/api"
        os.environ["PREFECT_API_URL"] = url
        _start(root, url)
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
        VouchError: No answer within two minutes.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if processes.answers(f"{url}/health"):
            return
        time.sleep(0.2)
    raise VouchError(
        f"Prefect's server did not answer at {url}",
        f"read {root / '.prefect/server.log'}, or run with --no-prefect",
    )


def _start(root: Path, url: str) -> None:
    port = str(urlsplit(url).port)
    command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    # the page asks this address; it must be told off the default port
    processes.start(root, "server", command, {"PREFECT_UI_API_URL": url})


def _free_port() -> int:
    if not processes.taken(PORT):
        return PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
