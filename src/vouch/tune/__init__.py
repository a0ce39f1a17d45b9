"""Tune: search for the best model under a budget, on time-ordered folds."""

from vouch.tune.stage import tune

__all__ = ["tune"]
