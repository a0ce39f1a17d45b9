"""What MLflow imports to load a model of payments that an earlier release registered."""

from vouch.usecases.fraud.served import _load_pyfunc

__all__ = ["_load_pyfunc"]
