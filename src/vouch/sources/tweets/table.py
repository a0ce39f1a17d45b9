"""The generated table: true classes first, then who wrote what, how it was labelled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.core.progress import Progress, silent
from vouch.sources.tweets.market import (
    ASSETS,
    BINS,
    SECONDS,
    START,
    History,
    Market,
    prices,
    unfold,
)
from vouch.sources.tweets.people import People, crowd, reach
from vouch.sources.tweets.texts import write as write_texts

LEAST_ROWS, MOST_ROWS = 1_000, 1_000_000
LABEL_NOISE = 0.08
FIRST_ID = 1_740_000_000_000_000_000
IDS_A_SECOND = 10_000
COPIES = 0.06
"""Share of the tweets that pass on an earlier one, as it is or with a word of their own."""
CLASSES = ("negative", "neutral", "positive")
NEXT_TO = np.array([[1, 2], [0, 2], [1, 0]])
"""Which classes a label of each class is taken for: a neighbour, or the other one."""
NEIGHBOUR = (0.75, 0.5, 0.75)
COMMENTS = ("", "", "this. ", "so true: ", "👆 ", "reading this: ", "again: ")

COLUMNS = pa.schema(
    [
        ("id", pa.int64()),
        ("time", pa.timestamp("us")),
        ("text", pa.string()),
        ("author", pa.string()),
        ("asset", pa.string()),
        ("followers", pa.int64()),
        ("retweets", pa.int64()),
        ("label", pa.string()),
        ("label_confidence", pa.float64()),
        ("true_label", pa.string()),
    ]
)


@dataclass(frozen=True)
class Drawn:
    """Tweets before they are written, by time.

    Attributes:
        seconds: Seconds since the start.
        assets: Numbers of the assets.
        classes: True classes.
        authors: Numbers of the authors.
    """

    seconds: NDArray[np.int64]
    assets: NDArray[np.int64]
    classes: NDArray[np.int64]
    authors: NDArray[np.int64]


def simulate(
    rows: int,
    seed: int,
    label_noise: float = LABEL_NOISE,
    market: Market | None = None,
    progress: Progress = silent,
) -> tuple[pa.Table, pa.Table]:
    """Generate tweets about coins, and the prices that go with them.

    Args:
        rows: How many tweets, 1,000 to 1,000,000.
        seed: The same one gives the same tables.
        label_noise: Share of the labels, 0 to 0.5, that are not the true class.
        market: How mood and price depend on each other; not at all from mood to price if None.
        progress: Called with the steps done.

    Returns:
        Tweets (``COLUMNS``), sorted by time and id, times in whole seconds (UTC); the true class
        is among them, to measure with, never to learn from. Prices (``PRICES``).

    Raises:
        VouchError: ``rows``, ``seed``, ``label_noise`` or ``market`` is out of range.
    """
    market = market or Market()
    _check(rows, seed, label_noise, market)
    rng = np.random.default_rng(seed)
    progress(0, 4, "six weeks of prices")
    history, people = unfold(rng, rows, market), crowd(rng, rows)
    drawn = _draw(rng, history, people)
    progress(1, 4, "writing tweets")
    texts, ease = write_texts(rng, drawn.classes, drawn.assets, people.names)
    progress(2, 4, "passing some on")
    texts = _pass_on(rng, drawn, people, texts)
    progress(3, 4, "labelling")
    table = _table(rng, drawn, people, texts, _label(rng, drawn.classes, ease, label_noise))
    progress(4, 4, "done")
    return table, prices(history)


def write(
    path: Path,
    rows: int,
    seed: int,
    label_noise: float = LABEL_NOISE,
    market: Market | None = None,
    prices_path: Path | None = None,
    progress: Progress = silent,
) -> None:
    """Generate tweets into a file, and prices into another one.

    Args:
        path: ``.parquet`` or ``.csv``; written whole or not at all.
        rows: How many tweets, 1,000 to 1,000,000.
        seed: The same one gives the same bytes.
        label_noise: Share of the labels, 0 to 0.5, that are not the true class.
        market: How mood and price depend on each other.
        prices_path: Where the prices go, ``.parquet`` or ``.csv``; nowhere if None.
        progress: Called with the steps done.

    Raises:
        VouchError: A suffix is another one, or a number is out of range.
    """
    for option, file in (("--out", path), ("--prices", prices_path)):
        if file and file.suffix not in (".parquet", ".csv"):
            raise VouchError(
                f"{option}: cannot write a {file.suffix!r} file", "name it .parquet or .csv"
            )
    if prices_path and prices_path.resolve() == path.resolve():
        raise VouchError(f"--prices: {prices_path} is the tweets' file", "name another file")
    tweets, quotes = simulate(rows, seed, label_noise, market, progress)
    _save(tweets, path)
    if prices_path:
        _save(quotes, prices_path)


def _save(table: pa.Table, path: Path) -> None:
    from pyarrow import csv, parquet

    with replacing(path) as draft:
        if path.suffix == ".parquet":
            parquet.write_table(table, draft)
        else:
            csv.write_csv(table, draft)


def _check(rows: int, seed: int, label_noise: float, market: Market) -> None:
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise VouchError(f"rows: got {rows:,}", f"ask for {LEAST_ROWS:,} to {MOST_ROWS:,} tweets")
    if seed < 0:
        raise VouchError(f"seed: got {seed}", "give a whole number of at least 0")
    if not 0 <= label_noise <= 0.5:
        raise VouchError(f"label noise: got {label_noise}", "give a share from 0 to 0.5")
    market.check()


def _draw(rng: np.random.Generator, history: History, people: People) -> Drawn:
    shape = history.counts.shape
    cell = np.repeat(np.arange(history.counts.size), history.counts.ravel())
    bins, assets, classes = np.unravel_index(cell, shape)
    seconds = bins * SECONDS + rng.integers(0, SECONDS, len(cell))
    order = np.argsort(seconds, kind="stable")
    classes = classes[order].astype(np.int64)
    return Drawn(
        seconds[order].astype(np.int64),
        assets[order].astype(np.int64),
        classes,
        people.write(rng, classes),
    )


def _pass_on(rng: np.random.Generator, drawn: Drawn, people: People, texts: pa.Array) -> pa.Array:
    """Replace some texts by an earlier one of the same class and asset, marked as passed on."""
    copies = np.flatnonzero(rng.random(len(texts)) < COPIES)
    targets, source = _earlier(rng, drawn, copies)
    authors = people.names.take(pa.array(drawn.authors[source]))
    comments = pa.array(COMMENTS).take(pa.array(rng.integers(0, len(COMMENTS), len(source))))
    passed = pc.binary_join_element_wise(
        comments, "RT @", authors, ": ", texts.take(pa.array(source)), ""
    )
    mask = np.zeros(len(texts), bool)
    mask[targets] = True
    return pc.replace_with_mask(texts, pa.array(mask), passed)


def _earlier(
    rng: np.random.Generator, drawn: Drawn, copies: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find an original for each copy, a few tweets before it in its class and asset."""
    group = drawn.classes * len(ASSETS) + drawn.assets
    original = np.ones(len(group), bool)
    original[copies] = False
    targets, source = [], []
    for each in np.unique(group[copies]):
        pool = np.flatnonzero(original & (group == each))
        mine = copies[group[copies] == each]
        before = np.searchsorted(pool, mine) - rng.geometric(0.15, len(mine))
        targets.append(mine[before >= 0])
        source.append(pool[before[before >= 0]])
    places = np.concatenate(targets)
    order = np.argsort(places)
    return places[order], np.concatenate(source)[order]


def _label(
    rng: np.random.Generator,
    classes: NDArray[np.int64],
    ease: NDArray[np.float64],
    noise: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Label as people would, a share wrongly; return labels and the share of people who agreed."""
    labels = classes.copy()
    wrong = rng.permutation(len(classes))[: round(noise * len(classes))]
    other = (rng.random(len(wrong)) >= np.array(NEIGHBOUR)[classes[wrong]]).astype(int)
    labels[wrong] = NEXT_TO[classes[wrong], other]
    sure = ease.copy()
    sure[wrong] *= 0.5
    agreed = rng.beta(1 + 7 * sure, 1 + 7 * (1 - sure))
    return labels, np.round(0.34 + 0.66 * agreed, 4)


def _table(
    rng: np.random.Generator,
    drawn: Drawn,
    people: People,
    texts: pa.Array,
    labelled: tuple[NDArray[np.int64], NDArray[np.float64]],
) -> pa.Table:
    rows, (labels, confidence) = len(texts), labelled
    age = drawn.seconds / (BINS * SECONDS)
    followers, retweets = reach(rng, people.followers[drawn.authors], age)
    names = pa.array(CLASSES)
    columns: list[Any] = [
        pa.array(FIRST_ID + drawn.seconds * IDS_A_SECOND + np.arange(rows) % IDS_A_SECOND),
        pa.array(np.datetime64(START, "us") + drawn.seconds * np.timedelta64(1, "s")),
        texts,
        people.names.take(pa.array(drawn.authors)),
        pa.array([asset.name for asset in ASSETS]).take(pa.array(drawn.assets)),
        pa.array(followers),
        pa.array(retweets),
        names.take(pa.array(labels)),
        pa.array(confidence),
        names.take(pa.array(drawn.classes)),
    ]
    return pa.Table.from_arrays(columns, schema=COLUMNS).sort_by(
        [("time", "ascending"), ("id", "ascending")]
    )
