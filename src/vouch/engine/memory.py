"""How much memory an engine may take."""

import os
import re
from contextlib import suppress
from pathlib import Path

MOST = 4096


def usable() -> int:
    """Return 60 % of the machine's memory, at most 4 GB, in MB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(MOST, int(total * 0.6) >> 20)


def forget_peak(process: int) -> None:
    """Reset a process's peak memory to its present use, where the system can do so.

    Args:
        process: The process's id.
    """
    with suppress(OSError):
        Path(f"/proc/{process}/clear_refs").write_text("5")


def peak(process: int) -> int | None:
    """Return the most memory a process has held at once, in MB; None where there is no /proc.

    Args:
        process: The process's id.
    """
    place = Path(f"/proc/{process}/status")
    match = re.search(r"VmHWM:\s+(\d+) kB", place.read_text()) if place.exists() else None
    return int(match[1]) >> 10 if match else None
