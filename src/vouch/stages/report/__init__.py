"""The report: one page that tells what was done, how good it is, and how sure that is."""

from vouch.stages.report.stage import report

__all__ = ["report"]
