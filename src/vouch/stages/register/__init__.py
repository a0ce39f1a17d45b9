"""Register: the model goes to MLflow with its lineage; a gate decides on a champion."""

from vouch.registry.versions import champion
from vouch.stages.register.stage import register

__all__ = ["champion", "register"]
