"""What MLflow is told of a model of texts: who reads it, what goes in, what comes out."""

from collections.abc import Sequence
from typing import Any

SERVED = "vouch.usecases.sentiment.packaging"  # what MLflow imports to read the model


def signature(classes: Sequence[str]) -> Any:
    """Declare the model's input, a text, and its output, a probability a class."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec("string", "text")])
    return ModelSignature(inputs, Schema([ColSpec("double", name) for name in classes]))
