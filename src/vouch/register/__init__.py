"""Register: the model goes to MLflow with all it rests on; a gate decides on a champion."""

from vouch.register.registry import champion
from vouch.register.stage import register

__all__ = ["champion", "register"]
