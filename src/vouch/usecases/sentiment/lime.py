"""Local linear explanations of a text's class: which words, emoji and marks speak for it.

Ribeiro, Singh, Guestrin: "Why should I trust you?", KDD 2016: words are left out at random, and a
weighted ridge regression estimates what each adds. Tokens are the model's own, so an emoji or a
mark is one too, and each occurrence counts by itself: the second "not" of a text may mean another
thing.

The law is that of ``lime.lime_text``: how many tokens are left out is uniform from one to all, then
which; a text's weight falls with its cosine distance. The package draws texts one by one and
predicts the same ones again and again. Here each is predicted once and weighs as often as the law
draws it on average: all there are in a short text, which leaves nothing to chance, and in a longer
one all of the sizes that have few, and distinct ones of the others.
"""

import re
from collections.abc import Callable, Sequence
from itertools import combinations, compress
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vouch.models.surrogate import Explanation, Part, fit_surrogate, seed_of
from vouch.models.tokens import TOKEN
from vouch.usecases.sentiment.params import TextExplainParams

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Predict = Callable[[Sequence[str]], Floats]
WIDTH = 0.25
"""Width of lime's kernel for texts, in cosine distance."""
DRAWN = 1_000
"""Texts drawn with which lime's penalties are as they are; with fewer or more they are scaled."""


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


def is_exact(text: str, params: TextExplainParams) -> bool:
    """Return whether a text's explanation leaves nothing to chance: each run is the same."""
    return params.mode == "distinct" and len(TOKEN.findall(text)) <= params.exact


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


def explain(
    text: str, case: str, predict: Predict, params: TextExplainParams, run: int = 0
) -> TextExplanation:
    """Explain the class a model chooses for a text.

    Args:
        text: The text as it came.
        case: Its id, which seeds the random numbers.
        predict: Texts to probabilities, shape (texts, classes).
        params: Mode, samples, tokens to name, seed.
        run: Another one takes other random numbers.
    """
    tokens, seed = list(TOKEN.finditer(text)), seed_of(case, params.seed, run)
    if not tokens:
        scores = predict([text])[0]
        number = int(scores.argmax())
        value = float(scores[number])
        return TextExplanation(number, Explanation(value, value, 1.0, seed, ()), ())
    way = _by_package if params.mode == "lime" else _by_distinct_masks
    number, surrogate = way(text, tokens, seed, predict, params)
    named = [(tokens[part.feature], part.weight) for part in surrogate.parts]
    return TextExplanation(
        number, surrogate, tuple(Token(m[0], m.start(), weight) for m, weight in named)
    )


def _by_distinct_masks(
    text: str,
    tokens: Sequence[re.Match[str]],
    seed: int,
    predict: Predict,
    params: TextExplainParams,
) -> tuple[int, Explanation]:
    random = np.random.default_rng(seed)
    kept, times = masks(len(tokens), params.samples, random, params.exact)
    scores = predict([_without(text, tokens, mask) for mask in kept])
    number = int(scores[0].argmax())
    weights = times * kernel(kept)  # they grow with the samples: the penalty grows with them
    shrink = params.samples / DRAWN if len(tokens) > params.exact else 0.0
    return number, fit_surrogate(
        kept, scores[:, number], seed, params.features, weights, shrink=shrink
    )


def _by_package(
    text: str,
    tokens: Sequence[re.Match[str]],
    seed: int,
    predict: Predict,
    params: TextExplainParams,
) -> tuple[int, Explanation]:
    """Explain by the package ``lime`` itself."""
    from lime.lime_text import LimeTextExplainer

    lime = LimeTextExplainer(
        bow=False,
        mask_string="",
        split_expression=TOKEN.findall,
        # lime's own choice at six features or fewer is forward selection: many times slower
        feature_selection="highest_weights",
        random_state=np.random.RandomState(seed),
    )
    scores = predict([text])[0]
    number = int(scores.argmax())
    surrogate = lime.explain_instance(
        text.replace("\0", "\ufffd"),  # lime loses a token of this character
        predict,
        labels=(number,),
        num_features=params.features,
        num_samples=params.samples,
    )
    parts = tuple(Part(int(i), float(weight)) for i, weight in surrogate.local_exp[number])
    local, r2 = float(surrogate.local_pred[0]), float(surrogate.score)
    return number, Explanation(float(scores[number]), local, r2, seed, parts)


def _without(text: str, tokens: Sequence[re.Match[str]], mask: Mask) -> str:
    """Return a text without the tokens that the mask drops; what stands between them stays."""
    # not lime's IndexedString, which fails without tokens and loses a token of a null character
    pieces, at = [], 0
    for token in compress(tokens, ~mask):
        pieces.append(text[at : token.start()])
        at = token.end()
    return "".join([*pieces, text[at:]])


def kernel(kept: Mask) -> Floats:
    """Weigh texts by lime's exponential kernel of their cosine distance, shape (texts,)."""
    distance = 1 - np.sqrt(np.count_nonzero(kept, axis=1) / kept.shape[1])
    return np.asarray(np.sqrt(np.exp(-(distance**2) / WIDTH**2)))


def masks(count: int, samples: int, random: np.random.Generator, exact: int) -> tuple[Mask, Floats]:
    """Return which tokens stay, and how often lime draws that on average.

    Args:
        count: Tokens of the text, at least 1.
        samples: Texts that lime draws, the text itself among them.
        random: Chooses among the masks of a longer text.
        exact: Tokens up to which all masks are returned.

    Returns:
        Distinct masks, shape (masks, tokens), the first of which keeps all; and how often each is
        drawn, above 0, shape (masks,), adding up to ``samples``.
    """
    if count <= exact:
        kept = (np.arange(2**count)[::-1, None] >> np.arange(count)) & 1 == 1
        ways = np.array([comb(count, size) for size in range(count + 1)])
        times = (samples - 1) / count / ways[np.count_nonzero(kept, axis=1)]
        return kept, np.concatenate([[1.0], times[1:]])
    sizes = 1 + ((np.arange(samples - 1) + random.random()) * count / (samples - 1)).astype(int)
    often = np.bincount(sizes, minlength=count + 1)
    drawn = [_of_size(count, int(size), int(often[size]), random) for size in np.unique(sizes)]
    times = [
        np.full(len(part), often[size] / len(part))
        for size, part in zip(np.unique(sizes), drawn, strict=True)
    ]
    return np.concatenate([np.ones((1, count), bool), *drawn]), np.concatenate([[1.0], *times])


def _of_size(count: int, size: int, wanted: int, random: np.random.Generator) -> Mask:
    """Return distinct masks that drop ``size`` tokens: all if there are no more than wanted."""
    if comb(count, size) <= wanted:
        chosen = np.array(list(combinations(range(count), size)))
        kept = np.ones((len(chosen), count), bool)
        np.put_along_axis(kept, chosen, values=False, axis=1)
        return kept
    keys = random.random((wanted, count))
    kept = keys > np.partition(keys, size - 1, axis=1)[:, size - 1 : size]
    return np.unique(kept, axis=0)
