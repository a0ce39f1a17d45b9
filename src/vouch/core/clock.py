"""Times of day."""

from datetime import datetime


def midnight(moment: datetime) -> datetime:
    """Return when the day of a moment began."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
