"""A simulator of mobile money payments with the published facts of the PaySim table."""

from vouch.sources.paysim.table import COLUMNS, batches, simulate, write

__all__ = ["COLUMNS", "batches", "simulate", "write"]
