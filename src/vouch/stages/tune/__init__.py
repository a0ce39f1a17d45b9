"""Tune: search for the best model under a budget, on folds that hold back what is assessed."""

from vouch.stages.tune.stage import tune

__all__ = ["tune"]
