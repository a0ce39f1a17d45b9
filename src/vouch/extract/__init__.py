"""Features from roles, labels as of a time, and the holdout cut off and sealed."""

from vouch.extract.feature import Feature
from vouch.extract.features import features
from vouch.extract.stage import extract

__all__ = ["Feature", "extract", "features"]
