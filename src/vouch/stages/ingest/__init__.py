"""Raw files to bronze: every row parsed by its roles, or rejected with a reason."""

from vouch.stages.ingest.stage import ingest, read

__all__ = ["ingest", "read"]
