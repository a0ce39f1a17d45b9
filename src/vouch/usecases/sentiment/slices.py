"""Kinds of texts a model may be better or worse at."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vouch.sources.declaration import Declaration

if TYPE_CHECKING:
    from vouch.usecases.contract import Slice

ASSETS = 8  # assets with a slice of their own, the commonest ones
WORD = re.compile(r"\w+")
NEGATION = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|\w+n['’]?t)\b",
    re.IGNORECASE,
)
LENGTHS = ((0, 5), (6, 12), (13, 20), (21, None))
CONFIDENCES = ((0.0, 0.7), (0.7, 1.0), (1.0, None))


def slices(rows: pd.DataFrame) -> "Iterator[Slice]":
    """Cut rows into slices.

    Args:
        rows: Column ``text``; ``asset`` and ``confidence`` where known.

    Yields:
        What the slice is by, its value, and which rows are in it, shape (rows,); empty ones are
        left out.
    """
    texts = rows["text"].fillna("").astype(str)
    for kind, value, inside in (
        *_by_length(texts),
        *_by_negation(texts),
        *_by_asset(rows),
        *_by_confidence(rows),
    ):
        if inside.any():
            yield kind, value, inside


def of_rows(rows: pd.DataFrame, source: Declaration) -> "Iterator[Slice]":
    """Cut rows of silver, where a label's confidence has its full name; see :func:`slices`."""
    yield from slices(rows.rename(columns={"label_confidence": "confidence"}))


def _by_length(texts: pd.Series) -> "Iterator[Slice]":
    words = np.array([len(WORD.findall(text)) for text in texts], np.int64)
    for low, high in LENGTHS:
        value = f"{low} to {high} words" if high else f"{low} words or more"
        yield "length", value, (words >= low) & (words <= (high or words.max(initial=0)))


def _by_negation(texts: pd.Series) -> "Iterator[Slice]":
    negated = np.array([NEGATION.search(text) is not None for text in texts], bool)
    yield "negation", "with a negation", negated
    yield "negation", "without", ~negated


def _by_asset(rows: pd.DataFrame) -> "Iterator[Slice]":
    if "asset" not in rows:
        return
    assets = rows["asset"].astype(object)
    for name in assets.value_counts().index[:ASSETS]:
        yield "asset", str(name), (assets == name).to_numpy(bool)


def _by_confidence(rows: pd.DataFrame) -> "Iterator[Slice]":
    if "confidence" not in rows or not rows["confidence"].notna().any():
        return
    sure = rows["confidence"].to_numpy(np.float64)
    for low, high in CONFIDENCES:
        value = "all agreed" if high is None else f"{low:g} to below {high:g}"
        yield "confidence of the label", value, (sure >= low) & (sure < (high or np.inf))
