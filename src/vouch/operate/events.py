"""Events of new labels for the project's Prefect server, which start a retraining."""

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


def of_labels(result: Mapping[str, Any]) -> list[str]:
    """Return which events a collected file gives rise to.

    Args:
        result: What ``vouch.review.collect.collect`` returned.
    """
    events = {COLLECTED: result["new"], ENOUGH: result["enough"]}
    return [name for name, holds in events.items() if holds]


def payload(result: Mapping[str, Any]) -> dict[str, object]:
    """Return the events' payload."""
    return {name: result[name] for name in ("new", "since_training", "batch")}


def tell(root: Path, usecase: str, result: Mapping[str, Any]) -> list[str]:
    """Emit a collected file's events, where a Prefect server serves the project.

    In a process of its own: this package knows nothing of Prefect.

    Args:
        root: The project's folder.
        usecase: Whose labels.
        result: What ``vouch.review.collect.collect`` returned.

    Returns:
        The events that reached the server.
    """
    if server_of(root) is None:
        return []
    message = json.dumps({"usecase": usecase, **payload(result)})
    command = [sys.executable, "-m", "flows", "event"]
    return [
        name
        for name in of_labels(result)
        if not subprocess.run([*command, name, message], cwd=root, check=False).returncode
    ]
