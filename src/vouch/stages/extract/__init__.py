"""Features from roles, labels as of a time, and the holdout cut off and sealed."""

from vouch.stages.extract.stage import extract

__all__ = ["extract"]
