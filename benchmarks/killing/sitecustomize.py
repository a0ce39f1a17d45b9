"""Kills the command inside one of its writes; on PYTHONPATH of the commands of `benchmarks.kills`.

Each opening of a project's file for writing, each renaming and each removal is a point, counted
over all of the command's processes. At the chosen point a file to be written is left empty, as a
kill between its opening and its writing leaves it, and the command's whole group is killed.
"""

import os
import signal
import sys
import threading
from typing import Any

ROOT = os.environ.get("KILL_ROOT", "")
POINTS = os.environ.get("KILL_POINTS", "")
AT = int(os.environ.get("KILL_AT", "0"))
WRITES = os.O_WRONLY | os.O_RDWR
busy = threading.local()


def _is_point(event: str, values: tuple[Any, ...]) -> bool:
    if event not in ("open", "os.rename", "os.remove"):
        return False
    path = values[1] if event == "os.rename" else values[0]
    if not isinstance(path, str | os.PathLike):
        return False
    place = os.path.abspath(path)  # noqa: PTH100
    if not place.startswith(f"{ROOT}/") or place.endswith(".pyc"):
        return False
    return event != "open" or bool(values[2] & WRITES)


def _count(event: str, values: tuple[Any, ...]) -> int:
    path = os.fspath(values[1] if event == "os.rename" else values[0])
    handle = os.open(POINTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{event} {path}\n".encode())
    os.close(handle)
    with open(POINTS, "rb") as file:  # noqa: PTH123
        return sum(1 for _ in file)


def _hook(event: str, values: tuple[Any, ...]) -> None:
    if getattr(busy, "now", False) or not _is_point(event, values):
        return
    busy.now = True
    try:
        if _count(event, values) == AT:
            if event == "open" and values[2] & os.O_TRUNC:
                os.close(os.open(values[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666))
            os.killpg(0, signal.SIGKILL)
    finally:
        busy.now = False


if POINTS:
    sys.addaudithook(_hook)
