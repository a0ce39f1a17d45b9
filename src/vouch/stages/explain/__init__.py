"""Local explanations of single predictions, each with how far it can be trusted."""

from vouch.stages.explain.stage import explain

__all__ = ["explain"]
