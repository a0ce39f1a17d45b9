"""Fixtures shared with the labels."""

from tests.labels.conftest import engine

__all__ = ["engine"]
