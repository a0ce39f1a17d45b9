"""How often the consensus of several people is right: by majority, Dawid and Skene, and vouch.

    python -m benchmarks.crowd [--path crowd.csv] [--draws 50]

The file has a row a judgment, without names: person, item, class chosen, true class, and more that
is not read (the sentence polarity data of Rodrigues, Pereira and Ribeiro 2013, Learning from
multiple annotators: distinguishing good from random labelers, Pattern Recognition Letters 34, came
so). Of each item 3 and 5 judgments are drawn, again and again, and all are taken once; printed is
the share of items whose consensus is the true class, and the difference to the best with its 95 %
interval over items, each judged by the same draws. A tie counts as half. The file has no texts, so
no model has an opinion.

Then texts are made up of words that lean to one of two classes, with people who err at rates of
their own, and a classifier learns out of fold from their majority: here vouch takes CROWDLAB.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.metrics.clusters import independent
from vouch.metrics.dawid_skene import estimate
from vouch.metrics.intervals import student
from vouch.review.collect.agreement import consensus

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Method = Callable[[pd.DataFrame, Floats], Floats]
ITEMS, PEOPLE, WORDS, LENGTH = 500, 40, 300, 8
RATES = (0.05, 0.45)  # of error, from the best person to the worst


def votes_of(judgments: pd.DataFrame) -> pd.DataFrame:
    """Return a row an item, a column a person, the class chosen or NaN."""
    return judgments.pivot_table(index="item", columns="person", values="chosen").round()


def majority(votes: pd.DataFrame, likely: Floats) -> Floats:
    """Return the share of each class that most people chose, shared out in a tie."""
    counts = np.stack([(votes == label).sum(axis=1) for label in range(likely.shape[1])], axis=1)
    most = counts == counts.max(axis=1, keepdims=True)
    return np.asarray(most / most.sum(axis=1, keepdims=True))


def dawid_skene(votes: pd.DataFrame, likely: Floats) -> Floats:
    """Return the likeliest class by Dawid and Skene's estimate."""
    rows, people = np.nonzero(votes.notna().to_numpy())
    words = votes.to_numpy()[rows, people].astype(np.int64)
    classes = likely.shape[1]
    return np.eye(classes)[estimate(np.column_stack([rows, people, words]), classes).argmax(axis=1)]


def ours(votes: pd.DataFrame, likely: Floats) -> Floats:
    """Return the class that vouch takes."""
    settled = consensus(votes, likely)
    return np.eye(likely.shape[1])[[settled[str(item)].label for item in votes.index]]


METHODS: dict[str, Method] = {"majority": majority, "Dawid-Skene": dawid_skene, "vouch": ours}


def report(title: str, right: dict[str, Floats]) -> None:
    """Print each method's share of right items, and its difference to the best."""
    best = max(right, key=lambda name: right[name].mean())
    print(f"\n{title}")
    for name, hits in right.items():
        gap = hits - right[best]
        counted = np.ones(len(gap))
        spread = independent(len(gap)).spread((gap - gap.mean()) / len(gap), counted)
        low, high = student(float(gap.mean()), spread)
        interval = "best" if name == best else f"{gap.mean():+.4f} ({low:+.4f} to {high:+.4f})"
        print(f"  {name:14}{hits.mean():.4f}   {interval}", flush=True)


def measure(judgments: pd.DataFrame, each: int | None, draws: int, seed: int = 0) -> None:
    """Draw judgments of each item, and compare the methods."""
    rng, repeats = np.random.default_rng(seed), draws if each else 1
    truth = judgments.groupby("item")["true"].first()
    right = {name: np.zeros(len(truth)) for name in METHODS}
    for _ in range(repeats):
        shuffled = judgments.iloc[rng.permutation(len(judgments))]
        votes = votes_of(shuffled.groupby("item").head(each) if each else shuffled)
        likely = np.full((len(votes), 2), 0.5)
        for name, method in METHODS.items():
            chosen = method(votes, likely)
            right[name] += chosen[np.arange(len(truth)), truth.to_numpy()] / repeats
    number = f"{each} judgments an item, mean of {repeats} draws" if each else "all judgments"
    report(f"{number}: {len(truth)} items", right)


def texts(rng: np.random.Generator) -> tuple[Integers, list[str]]:
    """Make up texts whose words lean to one of two classes."""
    truth = rng.integers(0, 2, ITEMS)
    lean = np.exp(rng.normal(0, 0.5, (2, WORDS)))
    lean /= lean.sum(axis=1, keepdims=True)
    words = [rng.choice(WORDS, LENGTH, p=lean[label]) for label in truth]
    return truth, [" ".join(f"w{word}" for word in text) for text in words]


def opinions(lines: list[str], votes: pd.DataFrame) -> Floats:
    """Learn out of fold from the people's majority; return probabilities, shape (items, 2)."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    labels = (votes.mean(axis=1) > 0.5).to_numpy().astype(np.int64)
    counts = CountVectorizer().fit_transform(lines)
    learner = LogisticRegression(C=0.3)
    return np.asarray(cross_val_predict(learner, counts, labels, cv=5, method="predict_proba"))


def generated(each: int, draws: int, seed: int = 0) -> None:
    """Compare the methods on generated texts, on which a model has an opinion."""
    rng = np.random.default_rng(seed)
    right: dict[str, list[Floats]] = {name: [] for name in (*METHODS, "classifier")}
    for _ in range(draws):
        truth, lines = texts(rng)
        errs = np.linspace(*RATES, PEOPLE)
        people = np.argsort(rng.random((ITEMS, PEOPLE)), axis=1)[:, :each]
        wrong = rng.random((ITEMS, each)) < errs[people]
        votes = np.full((ITEMS, PEOPLE), np.nan)
        np.put_along_axis(votes, people, np.where(wrong, 1 - truth[:, None], truth[:, None]), 1)
        table = pd.DataFrame(votes)
        likely = opinions(lines, table)
        for name, method in METHODS.items():
            right[name].append(method(table, likely)[np.arange(ITEMS), truth])
        right["classifier"].append((likely.argmax(axis=1) == truth).astype(np.float64))
    title = f"{draws} sets of {ITEMS} generated texts, {each} of {PEOPLE} people each"
    report(title, {name: np.concatenate(hits) for name, hits in right.items()})


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", type=Path, help="a file of judgments")
    parser.add_argument("--draws", type=int, default=50, help="draws of 3 and of 5 judgments")
    parser.add_argument("--sets", type=int, default=10, help="sets of generated texts")
    options = parser.parse_args()
    if options.path:
        names = ["person", "item", "chosen", "true"]
        judgments = pd.read_csv(options.path, header=None, usecols=range(4), names=names)
        for each in (3, 5, None):
            measure(judgments, each, options.draws)
    for each in (3, 5):
        generated(each, options.sets)


if __name__ == "__main__":
    main()
