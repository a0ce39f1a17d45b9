"""What differs between two versions of a table: rows, columns, and of labels who flipped what."""

from vouch.studies.diff.compare import diff

__all__ = ["diff"]
