"""How often the intervals on few decided texts hold, and what choosing texts does without them."""

import numpy as np
import pytest

from vouch.metrics.classes import confusion, macro_recall, recall_of
from vouch.usecases.params import EvaluateParams
from vouch.usecases.sentiment.review import figures

REPEATS = 200
PARAMS = EvaluateParams()


def texts(random, rows=12_000):
    """True classes as of tweets, a model's classes, right more often the surer it is."""
    labels = random.choice(3, rows, p=[0.15, 0.45, 0.4])
    margin = random.beta(1.5, 1, rows)
    right = random.random(rows) < 0.4 + 0.55 * margin - 0.1 * (labels == 0)
    wrong = (labels + random.integers(1, 3, rows)) % 3
    return labels, np.where(right, labels, wrong), margin


@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_the_random_samples_interval_holds_and_the_reviewed_sets_does_not(rows):
    random = np.random.default_rng(3)
    labels, predicted, margin = texts(random)
    tables = {
        "macro_recall": macro_recall(labels, predicted),
        "accuracy": (labels == predicted).mean(),
    }
    held = dict.fromkeys(tables, 0)
    naive_held, told = 0, 0
    for _ in range(REPEATS):
        u = random.random(len(labels))
        drawn = u <= np.sort(u)[rows - 1]
        # three times as many by margin, as a queue does
        hard = np.zeros(len(labels), bool)
        hard[np.argsort(margin + random.normal(0, 0.1, len(labels)))[: 3 * rows]] = True
        found = figures(labels[drawn], predicted[drawn], np.ones(rows), PARAMS)
        seen = drawn | hard
        naive = figures(labels[seen], predicted[seen], np.ones(seen.sum()), PARAMS)
        told += found["macro_recall"]["value"] is not None
        for name, true in tables.items():
            low, high = found[name]["interval"]
            held[name] += low <= true <= high
        low, high = naive["macro_recall"]["interval"]
        naive_held += low <= tables["macro_recall"] <= high
    assert told == REPEATS
    for name, count in held.items():
        assert 0.91 <= count / REPEATS <= 0.99, (name, count)
    assert naive_held / REPEATS < 0.3


def test_weights_stand_for_as_many_texts():
    random = np.random.default_rng(0)
    labels, predicted, _ = texts(random, 400)
    weights = random.integers(1, 5, 400)
    found = figures(labels, predicted, weights.astype(float), PARAMS)
    tables = confusion(np.repeat(labels, weights), np.repeat(predicted, weights), 3)[None]
    assert found["macro_recall"]["value"] == pytest.approx(float(recall_of(tables)[0]))
    plain = figures(
        np.repeat(labels, weights), np.repeat(predicted, weights), np.ones(weights.sum()), PARAMS
    )
    width = [f["accuracy"]["interval"][1] - f["accuracy"]["interval"][0] for f in (found, plain)]
    assert width[0] > width[1]


def test_a_class_without_texts_leaves_nothing_to_say():
    found = figures(np.array([0, 1]), np.array([0, 1]), np.ones(2), PARAMS)
    assert all(one == {"value": None, "interval": None} for one in found.values())


def test_a_rare_class_widens_the_interval():
    labels = np.array([0] * 3 + [1] * 150 + [2] * 147)
    low, high = figures(labels, labels, np.ones(300), PARAMS)["macro_recall"]["interval"]
    assert low < 0.9
    assert high == 1
