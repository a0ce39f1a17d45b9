"""How often the market report finds an effect that is planted, and one that is not.

Example:
    python -m benchmarks.market --histories 100 --rows 20000 --effect 0.2 --lag 2

Each history is six weeks of six coins in 15-minute windows, drawn by the generator's own market.
How tweets are read:

true    by their true classes
linear  each class is mistaken for another as often as a linear model does (TF-IDF of words and
        pairs, logistic regression, learnt from the noisy labels of one generated history, measured
        on another one); drawn independently tweet by tweet
vader   the same with VADER's mistakes
texts   the texts of every history are written and VADER reads them

An effect counts as found only with its sign and its lag. Where none is planted, any found one is
false, of whichever sign, lag or asset; ``follow`` says how much sentiment leans the way prices
went, which must not be taken for the contrary. The test is the report's own.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import binomtest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from vouch.sources.tweets import Market, simulate
from vouch.sources.tweets.market import ASSETS, BINS, START, unfold
from vouch.studies.market.findings import ALL, answer, conclude, panel, questions
from vouch.studies.market.params import MarketParams
from vouch.usecases.sentiment import vader

NAMES = [asset.name for asset in ASSETS]
CLASSES = ("negative", "neutral", "positive")
PARAMS = MarketParams()


def read(texts: list[str]) -> np.ndarray:
    """VADER's classes, 0 to 2."""
    compound = vader.scores(texts)[:, 3]
    return 1 + (compound >= PARAMS.threshold).astype(int) - (compound <= -PARAMS.threshold)


def learn():
    """Fit a linear model on one history's labels; give what reads texts."""
    table = simulate(20_000, 54321)[0]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=300),
    ).fit(table["text"].to_pylist(), [CLASSES.index(c) for c in table["label"].to_pylist()])
    return model.predict


def rates(reader) -> np.ndarray:
    """How often each true class is read as each class, shape (3, 3)."""
    table = simulate(20_000, 12345)[0]
    true = np.array([CLASSES.index(name) for name in table["true_label"].to_pylist()])
    counts = np.zeros((3, 3))
    np.add.at(counts, (true, reader(table["text"].to_pylist())), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def counted(rng, rows, market, confusion):
    """Draw a history: tweets of each class as read, by window and asset, and returns."""
    history = unfold(rng, rows, market)
    counts = history.counts
    if confusion is not None:
        counts = sum(rng.multinomial(counts[..., true], confusion[true]) for true in range(3))
    return counts, np.expm1(history.returns)


def written(seed, rows, market):
    """The same, from texts read by VADER."""
    tweets, prices = simulate(rows, seed, market=market)
    window = (tweets["time"].to_numpy() - np.datetime64(START)) // np.timedelta64(900, "s")
    asset = np.array([NAMES.index(name) for name in tweets["asset"].to_pylist()])
    counts = np.zeros((BINS, len(NAMES), 3), np.int64)
    np.add.at(counts, (window, asset, read(tweets["text"].to_pylist())), 1)
    order = [sorted(NAMES).index(name) for name in NAMES]
    return counts, prices["return"].to_numpy().reshape(BINS, len(NAMES))[:, order]


def verdict(counts, returns):
    """What the report concludes of windows."""
    tweets = counts.sum(axis=2).astype(float)
    data = {"sentiment": (counts[..., 2] - counts[..., 0]).astype(float), "tweets": tweets}
    whole = panel(NAMES, returns, data, PARAMS)
    series = {ALL: whole} | {name: whole.of([c]) for c, name in enumerate(NAMES)}
    about_sentiment = [
        question for question in questions(PARAMS) if question.impulse == "sentiment"
    ]
    return conclude([t for q in about_sentiment for t in answer(q, series, PARAMS)], whole, PARAMS)


READERS = {"true": None, "linear": learn, "vader": lambda: read, "texts": None}


def measure(name, market, options, confusion):
    """Conclude of every history of a case."""
    right = effects = follows = 0
    sizes = []
    started = time.perf_counter()
    for number in range(options.histories):
        seed = options.seed + number
        if options.reading == "texts":
            counts, returns = written(seed, options.rows, market)
        else:
            rng = np.random.default_rng(seed)
            counts, returns = counted(rng, options.rows, market, confusion)
        answer = verdict(counts, returns)
        has_effect = answer["verdict"] == "effect"
        effects += has_effect
        follows += answer["follows"] is not None
        if has_effect:
            sizes.append(abs(answer["effect"]["value"]))
        alike = has_effect and (answer["sign"], answer["lag"]) == (
            np.sign(market.effect),
            market.lag,
        )
        right += alike if market.effect else not has_effect
        print(f"\r{name}: {number + 1}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    share = binomtest(int(right), options.histories).proportion_ci(method="exact")
    return {
        "effect": market.effect,
        "lag": market.lag,
        "follow": market.follow,
        "histories": options.histories,
        "right": int(right),
        "interval": [share.low, share.high],
        "effects_found": int(effects),
        "follows_found": int(follows),
        "median_size": float(np.median(sizes)) if sizes else None,
        "seconds": (time.perf_counter() - started) / options.histories,
    }


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--rows", type=int, default=20_000, help="tweets in each history")
    parser.add_argument("--effect", type=float, default=0.2, help="price effect that is planted")
    parser.add_argument("--lag", type=int, default=2, help="windows after which the price moves")
    parser.add_argument("--reading", choices=READERS, default="linear")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--cases", nargs="*", help="only these: planted, negative, none, …")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    reader = READERS[options.reading]
    confusion = rates(reader()) if reader else None
    cases = {
        "planted": Market(options.effect, options.lag),
        "negative": Market(-options.effect, options.lag),
        "none": Market(0.0, 1),
        "none, strongly following": Market(0.0, 1, 1.0),
    }
    verdicts = {
        name: measure(name, market, options, confusion)
        for name, market in cases.items()
        if not options.cases or name in options.cases
    }
    for name, case in verdicts.items():
        low, high = case["interval"]
        print(
            f"{name:26} right {case['right']:3} of {case['histories']} "
            f"({low:.1%} to {high:.1%}); sentiment follows price in {case['follows_found']}; "
            f"{case['seconds']:.2f} s each"
        )
    if options.json:
        about = {"reading": options.reading, "rows": options.rows, "alpha": PARAMS.alpha}
        rated = {"rates": None if confusion is None else confusion.round(3).tolist()}
        options.json.write_text(json.dumps(about | rated | {"cases": verdicts}, indent=2) + "\n")


if __name__ == "__main__":
    main()
