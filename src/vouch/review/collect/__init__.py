"""Collect: people's decisions, checked, kept for good, and turned into labels."""

from vouch.review.collect.stage import collect

__all__ = ["collect"]
