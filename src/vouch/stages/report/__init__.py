"""The report: one page on what was done, the model's figures, and their uncertainty."""

from vouch.stages.report.stage import report

__all__ = ["report"]
