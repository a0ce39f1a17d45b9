"""What Prefect is told of a use case's labels: retraining waits for it."""

from typing import Any

from prefect.events import emit_event

COLLECTED = "vouch.labels.collected"
ENOUGH = "vouch.labels.enough"


def emit(name: str, usecase: str, payload: dict[str, Any]) -> None:
    """Emit an event about a use case's labels."""
    emit_event(name, {"prefect.resource.id": f"vouch.labels.{usecase}"}, payload=payload)


def tell_labels(usecase: str, found: dict[str, Any]) -> None:
    """Say that decisions came, and that there are enough of them to learn from.

    Args:
        usecase: Whose labels.
        found: What ``vouch.collect.collect`` gave.
    """
    if not found["new"]:
        return
    payload = {name: found[name] for name in ("new", "since_training")}
    emit(COLLECTED, usecase, payload)
    if found["enough"]:
        emit(ENOUGH, usecase, payload)
