"""Cleaning of short texts, declared in parameters: the same in training, scoring and one by one.

What carries sentiment is kept: emoji (with the joiners inside them), hashtags, punctuation and
letter case.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Literal

from vouch.sources.declaration import Strict

Treatment = Literal["keep", "token", "drop"]

LINK = re.compile(r"(?:https?://|www\.|\bpic\.twitter\.com/|\bt\.co/)\S+", re.IGNORECASE)
HANDLE = re.compile(r"(?<![\w@.])@\w+")
# a letter must follow: <3 is a heart, not a tag
TAG = re.compile(r"</?[a-z][^<>]*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
TIMESTAMP = re.compile(
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z\b|[+-]\d\d:?\d\d\b)?)?"
    r"|\b\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?",
    re.IGNORECASE,
)
DIGIT = re.compile(r"\d[:-]\d")
LONG = re.compile(r"(\w)\1{3,}")  # three or more repeats: no word is spelled so
# a lone surrogate cannot be written as UTF-8
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd\ud800-\udfff]")
ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
SPACE = re.compile(r"\s+")
UNESCAPES = 3  # feeds escape what was escaped already: &amp;amp;
TOKENS = {"links": "http", "handles": "@user", "timestamps": "00:00"}


class Cleaning(Strict):
    r"""What is done to a text before its words are counted.

    Attributes:
        html: Unescape entities (``&amp;``) and take tags out.
        escapes: Read ``\u2019``, left over from JSON, as the character it stands for.
        links: Keep links, put ``http`` in their place, or drop them.
        handles: Keep ``@names``, put ``@user`` in their place, or drop them.
        timestamps: Keep times and ISO dates, put ``00:00`` in their place, or drop them.
        elongations: Shorten a letter that comes four times or more in a row to three.
        without: Words to drop, whatever their case: people found them spurious.
    """

    html: bool = True
    escapes: bool = True
    links: Treatment = "token"
    handles: Treatment = "token"
    timestamps: Treatment = "drop"
    elongations: bool = False
    without: tuple[str, ...] = ()


def clean(text: str, cleaning: Cleaning) -> str:
    """Return a text cleaned: a pure function of both arguments.

    Control characters become spaces, runs of white space one space, and letters with combining
    marks their composed form (Unicode NFC), whatever the options.

    Args:
        text: Any text, of any length; time taken grows with the length only.
        cleaning: What to do.

    Returns:
        The cleaned text, possibly empty.
    """
    if cleaning.escapes and "\\u" in text:
        text = ESCAPE.sub(_unescape, text)
    if cleaning.html:
        text = _plain(text)
    if "." in text or "://" in text:
        text = _treat(LINK, cleaning.links, TOKENS["links"], text)
    if "@" in text:
        text = _treat(HANDLE, cleaning.handles, TOKENS["handles"], text)
    if DIGIT.search(text):
        text = _treat(TIMESTAMP, cleaning.timestamps, TOKENS["timestamps"], text)
    if cleaning.elongations:
        text = LONG.sub(r"\1\1\1", text)
    text = _tidy(text)
    return _tidy(drop(text, cleaning.without)) if cleaning.without else text


def drop(text: str, without: tuple[str, ...]) -> str:
    """Return a text without some words, whatever their case."""
    return _words(without).sub(" ", text) if without else text


@cache
def _words(without: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds whole words; the longest first, where one begins with another."""
    escaped = (re.escape(_tidy(word)) for word in sorted(without, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{'|'.join(escaped)})(?!\w)", re.IGNORECASE)


def _unescape(match: re.Match[str]) -> str:
    """Read escapes; two of them may be halves of one character."""
    return bytes.fromhex(match[0].replace("\\u", "")).decode("utf-16-be", errors="replace")


def _plain(text: str) -> str:
    for _ in range(UNESCAPES):
        if "&" not in text:
            break
        text = html.unescape(text)
    return TAG.sub(" ", text) if "<" in text else text


def _treat(pattern: re.Pattern[str], treatment: Treatment, token: str, text: str) -> str:
    if treatment == "keep":
        return text
    return pattern.sub(token if treatment == "token" else " ", text)


def _tidy(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return SPACE.sub(" ", CONTROL.sub(" ", text)).strip()


def clean_all(texts: Sequence[str], cleaning: Cleaning) -> list[str]:
    """Clean many texts, in their order."""
    return [clean(text, cleaning) for text in texts]
