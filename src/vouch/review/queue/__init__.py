"""The review store: the cases given to reviewers."""

from vouch.review.queue.store import Case, Queue

__all__ = ["Case", "Queue"]
