"""The review store: which cases are before people."""

from vouch.queue.store import Case, Queue

__all__ = ["Case", "Queue"]
