"""Prefect's own server, started for a run and stopped after it, where no shared one is set."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from vouch.errors import VouchError
from vouch.training import alone

PORT = 4200
PATIENCE = 120.0
"""Seconds a server may take to answer."""


def environment(root: Path) -> dict[str, str]:
    """Give Prefect's settings for this project: state beside it, no telemetry, a quiet console.

    Args:
        root: The project's folder.
    """
    return {
        "PREFECT_HOME": str((root / ".prefect").resolve()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
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
        The API's address: ``PREFECT_API_URL`` where it is set, else that of a server started here.

    Raises:
        VouchError: The server did not come up; names its log.
    """
    os.environ.update({k: v for k, v in environment(root).items() if k not in os.environ})
    if shared := os.environ.get("PREFECT_API_URL"):
        yield shared
        return
    with alone(root, console, "server"):
        _stop_orphan(root)
        port = _free_port()
        url = f"http://127.0.0.1:{port}/api"
        process = _start(root, port)
        os.environ["PREFECT_API_URL"] = url
        try:
            yield url
        finally:
            _stop(process.pid)
            process.wait()
            _record(root).unlink(missing_ok=True)


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
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if urllib.request.urlopen(f"{url}/health", timeout=5).status == 200:
                return
        time.sleep(0.2)
    raise VouchError(
        f"Prefect's server did not answer at {url}",
        f"read {root / '.prefect/server.log'}, or run with --no-prefect",
    )


def _record(root: Path) -> Path:
    return root / ".prefect" / "vouch-server.json"


def _start(root: Path, port: int) -> "subprocess.Popen[bytes]":
    home = root / ".prefect"
    home.mkdir(exist_ok=True)
    address = f"http://127.0.0.1:{port}/api"
    command = [str(Path(sys.executable).with_name("prefect")), "server", "start"]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            # the page asks this address; it must be told off the default port
            env=os.environ | {"PREFECT_UI_API_URL": address, "PREFECT_API_URL": address},
            start_new_session=True,
        )
    _record(root).write_text(json.dumps({"pid": process.pid, "port": port}))
    return process


def _stop_orphan(root: Path) -> None:
    """End the server of a run that was killed: its record is still there."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        pid = json.loads(_record(root).read_text())["pid"]
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"prefect" in command.read_bytes():
            _stop(pid)


def _stop(pid: int) -> None:
    import signal

    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)


def _free_port() -> int:
    for port in (PORT, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise VouchError("no free port for Prefect's server", "set PREFECT_API_URL, or --no-prefect")
