"""Local linear explanations of a text's class: which words, emoji and marks speak for it.

Ribeiro, Singh, Guestrin: "Why should I trust you?", KDD 2016: words are left out at random, and a
weighted ridge regression estimates what each adds. Tokens are the model's own, so an emoji or a
mark is one too, and each occurrence counts by itself: the second "not" of a text may mean another
thing.
"""

import re
from collections.abc import Callable, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouch.models.surrogate import Explanation, fit_surrogate, seed_of
from vouch.usecases.sentiment.ngrams import TOKEN
from vouch.usecases.sentiment.params import TextExplainParams

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


class TextExplanation(NamedTuple):
    """An explanation of one text.

    Attributes:
        number: The explained class, the model's own choice.
        surrogate: The surrogate and how far it can be trusted.
        tokens: The tokens it names, the heaviest first; none if the text has no token.
    """

    number: int
    surrogate: Explanation
    tokens: tuple[Token, ...]


def explain(text: str, case: str, predict: Predict, params: TextExplainParams) -> TextExplanation:
    """Explain the class a model chooses for a text.

    Args:
        text: The text as it came.
        case: Its id, which seeds the random numbers.
        predict: Texts to probabilities, shape (texts, classes).
        params: Samples, how much is kept, tokens to name, seed.
    """
    tokens = list(TOKEN.finditer(text))
    seed, count = seed_of(case, params.seed), len(tokens)
    masks = _masks(count, params, seed)
    distinct, where = np.unique(masks, axis=0, return_inverse=True)
    scores = predict([_without(text, tokens, mask) for mask in distinct])[where.reshape(-1)]
    number = int(scores[0].argmax())
    if not count:
        value = float(scores[0, number])
        return TextExplanation(number, Explanation(value, value, 1.0, seed, ()), ())
    surrogate = fit_surrogate(masks, scores[:, number], seed, params.features)
    named = [(tokens[part.feature], part.weight) for part in surrogate.parts]
    return TextExplanation(
        number, surrogate, tuple(Token(m[0], m.start(), weight) for m, weight in named)
    )


def _without(text: str, tokens: Sequence[re.Match[str]], mask: NDArray[np.bool_]) -> str:
    """Return a text without the tokens that the mask drops; what stands between them stays."""
    # not lime's IndexedString, which fails without tokens and loses a token of a null character
    pieces, at = [], 0
    for token in compress(tokens, ~mask):
        pieces.append(text[at : token.start()])
        at = token.end()
    return "".join([*pieces, text[at:]])


def _masks(count: int, params: TextExplainParams, seed: int) -> NDArray[np.bool_]:
    """Draw which tokens stay, shape (samples, tokens); the first row is the text itself."""
    random = np.random.default_rng(seed)
    masks = random.random((params.samples, count)) < params.keep
    masks[0] = True
    return masks
