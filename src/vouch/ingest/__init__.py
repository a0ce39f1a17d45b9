"""Raw files to bronze: every row parsed by its roles, or rejected with a reason."""

from vouch.ingest.stage import ingest

__all__ = ["ingest"]
