"""Writing: a form for each tweet, its slots filled, then the untidiness of real ones."""

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vouch.sources.tweets.market import ASSETS
from vouch.sources.tweets.phrases import FORMS, SLOTS

Rows = NDArray[np.int64]
VARIANTS = 48
"""Ways in which the numbers and handles within one part are filled."""
MENTIONS, LINKS, BREAKS, SHOUTS, WHISPERS, TYPOS = 0.12, 0.16, 0.05, 0.05, 0.15, 0.12
ALPHABET = np.frombuffer(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz0123456789", np.uint8)


def write(
    rng: np.random.Generator, classes: Rows, assets: Rows, handles: pa.Array
) -> tuple[pa.Array, NDArray[np.float64]]:
    """Write a tweet for each class and asset.

    Args:
        rng: Source of randomness.
        classes: True classes, 0 to 2, shape (n,).
        assets: Numbers of the assets, shape (n,).
        handles: Whom tweets may address.

    Returns:
        The texts, and how sure people are of each one's class, 0 to 1, shape (n,).
    """
    parts = _parts(rng, handles)
    ease = np.zeros(len(classes))
    places, pieces = [], []
    for text, sure, rows in _drafts(rng, classes):
        ease[rows] = sure
        places.append(rows)
        pieces.append(_fill(rng, text, assets[rows], parts))
    order = np.argsort(np.concatenate(places), kind="stable")
    texts = pa.concat_arrays(pieces).take(pa.array(order))
    return _untidy(rng, texts, handles), ease


def _drafts(rng: np.random.Generator, classes: Rows) -> Iterator[tuple[str, float, Rows]]:
    """Choose a form's text for each tweet: the text, its ease, the rows that use it."""
    for label, forms in enumerate(FORMS):
        rows = np.flatnonzero(classes == label)
        chosen = rng.choice(len(forms), len(rows), p=[form.share for form in forms])
        for number, form in enumerate(forms):
            mine = rows[chosen == number]
            variant = rng.integers(0, len(form.texts), len(mine))
            for place, text in enumerate(form.texts):
                yield text, form.ease, mine[variant == place]


def _parts(rng: np.random.Generator, handles: pa.Array) -> dict[str, pa.Array]:
    """Fill what stands within the parts themselves, each in as many ways."""
    numbers = _numbers(rng)
    names = handles.to_pylist()
    small = {"num": numbers, "handle": names}
    parts = {
        slot: pa.array([_inner(rng, word, small) for word in words for _ in range(VARIANTS)])
        for slot, words in SLOTS.items()
    }
    called = [name for asset in ASSETS for name in asset.called]
    return parts | {"num": pa.array(numbers), "handle": handles, "coin": pa.array(called)}


def _inner(rng: np.random.Generator, word: str, small: Mapping[str, list[str]]) -> str:
    return re.sub(
        r"\{(\w+)\}", lambda slot: small[slot[1]][int(rng.integers(0, len(small[slot[1]])))], word
    )


def _numbers(rng: np.random.Generator) -> list[str]:
    percents = [f"{value:.1f}%" for value in rng.gamma(1.5, 6, 60)]
    dollars = [f"${value:,.2f}" for value in rng.lognormal(3, 2, 60)]
    thousands = [f"{value}k" for value in rng.integers(1, 120, 40)]
    return [*percents, *dollars, *thousands]


def _fill(
    rng: np.random.Generator, text: str, assets: Rows, parts: Mapping[str, pa.Array]
) -> pa.Array:
    pieces: list[pa.Array] = []
    for literal, slot in re.findall(r"([^{]*)(?:\{(\w+)\})?", text):
        if literal:
            pieces.append(pa.array([literal]).take(pa.array(np.zeros(len(assets), np.int64))))
        if slot == "coin":
            called = len(ASSETS[0].called)
            pieces.append(
                parts[slot].take(pa.array(assets * called + rng.integers(0, called, len(assets))))
            )
        elif slot:
            pieces.append(
                parts[slot].take(pa.array(rng.integers(0, len(parts[slot]), len(assets))))
            )
    return pc.binary_join_element_wise(*pieces, "")


def _untidy(rng: np.random.Generator, texts: pa.Array, handles: pa.Array) -> pa.Array:
    texts = pc.replace_substring_regex(texts, " +", " ")
    texts = pc.utf8_trim(pc.replace_substring_regex(texts, r" ([.,!?…:]+)", r"\1"), " ,")
    texts = _some(rng, texts, SHOUTS, pc.utf8_upper(texts))
    texts = _some(rng, texts, WHISPERS, pc.utf8_lower(texts))
    texts = _misspelt(rng, texts)
    broken = pc.replace_substring_regex(texts, r"([.,]) ", "\\1\n\n", max_replacements=1)
    texts = _some(rng, texts, BREAKS, broken)
    names = handles.take(pa.array(rng.integers(0, len(handles), len(texts))))
    texts = _some(rng, texts, MENTIONS, pc.binary_join_element_wise("@", names, " ", texts, ""))
    linked = pc.binary_join_element_wise(
        texts, " https://t.co/", _random_words(rng, len(texts)), ""
    )
    return _some(rng, texts, LINKS, linked)


def _some(rng: np.random.Generator, texts: pa.Array, share: float, others: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(rng.random(len(texts)) < share), others, texts)


def _random_words(rng: np.random.Generator, rows: int) -> pa.Array:
    letters = ALPHABET[rng.integers(0, len(ALPHABET), (rows, 10))]
    return pa.array(np.ascontiguousarray(letters).view("S10").ravel().astype("U10"))


def _misspelt(rng: np.random.Generator, texts: pa.Array) -> pa.Array:
    """Swap, drop or double a letter in some texts."""
    rows = np.flatnonzero(rng.random(len(texts)) < TYPOS)
    kinds, places = rng.integers(0, 3, len(rows)), rng.random(len(rows))
    wrong = texts.take(pa.array(rows)).to_pylist()
    mended = [_slip(*each) for each in zip(wrong, kinds.tolist(), places.tolist(), strict=True)]
    mask = np.zeros(len(texts), bool)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(mended, pa.string()))


def _slip(text: str, kind: int, place: float) -> str:
    at = int(place * (len(text) - 1))
    pair = text[at : at + 2]
    if not (pair.isascii() and pair.isalpha() and len(pair) == 2):
        return text
    slipped = (pair[::-1], pair[0], pair[0] + pair)[kind]
    return text[:at] + slipped + text[at + 2 :]
