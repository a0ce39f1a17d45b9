"""What MLflow imports to load a model of texts that an earlier release registered."""

from vouch.usecases.sentiment.packaging import _load_pyfunc

__all__ = ["_load_pyfunc"]
