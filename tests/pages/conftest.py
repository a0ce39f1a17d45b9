"""Fixtures shared with the report."""

from tests.stages.report.conftest import inputs

__all__ = ["inputs"]
