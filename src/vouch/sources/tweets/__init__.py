"""A generator of tweets about coins, whose sentiment is not trivial to read, and of prices."""

from vouch.sources.tweets.market import PRICES, Market
from vouch.sources.tweets.table import COLUMNS, simulate, write

__all__ = ["COLUMNS", "PRICES", "Market", "simulate", "write"]
