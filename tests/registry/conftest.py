"""Fixtures shared with the register stage."""

from tests.stages.register.conftest import empty_store, project

__all__ = ["empty_store", "project"]
