"""Figures of drawn rows against all rows, all possible samples, and numeric derivatives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.metrics import drawn, ranked
from vouch.metrics.drawn import Sample

CONFIDENCE = 0.95
TABLES = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40).filter(
    lambda rows: any(positive for positive, _ in rows)
)


def whole(labels):
    labels = np.asarray(labels, np.float64)
    return Sample(np.arange(len(labels)), np.ones(len(labels)), labels)


def ranking(rows, positives, seed, strength=2.0):
    random = np.random.default_rng(seed)
    labels = np.zeros(rows, bool)
    labels[random.choice(rows, positives, replace=False)] = True
    return labels, random.normal(size=rows) + strength * labels


def draw(labels, scores, times, seed):
    """Draw rows, those of high scores more often."""
    places = (-scores).argsort().argsort() + 1
    chances = np.minimum(times / (places + 10), 1)
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(labels)) < chances)
    return Sample(rows, chances[rows], labels[rows].astype(np.float64))


@settings(deadline=None)
@given(TABLES)
def test_of_all_rows_it_is_the_average_precision(table):
    labels, scores = (np.array(column) for column in zip(*table, strict=True))
    estimate = drawn.average_precision(scores.astype(np.float64), whole(labels))
    assert estimate.value == pytest.approx(ranked.average_precision(labels, scores), abs=1e-12)


def test_over_all_samples_the_hits_and_their_precision_are_right():
    """Weighted by their probabilities, all possible samples give the sums over all rows."""
    labels = np.array([0, 0, 0, 0, 0, 1, 0, 0, 1, 1], bool)  # precision stays below 1 in each
    scores = -np.arange(10.0)
    chances = np.linspace(0.5, 0.95, 10)
    hits = precision = 0.0
    for chosen in product([False, True], repeat=10):
        inside = np.array(chosen)
        likely = np.where(inside, chances, 1 - chances).prod()
        sample = Sample(np.flatnonzero(inside), chances[inside], labels[inside].astype(float))
        total = sample.hits.sum()
        hits += likely * total
        if total:
            precision += likely * drawn.average_precision(scores, sample).value * total
    assert hits == pytest.approx(3)
    assert precision / 3 == pytest.approx(ranked.average_precision(labels, scores))


@pytest.mark.parametrize("seed", range(5))
def test_a_rows_influence_is_the_change_of_the_figure_with_its_weight(seed):
    labels, scores = ranking(400, 30, seed, strength=1.0)
    scores[np.flatnonzero(~labels)[:60]] += 10  # so that no precision reaches 1
    sample = draw(labels, scores, 100, seed)
    estimate, tiny = drawn.average_precision(scores, sample), 1e-6
    for place in np.flatnonzero(sample.positive):
        more = sample.chances.copy()
        more[place] /= 1 + tiny
        shifted = drawn.average_precision(scores, Sample(sample.rows, more, sample.positive))
        slope = (shifted.value - estimate.value) / tiny
        assert estimate.drawn[place] == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("strengths", [(2.0, 2.0), (3.0, 1.5)])
def test_the_error_of_all_rows_is_the_bootstraps(strengths):
    labels, first = ranking(4000, 150, 1, strengths[0])
    second = np.random.default_rng(2).normal(size=4000) + strengths[1] * labels
    ours, theirs = (drawn.average_precision(each, whole(labels)) for each in (first, second))
    random, samples = np.random.default_rng(0), []
    for _ in range(400):
        rows = random.integers(4000, size=4000)
        pair = [ranked.average_precision(labels[rows], each[rows]) for each in (first, second)]
        samples.append(pair)
    values = np.array(samples)
    assert ours.error == pytest.approx(values[:, 0].std(), rel=0.2)
    assert (ours - theirs).error == pytest.approx(np.diff(values).std(), rel=0.2)


def test_intervals_of_drawn_rows_hold_about_as_often_as_they_say():
    held = []
    for seed in range(150):
        labels, scores = ranking(3000, 100, seed)
        estimate = drawn.average_precision(scores, draw(labels, scores, 60, seed))
        low, high = estimate.figure(CONFIDENCE)["interval"]
        held.append(low <= ranked.average_precision(labels, scores) <= high)
    assert np.mean(held) > 0.9


def test_nothing_decided_is_undefined():
    scores = np.arange(5.0)
    for decided in (whole([0] * 5), Sample(np.empty(0, int), np.empty(0), np.empty(0))):
        figure = drawn.average_precision(scores, decided).figure(CONFIDENCE)
        assert figure == {"value": None, "interval": None}
    assert drawn.mean([], np.ones(3)).figure(CONFIDENCE)["value"] is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_a_share_of_all_rows_is_the_share(rows):
    of, among = (np.array(column, float) for column in zip(*rows, strict=True))
    of = of * among
    value = drawn.share(of, among, whole(among)).value
    assert value == pytest.approx(of.sum() / among.sum()) if among.any() else np.isnan(value)


def test_so_many_decisions_as_are_missing_are_enough():
    labels, first = ranking(8000, 300, 1, 3.0)
    second = np.random.default_rng(2).normal(size=8000) + 2.5 * labels

    def gap(sample):
        ours, theirs = (drawn.average_precision(each, sample) for each in (first, second))
        return ours - theirs

    few = draw(labels, first, 40, 5)
    wanted = drawn.missing(gap(few), few, 0.15, CONFIDENCE)
    assert 0 < wanted < 8000 - len(few.rows)
    times = next(t for t in range(41, 4000) if len(draw(labels, first, t, 5).rows) >= wanted * 1.5)
    enough = draw(labels, first, times, 5)
    assert drawn.missing(gap(enough), enough, 0.15, CONFIDENCE) < wanted / 4
    assert drawn.missing(gap(few), few, 0.3, CONFIDENCE) <= wanted
    everything = whole(labels)
    assert drawn.missing(gap(everything), everything, 0.001, CONFIDENCE) == 0


def test_a_comparison_that_holds_whenever_one_looks_is_wider():
    labels, first = ranking(4000, 150, 1, 3.0)
    second = np.random.default_rng(2).normal(size=4000) + labels
    sample = draw(labels, first, 60, 1)
    ours, theirs = (drawn.average_precision(each, sample) for each in (first, second))
    compared = drawn.compare(ours, theirs, sample, 0.1, CONFIDENCE)
    low, high = compared["difference"]["interval"]
    assert compared["surely"][0] < low < compared["difference"]["value"] < high
    assert compared["share_better"] > 0.9
    assert compared["difference"]["value"] == pytest.approx(
        compared["challenger"] - compared["champion"]
    )


def test_models_that_no_decided_row_tells_apart_are_not_told_apart():
    labels, scores = ranking(400, 30, 1)
    sample = draw(labels, scores, 40, 1)
    same = drawn.average_precision(scores, sample)
    compared = drawn.compare(same, same, sample, 0.1, CONFIDENCE)
    assert compared["missing"] > 0 and compared["share_better"] == 0.5
    everything = whole(labels)
    same = drawn.average_precision(scores, everything)
    assert drawn.compare(same, same, everything, 0.1, CONFIDENCE)["missing"] == 0
