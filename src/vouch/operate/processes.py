"""Starting servers as processes of their own, and ending them with all they started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vouch.core.errors import VouchError
from vouch.operate import loopback
from vouch.operate.record import HOME, MARK
from vouch.operate.secret import private

if TYPE_CHECKING:
    import psutil

DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"
PATIENCE = 15.0
"""Seconds a process may take to end by itself."""


def prefect_environment(root: Path) -> dict[str, str]:
    """Return Prefect's settings for this project: state beside it, no telemetry.

    Args:
        root: The project's folder.
    """
    home = str((root / HOME).resolve())
    # in an address of SQLAlchemy what follows a question mark is no path; servers run in the root
    near = {DATABASE: f"sqlite+aiosqlite:///{HOME}/prefect.db"} if "?" in home else {}
    return {
        "PREFECT_HOME": home,
        **near,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }


def server_environment(secret: str) -> dict[str, str]:
    """Return the settings of a Prefect server that answers nobody but holders of the secret.

    Args:
        secret: What they send.
    """
    return {
        "PREFECT_SERVER_API_AUTH_STRING": secret,
        "PREFECT_API_AUTH_STRING": secret,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


def client_environment(url: str, secret: str) -> dict[str, str]:
    """Return the settings by which Prefect's commands and flows reach a project's own server.

    Args:
        url: The API's address.
        secret: What the server asks for.
    """
    return {
        "PREFECT_API_URL": url,
        "PREFECT_API_AUTH_STRING": secret,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


def mark(root: Path) -> dict[str, str]:
    """Return the environment by which a project's servers are known."""
    return {MARK: str(root.resolve())}


def start(
    root: Path,
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    listening: socket.socket | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a server in a process group of its own, so Ctrl-C is ours to pass on.

    Args:
        root: The project's folder, which the server runs in.
        name: What its log is called.
        command: A command of this Python environment and its words.
        environment: Variables added to our own environment: secrets too, which a command
            line would show to every user of the machine.
        listening: The socket it listens on; its number is the command's last word.
    """
    place = log(root, name)
    private(place.parent)
    place.unlink(missing_ok=True)
    inherited = () if listening is None else (listening.fileno(),)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        return subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:], *map(str, inherited)],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**loopback.direct(os.environ), **environment, **mark(root)},
            start_new_session=True,
            pass_fds=inherited,
        )


def log(root: Path, name: str) -> Path:
    """Return the path of a server's log."""
    return root / HOME / f"{name}.log"


def keep_log(root: Path, name: str) -> Path:
    """Set the log of a server that ended aside, before its next start writes over it.

    Returns:
        Where it is now.
    """
    kept = root / HOME / f"{name}.ended.log"
    return log(root, name).replace(kept)


def marked(root: Path) -> "list[psutil.Process]":
    """List the processes that were started for a project and still run."""
    import psutil

    mine, own = str(root.resolve()), os.getpid()
    result = []
    for process in psutil.process_iter(["environ", "status"]):
        environment = process.info["environ"] or {}
        dead = process.info["status"] == psutil.STATUS_ZOMBIE
        if environment.get(MARK) == mine and process.pid != own and not dead:
            result.append(process)
    return result


def end(processes: "list[psutil.Process]", patience: float = PATIENCE) -> None:
    """Ask processes to end, and end those that do not.

    Args:
        processes: Which.
        patience: Seconds until they are killed.
    """
    import psutil

    _signal(processes, signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=patience)


def end_marked(root: Path, patience: float = PATIENCE) -> int:
    """End everything that was started for a project.

    Returns:
        How many processes there were.
    """
    ended = 0
    deadline = time.monotonic() + 2 * patience
    # a process that was just starting another one when it was asked to end leaves it behind
    while (alive := marked(root)) and time.monotonic() < deadline:
        ended += len(alive)
        end(alive, patience)
    return ended


def _signal(processes: "list[psutil.Process]", number: int) -> None:
    import psutil

    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def taken(port: int) -> bool:
    """Return whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def check_ports(ports: Mapping[str, int]) -> None:
    """Check that ports are ports, each given once.

    Args:
        ports: Each server's option to its port.

    Raises:
        VouchError: One is no port, or wanted twice.
    """
    for option, port in ports.items():
        twin = next((o for o, p in ports.items() if p == port and o != option), None)
        if twin:
            raise VouchError(f"{option} and {twin}: both are {port}", "give each its own")
        if not 1 <= port <= 65535:
            raise VouchError(f"{option}: {port} is no port", "give one from 1 to 65535")
