"""Running the project for good: its servers, what ails its machine, and starting afresh."""

from vouch.operate.record import server_of

__all__ = ["server_of"]
