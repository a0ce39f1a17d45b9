"""``vouch up``: every server of the project, started together and ended together."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from vouch import tracking
from vouch.errors import VouchError
from vouch.operate import processes
from vouch.operate.record import Ports, Record, place, running
from vouch.pipeline import STATE

POOL = "local"
"""The work pool that prefect.yaml's deployments name."""
PATIENCE = 180.0
"""Seconds the servers may take to answer."""
TELLING = 2.0
"""Seconds the worker gets to tell the server what became of its runs."""
OPTIONS = {"--prefect-port": "prefect", "--mlflow-port": "mlflow", "--page-port": "page"}
WHAT = {
    "prefect": "Prefect",
    "mlflow": "MLflow's page",
    "page": "the start page",
    "worker": "a worker",
}
Servers = dict[str, "subprocess.Popen[bytes]"]


def up(root: Path, ports: Ports, console: Console) -> None:
    """Serve the project until Ctrl-C, SIGTERM, or one of its servers ends.

    Args:
        root: The project's folder.
        ports: Where the servers listen.
        console: Where it says what is there.

    Raises:
        VouchError: One is up already, a run has a server of its own, a port is taken, a shared
            server is set, or a server did not start or ended.
    """
    with _alone(root), _ended_by_signals():
        if left := processes.end_marked(root):
            console.print(f"ended {left} processes that a killed run or vouch up left")
        processes.check_ports({o: getattr(ports, name) for o, name in OPTIONS.items()})
        record = Record.of_this_process(ports)
        record.save(root)
        try:
            _serve(root, record, console)
        except KeyboardInterrupt:
            console.print("stopping: runs at work end now and go on where they were next time")
        finally:
            _stop(root, record)
    console.print("stopped")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock by which one process at a time has a Prefect server of this project."""
    if shared := os.environ.get("PREFECT_API_URL"):
        raise VouchError(
            f"PREFECT_API_URL is set: the project's Prefect server is {shared}",
            "unset it, or deploy there: prefect --no-prompt deploy --all",
        )
    folder = root / STATE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "server.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _occupied(root) from None
    try:
        yield
    finally:
        lock.release()


def _occupied(root: Path) -> VouchError:
    if record := running(root):
        where = record.ports.url("page")
        return VouchError(
            f"vouch up serves this project already: {where}, process {record.pid}",
            f"open {where}, or stop it: kill {record.pid}",
        )
    return VouchError(
        "a run with a Prefect server of its own is at work on this project", "wait for it to end"
    )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end us as Ctrl-C does."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(root: Path, record: Record, console: Console) -> None:
    servers: Servers = {}
    ports = record.ports
    for name, command in _commands(root, ports).items():
        console.print(f"starting {WHAT[name]}")
        servers[name] = processes.start(root, name, command, _environment(root, ports))
        record.servers[name] = servers[name].pid
        record.save(root)
        if name == "prefect":
            _answering(root, servers, f"{ports.api}/health")
            _once(root, servers, "prepare", ["python", "-m", "flows", "prepare", POOL], ports)
    console.print("registering the deployments of prefect.yaml")
    _once(root, servers, "deploy", ["prefect", "--no-prompt", "deploy", "--all"], ports)
    _answering(root, servers, f"{ports.url('page')}/health")
    _answering(root, servers, f"{ports.url('mlflow')}/health")
    console.print(f"vouch is up: {ports.url('page')}")
    console.print(f"  Prefect    {ports.url('prefect')}\n  MLflow     {ports.url('mlflow')}")
    console.print("Ctrl-C stops it all.")
    while True:
        _check(root, servers)
        time.sleep(0.5)


def _commands(root: Path, ports: Ports) -> dict[str, list[str]]:
    """Give each server's command, in the order they are started."""
    here = ["--host", "127.0.0.1", "--port"]
    store = ["--backend-store-uri", tracking.uri(root / STATE)]
    worker = ["worker", "start", "--pool", POOL, "--name", "vouch", "--install-policy", "never"]
    return {
        "prefect": ["prefect", "server", "start", *here, str(ports.prefect)],
        "mlflow": ["mlflow", "server", *here, str(ports.mlflow), "--workers", "1", *store],
        "page": ["python", "-m", "vouch.operate.page", ports.model_dump_json()],
        "worker": ["prefect", *worker],
    }


def _environment(root: Path, ports: Ports) -> dict[str, str]:
    return {
        **processes.prefect_environment(root),
        "PREFECT_API_URL": ports.api,
        "PREFECT_UI_API_URL": ports.api,  # the page asks this address; told, off the default port
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # six processes that nothing here uses
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _once(root: Path, servers: Servers, name: str, command: list[str], ports: Ports) -> None:
    """Run a command to its end while the servers are watched."""
    process = processes.start(root, name, command, _environment(root, ports))
    while process.poll() is None:
        _check(root, servers)
        time.sleep(0.1)
    if process.returncode:
        raise VouchError(
            f"vouch up: {name} failed: {_last_line(root, name)}",
            f"read {processes.log(root, name)}",
        )


def _answering(root: Path, servers: Servers, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        _check(root, servers)
        if processes.answers(url):
            return
        time.sleep(0.1)
    raise VouchError(f"vouch up: no answer from {url}", f"read the logs in {place(root).parent}")


def _check(root: Path, servers: Servers) -> None:
    for name, process in servers.items():
        if process.poll() is not None:
            raise VouchError(
                f"vouch up: {name} ended with {process.returncode}: {_last_line(root, name)}",
                f"read {processes.log(root, name)}",
            )


def _last_line(root: Path, name: str) -> str:
    said = processes.log(root, name).read_text(errors="replace").strip().splitlines()
    return said[-1].strip() if said else "it said nothing"


def _stop(root: Path, record: Record) -> None:
    """End runs and then the worker while the server can still be told, then all the others."""
    import psutil

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    servers = set(record.servers.values())
    for pid in servers - {record.servers.get("worker")}:
        with suppress(psutil.NoSuchProcess):
            servers |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    if runs := [process for process in processes.marked(root) if process.pid not in servers]:
        processes.end(runs)
        time.sleep(TELLING)
    with suppress(psutil.NoSuchProcess, KeyError):
        processes.end([psutil.Process(record.servers["worker"])])
    processes.end_marked(root)
    place(root).unlink(missing_ok=True)
