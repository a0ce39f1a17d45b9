"""What differs between two versions of a table: rows, columns, and who changed which labels."""

from vouch.studies.diff.compare import diff

__all__ = ["diff"]
