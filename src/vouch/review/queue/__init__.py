"""The review store: which cases are before people."""

from vouch.review.queue.store import Case, Queue

__all__ = ["Case", "Queue"]
