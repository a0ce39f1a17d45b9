"""Tweets and prices to report on."""

from pathlib import Path

import pytest

from tests.project import copy_checkout
from vouch.sources.tweets import Market, write


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which nothing has run."""
    return copy_checkout(tmp_path_factory.mktemp("market") / "project")


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """3,000 tweets, with a strong effect two windows later, and their prices."""
    folder = tmp_path_factory.mktemp("generated")
    tweets, prices = folder / "tweets.csv", folder / "prices.csv"
    write(tweets, 3_000, 1, market=Market(0.8, 2, 0.0), prices_path=prices)
    return tweets, prices
