"""A real ``vouch up`` for tests, on free ports."""

import base64
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError

from tests.project import BIN, ENVIRONMENT, vouch
from vouch.operate.secret import current

T = TypeVar("T")


def free_ports(count: int = 2) -> list[int]:
    """Give ports nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    given = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return given


def wait_for(there: Callable[[], T], seconds: float = 300) -> T:
    """Wait until something is there, and give it."""
    deadline = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.25)
    return found


class Up:
    """A ``vouch up`` in a process of its own."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.ports = free_ports(3)
        self.out = project / "up.txt"
        with self.out.open("wb") as file:
            self.process = subprocess.Popen(
                [str(BIN / "vouch"), "up", *self.options()],
                cwd=project,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
            )

    def options(self) -> list[str]:
        names = ("--prefect-port", "--page-port", "--review-port")
        return [w for n, p in zip(names, self.ports, strict=True) for w in (n, str(p))]

    def ready(self) -> "Up":
        wait_for(lambda: "vouch is up" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self.out.read_text()

    def servers(self) -> dict[str, int]:
        place = self.project / ".prefect/up.json"
        return json.loads(place.read_text())["servers"] if place.exists() else {}

    def api(self, path: str, content: Any) -> Any:
        """Ask Prefect's API, as a holder of the secret."""
        csrf = {"Prefect-Csrf-Client": "tests", **self.secret()}
        csrf["Prefect-Csrf-Token"] = self.ask("GET", "csrf-token?client=tests", csrf)["token"]
        return self.ask("POST", path, csrf, content)

    def ask(self, method: str, path: str, headers: dict[str, str], content: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[0]}/api/{path}",
            None if content is None else json.dumps(content).encode(),
            {"Content-Type": "application/json", **headers},
            method=method,
        )
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    return json.loads(reply.read())
            except HTTPError as error:  # a busy server asks to be asked again
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                time.sleep(1)

    def secret(self) -> dict[str, str]:
        login = base64.b64encode(current(self.project).encode()).decode()
        return {"Authorization": f"Basic {login}"}

    def link(self) -> str:
        """Make a link, as a person in another terminal would."""
        done = vouch(self.project, "link")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def runs(self, flow: str, *states: str) -> list[dict[str, Any]]:
        asked = {
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {"state": {"type": {"any_": states}}},
        }
        return self.api("flow_runs/filter", asked)

    def stop(self, number: int = signal.SIGTERM) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(120)
