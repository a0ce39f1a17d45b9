"""What a killed process leaves: runs that look alive, servers without an owner, half a list."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vouch.core import tracking
from vouch.core.database import read_rows
from vouch.core.files import write_json
from vouch.operate import processes
from vouch.operate.locks import at_work
from vouch.operate.record import HOME, place, running
from vouch.project.paths import STATE
from vouch.project.whole import alive

STARTING = timedelta(minutes=2)
"""So long a run may be pending before it counts as left."""
PREFECT = (
    "SELECT id, deployment_id FROM flow_run WHERE state_type = 'RUNNING' OR state_type IN "
    + ("('PENDING', 'PAUSED', 'CANCELLING') AND state_timestamp < ?")
)
MLFLOW = "SELECT run_uuid FROM runs WHERE status = 'RUNNING'"
DVC = Path(".dvc/tmp/rwlock")


def orphans(root: Path) -> list[int]:
    """List the servers that no living ``vouch up`` or run owns."""
    if running(root) or "server" in at_work(root):
        return []
    return [process.pid for process in processes.marked(root)]


def end_orphans(root: Path) -> None:
    """End them, and forget the ``vouch up`` they belonged to."""
    processes.end_marked(root)
    place(root).unlink(missing_ok=True)


def flow_runs(root: Path) -> list[str]:
    """List the Prefect runs that are unfinished and whose process is gone.

    Only those of the project's own database: a shared server has other runs too.
    """
    if os.environ.get("PREFECT_API_URL"):
        return []
    moment = (datetime.now(UTC) - STARTING).strftime("%Y-%m-%d %H:%M:%S")
    unfinished = list(read_rows(root / HOME / "prefect.db", PREFECT, moment))
    if not unfinished:
        return []
    deployed, direct = _at_work(root)
    return [run for run, of in unfinished if not (run in deployed if of else direct)]


def _at_work(root: Path) -> tuple[set[str], bool]:
    """Return the runs that have a process, and whether one was started without a deployment."""
    import psutil

    runs, direct = set(), False
    for process in psutil.process_iter(["environ", "cmdline", "cwd"]):
        runs.add((process.info["environ"] or {}).get("PREFECT__FLOW_RUN_ID", ""))
        mine = process.info["cwd"] == str(root.resolve())
        direct |= mine and (process.info["cmdline"] or [])[1:3] == ["-m", "flows"]
    return runs, direct


def close_flow_runs(root: Path) -> None:
    """Close them as crashed, in a process of its own: this package knows nothing of Prefect."""
    command = [sys.executable, "-m", "flows", "close", *flow_runs(root)]
    subprocess.run(command, cwd=root, check=False)


def searches(root: Path) -> list[str]:
    """List the MLflow runs that are RUNNING while no stage is at work."""
    if "MLFLOW_TRACKING_URI" in os.environ or any("." in name for name in at_work(root)):
        return []
    return [run for (run,) in read_rows(tracking.database(root / STATE), MLFLOW)]


def close_searches(root: Path) -> None:
    """Close them as killed; a search that goes on opens its own again."""
    client = tracking.client(root / STATE)
    for run in searches(root):
        client.set_terminated(run, "KILLED")


def stale(root: Path) -> list[str]:
    """List the files that DVC holds for processes that are gone; all if its list is damaged."""
    path = root / DVC
    try:
        listed: dict[str, dict[str, Any]] = json.loads(path.read_text())
    except FileNotFoundError:
        return []
    except ValueError:
        return [str(path)]
    return [name for name, holders in listed.items() if not all(map(alive, _holders(holders)))]


def forget_stale(root: Path) -> None:
    """Remove them from DVC's list, which only says who was reading and writing."""
    path, gone = root / DVC, set(stale(root))
    if str(path) in gone:
        path.unlink()
        return
    listed = json.loads(path.read_text())
    write_json(path, {name: holders for name, holders in listed.items() if name not in gone})


def _holders(holders: dict[str, Any]) -> Iterator[int]:
    readers = holders.get("read", [])
    writer = [holders["write"]] if holders.get("write") else []
    yield from (int(info["pid"]) for info in [*readers, *writer])
