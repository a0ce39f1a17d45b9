"""``vouch up``: every server of the project, started together and ended together."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from vouch.core import terminal, tracking
from vouch.core.errors import VouchError
from vouch.operate import loopback, processes, secret
from vouch.operate.record import MLFLOW, Ports, Record, place, running
from vouch.operate.revive import Revival
from vouch.project.paths import STATE
from vouch.review.page.reach import Reach, listen

POOL = "local"
"""The work pool that prefect.yaml's deployments name."""
PATIENCE = 180.0
"""Seconds the servers may take to answer."""
TELLING = 2.0
"""Seconds the worker gets to tell the server what became of its runs."""
OPTIONS = {"--prefect-port": "prefect", "--page-port": "page"}
WHAT = {
    "prefect": "Prefect",
    "mlflow": "MLflow",
    "page": "the pages",
    "review": "the review page",
    "worker": "a worker",
    "watch": "a watcher of the inbox",
}
REVIVED = ("page", "review")
"""Servers that are started again where they end: all they know lies on disk."""
Servers = dict[str, "subprocess.Popen[bytes]"]
Sockets = dict[str, socket.socket]


def up(root: Path, ports: Ports, console: Console, reach: Reach | None = None) -> None:
    """Serve the project until Ctrl-C, SIGTERM, or a server ends that is not started again.

    Args:
        root: The project's folder.
        ports: Where the servers listen.
        console: Where it says what is there.
        reach: Where the review page listens; None: on this machine, at its usual port.

    Raises:
        VouchError: One is up already, a run has a server of its own, a port is taken, a shared
            server is set, or a server did not start or ended.
    """
    reach = reach or Reach()
    reach.check()
    with _alone(root), _ended_by_signals():
        if ended := processes.end_marked(root):
            terminal.say(console, f"ended {ended} processes that a killed run or vouch up left")
        sockets = _sockets(ports, reach)
        record = Record.of_this_process(ports, reach)
        secret.renew(root)
        secret.forget_links(root)
        record.save(root)
        try:
            _serve(root, record, sockets, console)
        except KeyboardInterrupt:
            terminal.say(console, "stopping: runs at work end now, and go on there next time")
        finally:
            _stop(root, record)
    terminal.say(console, "stopped")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock by which one process at a time has a Prefect server of this project."""
    if shared := os.environ.get("PREFECT_API_URL"):
        raise VouchError(
            f"PREFECT_API_URL is set: the project's Prefect server is {shared}",
            "unset it, or deploy there: prefect --no-prompt deploy --all",
        )
    folder = secret.private(root / STATE) / "locks"
    folder.mkdir(exist_ok=True)
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
            f"open it: vouch link, or stop it: kill {record.pid}",
        )
    return VouchError(
        "a run with a Prefect server of its own is at work on this project", "wait for it to end"
    )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Handle SIGTERM and a closed terminal as Ctrl-C."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sockets(ports: Ports, reach: Reach) -> Sockets:
    """Open every port before anything is started."""
    wanted = {option: getattr(ports, name) for option, name in OPTIONS.items()}
    processes.check_ports({**wanted, "--review-port": reach.port})
    sockets: Sockets = {}
    try:
        for option, name in OPTIONS.items():
            sockets[name] = loopback.listen_at(option, getattr(ports, name))
        sockets["review"] = listen(reach)
    except VouchError:
        for listening in sockets.values():
            listening.close()
        raise
    return sockets


def link(root: Path) -> str:
    """Make a link that opens the pages of a living ``vouch up`` once, within the hour.

    Args:
        root: The project's folder.

    Raises:
        VouchError: None is up.
    """
    record = running(root)
    if record is None:
        raise VouchError("no vouch up serves this project", "vouch up, in a terminal of its own")
    where = f"http://{secret.host(root)}:{record.ports.page}"
    return f"{where}/open?token={secret.new_link(root)}"


def _serve(root: Path, record: Record, sockets: Sockets, console: Console) -> None:
    servers: Servers = {}
    ports = record.ports
    for name, command in _commands(root, record).items():
        if name == "worker":  # in a copied project the schedules name the other folder till then
            terminal.say(console, "registering the deployments of prefect.yaml")
            _once(root, servers, "deploy", ["prefect", "--no-prompt", "deploy", "--all"], ports)
        terminal.say(console, f"starting {WHAT[name]}")
        servers[name] = _start(root, name, command, record, sockets.pop(name, None))
        if name == "prefect":
            _answering(root, servers, f"{ports.api}/health")
            _once(root, servers, "prepare", ["python", "-m", "flows", "prepare", POOL], ports)
    _answering(root, servers, f"{ports.url('page')}/health")
    _listening(root, servers, root / MLFLOW)
    terminal.say(console, f"vouch is up: {ports.url('page')}")
    # what is not a terminal may be a log, and keeps the link
    opened = link(root) if console.is_terminal else "vouch link"
    terminal.say(console, f"  open it, once and within the hour: {opened}")
    terminal.say(console, f"  reviewers decide at {record.reach.url} (vouch review add NAME)")
    terminal.say(console, "Ctrl-C stops it all.")
    revivals = {name: Revival() for name in REVIVED}
    while True:
        for name, revival in revivals.items():
            _revive(root, name, record, servers, revival, console)
        _check(root, servers, revived=REVIVED)
        time.sleep(0.5)


def _revive(
    root: Path, name: str, record: Record, servers: Servers, revival: Revival, console: Console
) -> None:
    """Say that a server ended, and start it again when its time has come."""
    if (process := servers.get(name)) is not None and process.poll() is not None:
        kept = processes.keep_log(root, name)
        last = _last_line(kept)
        terminal.say(console, f"{WHAT[name]} ended with {process.returncode}: {last} ({kept})")
        terminal.say(console, f"all else goes on; starting it again in {revival.ended():g} s")
        del servers[name], record.servers[name]
        record.save(root)
    if revival.due():
        try:
            listening = _listen_again(name, record)
        except VouchError as error:
            terminal.say(console, f"{error}; trying again in {revival.ended():g} s")
            return
        servers[name] = _start(root, name, _commands(root, record)[name], record, listening)
        revival.started()
        terminal.say(console, f"started {WHAT[name]} again")


def _listen_again(name: str, record: Record) -> socket.socket:
    """Open a server's port again, which closed as it ended."""
    if name == "review":
        return listen(record.reach)
    return loopback.listen_at("--page-port", record.ports.page)


def _start(
    root: Path, name: str, command: list[str], record: Record, listening: socket.socket | None
) -> "subprocess.Popen[bytes]":
    """Start a server and hand it its socket: from then on the port is open while it lives."""
    environment = _environment(root, name, record.ports)
    process = processes.start(root, name, command, environment, listening)
    if listening is not None:
        listening.close()
    record.servers[name] = process.pid
    record.save(root)
    return process


def _commands(root: Path, record: Record) -> dict[str, list[str]]:
    """Return each server's command, in the order they are started."""
    tracking.prepare(root / STATE)
    # from the project's folder the address is right whatever the folders above are called
    local = f"sqlite:///{tracking.database(STATE)}"
    store = ["--backend-store-uri", os.environ.get("MLFLOW_TRACKING_URI", local)]
    at = ["--uvicorn-opts", f"--uds {MLFLOW}"]
    fence = ["--static-prefix", "/mlflow", "--allowed-hosts", "127.0.0.1"]
    worker = ["worker", "start", "--pool", POOL, "--name", "vouch", "--install-policy", "never"]
    return {
        "prefect": ["python", "-m", "flows", "serve"],
        # a socket's path may have 107 letters at most: from the project's folder it is short
        "mlflow": ["mlflow", "server", *at, "--workers", "1", *fence, *store],
        "page": ["python", "-m", "vouch.operate.page", record.ports.model_dump_json()],
        "review": ["python", "-m", "vouch.review.page.serve", record.reach.model_dump_json()],
        "worker": ["prefect", *worker],
        "watch": ["python", "-m", "vouch.operate.watch"],
    }


def _environment(root: Path, name: str, ports: Ports) -> dict[str, str]:
    """Return a server's settings: secrets only to those that need them."""
    if name in ("page", "review", "watch"):
        return {}
    if name == "mlflow":
        return {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # six processes that nothing here uses
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    shared = secret.current(root)
    client = processes.prefect_environment(root) | processes.client_environment(ports.api, shared)
    client["PREFECT_UI_URL"] = f"{ports.url('page')}/prefect"  # what its messages link
    if name != "prefect":
        return client
    pages = [f"http://{host}:{ports.page}" for host in ("127.0.0.1", secret.host(root))]
    return {
        **client,
        **processes.server_environment(shared),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(pages),
        "PREFECT_SERVER_UI_SERVE_BASE": "/prefect",
        "PREFECT_UI_SERVE_BASE": "/prefect",
        "PREFECT_UI_API_URL": f"{pages[1]}/prefect/api",
    }


def _once(root: Path, servers: Servers, name: str, command: list[str], ports: Ports) -> None:
    """Run a command to its end while the servers are watched."""
    process = processes.start(root, name, command, _environment(root, name, ports))
    while process.poll() is None:
        _check(root, servers)
        time.sleep(0.1)
    if process.returncode:
        raise VouchError(
            f"vouch up: {name} failed: {_last_line(processes.log(root, name))}",
            f"read {processes.log(root, name)}",
        )


def _answering(root: Path, servers: Servers, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    why = "not asked yet"
    while time.monotonic() < deadline:
        _check(root, servers)
        if not (why := loopback.trouble(url)):
            return
        time.sleep(0.1)
    raise VouchError(
        f"vouch up: no answer from {url}: {why}", f"read the logs in {place(root).parent}"
    )


def _listening(root: Path, servers: Servers, at: Path) -> None:
    """Wait until a server listens at a socket file."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        _check(root, servers)
        if loopback.listens(os.path.relpath(at)):
            return
        time.sleep(0.1)
    raise VouchError(f"vouch up: nothing listens at {at}", f"read the logs in {place(root).parent}")


def _check(root: Path, servers: Servers, revived: Collection[str] = ()) -> None:
    """Check that servers run, but for those that are started again where they end.

    Raises:
        VouchError: One ended.
    """
    for name, process in servers.items():
        if name not in revived and process.poll() is not None:
            raise VouchError(
                f"vouch up: {name} ended with {process.returncode}: "
                f"{_last_line(processes.log(root, name))}",
                f"read {processes.log(root, name)}",
            )


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def _stop(root: Path, record: Record) -> None:
    """End runs and then the worker while the server still records it, then all the others."""
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
