"""The simulators a source may declare, by name."""

from pathlib import Path

from vouch.core.progress import Progress, silent
from vouch.sources.declaration import Simulator, Tweets


def write(simulator: Simulator, path: Path, progress: Progress = silent) -> None:
    """Run a declared simulator.

    Args:
        simulator: The source's section ``simulator``.
        path: The Parquet file to write.
        progress: Called with the progress.
    """
    from vouch.sources import paysim, tweets

    if isinstance(simulator, Tweets):
        rows, seed, noise = simulator.rows, simulator.seed, simulator.label_noise
        tweets.write(path, rows, seed, noise, progress=progress)
    else:
        paysim.write(path, simulator.rows, simulator.seed, progress, simulator.regulars)
