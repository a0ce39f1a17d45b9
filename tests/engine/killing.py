"""Killing one of a local cluster's executors while it works."""

import threading
import time

import psutil

EXECUTOR = "CoarseGrainedExecutorBackend"


class Killer(threading.Thread):
    """Kills an executor once some jobs have begun and one of their tasks runs.

    Attributes:
        killed: The process killed, or None.
        jobs: How many jobs had begun then.
    """

    def __init__(self, context, after_jobs):
        super().__init__(daemon=True)
        self.killed, self.jobs = None, 0
        self._tracker, self._after = context.statusTracker(), after_jobs
        self._begun = len(self._tracker.getJobIdsForGroup(None))
        self.start()

    def run(self):
        while not self._working():
            time.sleep(0.05)
        self.killed = executors()[0]
        psutil.Process(self.killed).kill()

    def _working(self):
        self.jobs = len(self._tracker.getJobIdsForGroup(None)) - self._begun
        stages = [self._tracker.getStageInfo(n) for n in self._tracker.getActiveStageIds()]
        busy = any(stage and stage.numActiveTasks for stage in stages)
        return self.jobs >= self._after and busy and len(executors()) == 2

    def check(self):
        """See that one was killed in the middle, and that another took its place."""
        self.join(5)
        assert self.killed, "nothing was killed: the work was over too soon"
        deadline = time.monotonic() + 60
        while len(found := executors()) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(found) == 2 and self.killed not in found, found
        return self.jobs, len(self._tracker.getJobIdsForGroup(None)) - self._begun


def executors():
    """Find the executors' process ids."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            words = child.cmdline() if child.status() != psutil.STATUS_ZOMBIE else []
        except psutil.NoSuchProcess:
            continue
        if any(EXECUTOR in word for word in words) and "java" in words[0]:
            found.append(child.pid)
    return found
