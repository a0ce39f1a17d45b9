"""Events for the project's Prefect server: of new labels, and of new rows in the inbox."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vouch.operate.record import server_of

COLLECTED = "vouch.labels.collected"
"""New decisions were collected."""
ENOUGH = "vouch.labels.enough"
"""Enough decisions for a retraining; emitted again until a model has learned from them."""
ROWS = "vouch.rows.arrived"
"""A file of new rows lies in the inbox."""
REVIEWED = "vouch.reviews.arrived"
"""A file that reviewers decided lies in the inbox."""
TAKEN = "vouch.rows.taken"
"""New rows are in the data: people can be asked about them."""


def of_labels(result: Mapping[str, Any]) -> list[str]:
    """Return which events a collected file gives rise to.

    Args:
        result: What ``vouch.review.collect.collect`` returned.
    """
    events = {COLLECTED: result["batch"], ENOUGH: result["enough"]}
    return [name for name, holds in events.items() if holds]


def payload(result: Mapping[str, Any]) -> dict[str, object]:
    """Return the events' payload."""
    return {name: result[name] for name in ("new", "held", "since_training", "batch")}


def tell(root: Path, usecase: str, result: Mapping[str, Any]) -> list[str]:
    """Emit a collected file's events, where a Prefect server serves the project.

    Args:
        root: The project's folder.
        usecase: Whose labels.
        result: What ``vouch.review.collect.collect`` returned.

    Returns:
        The events that reached the server.
    """
    if server_of(root) is None:
        return []
    return [name for name in of_labels(result) if emit(root, name, usecase, payload(result))]


def tell_rows(root: Path, usecase: str, rows: int) -> bool:
    """Emit that new rows are in the data, where a Prefect server serves the project.

    Args:
        root: The project's folder.
        usecase: Whose rows.
        rows: How many no model has learned from yet; of none nobody is told.

    Returns:
        Whether that reached the server.
    """
    return bool(rows and server_of(root) and emit(root, TAKEN, usecase, {"rows": rows}))


def emit(root: Path, name: str, usecase: str, content: Mapping[str, object]) -> bool:
    """Emit an event, in a process of its own: this package knows nothing of Prefect.

    Args:
        root: The project's folder.
        name: The event.
        usecase: Which use case it is about.
        content: Its payload.

    Returns:
        Whether it reached the server.
    """
    message = json.dumps({"usecase": usecase, **content})
    command = [sys.executable, "-m", "flows", "event", name, message]
    return not subprocess.run(command, cwd=root, check=False).returncode
