"""Events about a use case's labels and rows, for which deployments wait."""

from collections.abc import Mapping
from typing import Any

from prefect.events import emit_event

from vouch.operate import events


def emit(name: str, usecase: str, payload: dict[str, Any]) -> None:
    """Emit an event about a use case: ``vouch.labels.enough`` is of ``vouch.labels.fraud``."""
    resource = f"{name.rpartition('.')[0]}.{usecase}"
    emit_event(name, {"prefect.resource.id": resource}, payload=payload)


def tell_labels(usecase: str, summary: Mapping[str, Any]) -> None:
    """Emit that decisions came, and whether there are enough of them to learn from.

    Args:
        usecase: Whose labels.
        summary: What ``vouch.review.collect.collect`` gave.
    """
    for name in events.of_labels(summary):
        emit(name, usecase, events.payload(summary))
