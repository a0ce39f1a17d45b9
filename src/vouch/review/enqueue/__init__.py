"""Enqueue: which rows people are asked about, and the file they answer in."""

from vouch.review.enqueue.stage import enqueue

__all__ = ["enqueue"]
