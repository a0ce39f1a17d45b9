"""Operating the project: its servers, checks of the machine, and resets."""

from vouch.operate.record import server_of

__all__ = ["server_of"]
