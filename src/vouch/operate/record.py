"""What ``vouch up`` runs, written where other commands find it: ``.prefect/up.json``."""

import os
from pathlib import Path

from pydantic import BaseModel, ValidationError

from vouch.core.files import replacing
from vouch.operate.secret import current, private
from vouch.review.page.reach import Reach

HOME = ".prefect"
MLFLOW = f"{HOME}/mlflow.sock"
"""MLflow's socket: a file of a folder that only the project's owner enters."""
MARK = "VOUCH_PROJECT"
"""Environment variable of every server started for a project, and of all they start."""


class Ports(BaseModel):
    """Where the servers listen, on this machine alone.

    Attributes:
        prefect: Prefect's API, for those who hold the servers' secret.
        page: The start page and, behind it, Prefect's and MLflow's.
    """

    prefect: int = 4200
    page: int = 8765

    def url(self, name: str) -> str:
        """Return a server's address."""
        return f"http://127.0.0.1:{getattr(self, name)}"

    @property
    def api(self) -> str:
        """The address of Prefect's API."""
        return f"{self.url('prefect')}/api"


class Record(BaseModel):
    """A ``vouch up`` and its servers.

    Attributes:
        pid: Its process.
        started: When that process began, seconds since 1970: a number is given out again.
        ports: Where its servers listen.
        servers: The process of each server, by name.
        root: The project's folder: a copy of the project has a copy of the record.
        reach: Where the review page is.
    """

    pid: int
    started: float
    ports: Ports
    servers: dict[str, int] = {}
    root: str = ""
    reach: Reach = Reach()

    @classmethod
    def of_this_process(cls, ports: Ports, reach: Reach | None = None) -> "Record":
        """Begin the record of a ``vouch up`` in this process."""
        import psutil

        began, reach = psutil.Process().create_time(), reach or Reach()
        return cls(pid=os.getpid(), started=began, ports=ports, reach=reach)

    @property
    def alive(self) -> bool:
        """Whether that process still runs."""
        import psutil

        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.NoSuchProcess:
            return False

    def save(self, root: Path) -> None:
        """Write it."""
        self.root = str(root.resolve())
        private(place(root).parent)
        with replacing(place(root)) as draft:
            draft.write_text(self.model_dump_json(indent=2) + "\n")


def place(root: Path) -> Path:
    """Return the path of the record."""
    return root / HOME / "up.json"


def load(root: Path) -> Record | None:
    """Read the record; None if there is none, or only half of one."""
    try:
        return Record.model_validate_json(place(root).read_text())
    except (FileNotFoundError, ValidationError):
        return None


def running(root: Path) -> Record | None:
    """Return the record of a ``vouch up`` of this very project that is alive, if there is one."""
    record = load(root)
    here = str(root.resolve())
    return record if record and record.root == here and record.alive else None


def server_of(root: Path) -> str | None:
    """Find the Prefect server that serves a project.

    Args:
        root: The project's folder.

    Returns:
        The API's address: ``PREFECT_API_URL`` where it is set, else that of a living ``vouch up``,
        which may still be starting; None if neither is there.
    """
    if shared := os.environ.get("PREFECT_API_URL"):
        return shared
    record = running(root)
    return record.ports.api if record else None


def own_secret(root: Path) -> dict[str, str]:
    """Return what the environment needs beside the address to reach a project's Prefect server.

    Args:
        root: The project's folder.

    Returns:
        The secret of a living ``vouch up``; nothing where ``PREFECT_API_URL`` names a server: how
        that one knows its users is theirs to set.
    """
    if os.environ.get("PREFECT_API_URL") or running(root) is None:
        return {}
    return {"PREFECT_API_AUTH_STRING": current(root)}
