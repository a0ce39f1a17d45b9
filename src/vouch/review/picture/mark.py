"""A text in which the words that are reasons are marked."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from vouch.models.tokens import TOKEN
from vouch.review.picture.svg import clean

Words = tuple[str, ...]


def marked(text: str, reasons: Sequence[tuple[str, float]]) -> Markup:
    """Mark the words of a text that speak for the model's answer or against it.

    Words are cut as the models cut them and compared in lower case; a reason of several words
    marks them where they follow each other. Weights of a word that comes several times are added
    up: a case does not keep which of them a reason was. A mark by itself is neither seen nor read
    aloud: ``picture.css`` shows it while the model's opinion is open, whose bars have the weights.

    Args:
        text: Any text; all of it is escaped.
        reasons: Words and weight.

    Returns:
        The text with ``<span class="for">`` and ``<span class="against">``.
    """
    weights = _by_words(reasons)
    parts, at = [], 0
    for start, end, weight in _marks(text, weights):
        parts.append(_safe(text[at:start]))
        side = "for" if weight > 0 else "against"
        tag = Markup('<span class="{}">{}</span>')
        parts.append(tag.format(side, _safe(text[start:end])))
        at = end
    return Markup("").join([*parts, _safe(text[at:])])


def _safe(text: str) -> Markup:
    return escape(clean(text))


def _by_words(reasons: Sequence[tuple[str, float]]) -> dict[Words, float]:
    weights = dict[Words, float]()
    for words, weight in reasons:
        if key := tuple(token.lower() for token in TOKEN.findall(words)):
            weights[key] = weights.get(key, 0.0) + weight
    return {key: weight for key, weight in weights.items() if weight}


def _marks(text: str, weights: dict[Words, float]) -> Iterator[tuple[int, int, float]]:
    """Yield where marks begin and end, and their weights; of those at one place the longest."""
    tokens = list(TOKEN.finditer(text))
    lower = [token[0].lower() for token in tokens]
    lengths = sorted({len(key) for key in weights}, reverse=True)
    place = 0
    while place < len(tokens):
        for length in lengths:
            words = tuple(lower[place : place + length])
            weight = weights.get(words)
            if weight is not None and len(words) == length:
                yield tokens[place].start(), tokens[place + length - 1].end(), weight
                place += length - 1
                break
        place += 1
