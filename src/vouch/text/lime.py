"""Local linear explanations of a text's class: which words, emoji and marks speak for it.

Ribeiro, Singh, Guestrin: "Why should I trust you?", KDD 2016: words are left out at random, and a
weighted ridge regression tells what each adds. Tokens are the model's own, so an emoji or a mark is
one too, and each occurrence counts by itself: the second "not" of a text may mean another thing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from lime.lime_text import IndexedString
from numpy.typing import NDArray

from vouch.explain.tabular import Explanation, fit_surrogate, seed_of
from vouch.text.ngrams import TOKEN
from vouch.text.params import TextExplainParams

Floats = NDArray[np.float64]
Predict = Callable[[Sequence[str]], Floats]


class Token(NamedTuple):
    """A word, emoji or mark of a text.

    Attributes:
        text: The token.
        start: Where it begins in the text, in characters.
        weight: What it adds to the probability of the explained class.
    """

    text: str
    start: int
    weight: float


class Told(NamedTuple):
    """An explanation of one text.

    Attributes:
        number: The explained class, the model's own choice.
        found: The surrogate and how far it can be trusted.
        tokens: The tokens it names, the heaviest first; none if the text has no token.
    """

    number: int
    found: Explanation
    tokens: tuple[Token, ...]


def explain(text: str, case: str, predict: Predict, params: TextExplainParams) -> Told:
    """Explain the class a model chooses for a text.

    Args:
        text: The text as it came.
        case: Its id, which seeds the random numbers.
        predict: Texts to probabilities, shape (texts, classes).
        params: Samples, how much is kept, tokens to name, seed.
    """
    pieces = IndexedString(text, split_expression=_tokens, bow=False, mask_string="")
    seed, count = seed_of(case, params.seed), pieces.num_words()
    kept = _masks(count, params, seed)
    distinct, where = np.unique(kept, axis=0, return_inverse=True)
    scores = predict([pieces.inverse_removing(np.flatnonzero(~mask)) for mask in distinct])
    scores = scores[where.reshape(-1)]
    number = int(scores[0].argmax())
    if not count:
        value = float(scores[0, number])
        return Told(number, Explanation(value, value, 1.0, seed, ()), ())
    found = fit_surrogate(kept.astype(float), scores[:, number], seed, params.features)
    tokens = tuple(
        Token(pieces.word(part.feature), int(pieces.string_position(part.feature)[0]), part.weight)
        for part in found.parts
    )
    return Told(number, found, tokens)


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def _masks(count: int, params: TextExplainParams, seed: int) -> NDArray[np.bool_]:
    """Draw which tokens stay, shape (samples, tokens); the first row is the text itself."""
    random = np.random.default_rng(seed)
    kept = random.random((params.samples, count)) < params.keep
    kept[0] = True
    return kept
