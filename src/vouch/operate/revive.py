"""Starting a server again that ended by itself, at once and then ever more seldom."""

import time
from collections.abc import Callable

SHORTEST, LONGEST = 1.0, 60.0
"""Seconds between an end and the next start: the first time, and at most."""
SOUND = 60.0
"""Seconds a server must have run for its next end to count as a first one."""


class Revival:
    """When a server that ended is started again.

    Args:
        clock: Returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = 0.0
        self._started: float | None = clock()
        self._due: float | None = None

    def ended(self) -> float:
        """Note that it ended or could not start; return in how many seconds it is started again.

        A server that had run for ``SOUND`` seconds starts again after ``SHORTEST``; each time that
        it ends sooner, or does not start, twice as late, up to ``LONGEST``.
        """
        moment = self._clock()
        lasted = self._started is not None and moment - self._started >= SOUND
        self._started = None
        self._pause = SHORTEST if lasted or not self._pause else min(2 * self._pause, LONGEST)
        self._due = moment + self._pause
        return self._pause

    def due(self) -> bool:
        """Return whether it is to be started now."""
        return self._due is not None and self._clock() >= self._due

    def started(self) -> None:
        """Note that it was started."""
        self._due, self._started = None, self._clock()
