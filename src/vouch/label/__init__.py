"""Labels: issued by rules, by the truth that arrives late, by people; resolved as of a time."""

from vouch.label.issues import issues
from vouch.label.resolve import resolve
from vouch.label.stage import label

__all__ = ["issues", "label", "resolve"]
