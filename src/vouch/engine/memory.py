"""How much memory an engine may take."""

import os

MOST = 4096


def usable() -> int:
    """60 % of the machine's memory, at most 4 GB, in MB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(MOST, int(total * 0.6) >> 20)
