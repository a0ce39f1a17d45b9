"""Fixtures shared with the extract stage."""

from tests.stages.extract.conftest import engine

__all__ = ["engine"]
