"""Judging three classes, against scikit-learn and against what is planted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from vouch.core.errors import VouchError
from vouch.holdout.judge import People, ScoredModel
from vouch.models.predictions import probabilities
from vouch.usecases.params import EvaluateParams
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.judge import COVERAGES, LATEST, Judge, chosen, mixed_columns
from vouch.usecases.sentiment.people import sizes

QUICK = EvaluateParams(repeats=50, min_positives=5)
JUDGE = Judge(QUICK, (1.0, 1.0, 1.0))
shares = st.tuples(*[st.floats(0.01, 1)] * 3)
drawn_rows = st.lists(
    st.tuples(shares, st.sampled_from([0, 1, 2, None]), st.sampled_from([0, 1, 2, None])),
    max_size=40,
)


def table(scores, truth, rule=None, **more):
    scores = np.asarray(scores, np.float64).reshape(-1, 3)
    scores = scores / scores.sum(axis=1, keepdims=True)
    frame = pd.DataFrame(scores, columns=["score_0", "score_1", "score_2"])
    frame["text"] = [f"text {row}" for row in range(len(frame))]
    frame["truth"] = pd.array(truth, dtype="Int8")
    frame["rule"] = pd.array(truth if rule is None else rule, dtype="Int8")
    return frame.assign(**more)


def sampled(rows=300, skill=0.7, seed=0, weights=(0.2, 0.5, 0.3)):
    """Rows whose likeliest class is right as often as ``skill`` says."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, rows, p=weights)
    said = np.where(random.random(rows) < skill, truth, random.integers(0, 3, rows))
    scores = 0.05 + random.random((rows, 3)) * 0.3 + np.eye(3)[said]
    return table(scores, truth, random.integers(0, 3, rows))


def model(predicted, digest="m"):
    """A model that says the same of given rows, by their index."""
    return ScoredModel(digest, lambda rows: np.eye(3)[np.asarray(predicted)[rows.index]])


@settings(max_examples=15, deadline=None)
@given(drawn_rows)
def test_figures_are_scikit_learns(drawn):
    scored = table(*([list(part) for part in zip(*drawn, strict=True)] or [[], [], []]))
    for kind in ("truth", "rule"):
        told = JUDGE.measure(scored, kind)
        known = scored[scored[kind].notna()]
        labels, said = known[kind].to_numpy(int), chosen(known)
        assert told["rows"] == len(known)
        if known.empty:
            assert told["macro_recall"] == {"value": None, "interval": None}
            assert "of no row is known" in told["reason"]
            assert told["coverage"] == told["slices"] == told["calibration"]["bins"] == []
            continue
        there = np.unique(labels)
        of = {"average": "macro", "labels": there, "zero_division": 0}
        assert told["macro_recall"]["value"] == pytest.approx(recall_score(labels, said, **of))
        assert told["macro_f1"]["value"] == pytest.approx(f1_score(labels, said, **of))
        assert told["accuracy"]["value"] == pytest.approx(accuracy_score(labels, said))
        assert told["confusion"] == confusion_matrix(labels, said, labels=range(3)).tolist()
        recalls = recall_score(labels, said, average=None, labels=range(3), zero_division=np.nan)
        for name, recall in zip(CLASSES, recalls, strict=True):
            value = told["recalls"][name]["value"]
            assert value is None if np.isnan(recall) else value == pytest.approx(recall)
        counted = np.bincount(labels, minlength=3)
        assert list(told["by_class"].values()) == counted.tolist()
        assert told["positives"] == counted.min()
        assert told["too_few"] == (counted.min() < 5) == ("reason" in told)
        assert told["chance"] == pytest.approx(1 / len(there))


def test_intervals_hold_the_value_and_shrink_with_more_rows():
    few, many = (JUDGE.measure(sampled(rows), "truth") for rows in (150, 2400))
    widths = {}
    for name in ("macro_recall", "macro_f1", "accuracy"):
        for told in (few, many):
            low, high = told[name]["interval"]
            assert low < told[name]["value"] < high
            widths.setdefault(name, []).append(high - low)
        assert 2 < widths[name][0] / widths[name][1] < 8  # 4 but for the draws


def test_rows_of_one_author_are_less_evidence():
    alone = sampled(400, seed=3)
    copied = pd.concat([alone] * 4, ignore_index=True)
    grouped = copied.assign(group=np.tile(np.arange(400), 4))

    def width(rows):
        low, high = JUDGE.measure(rows, "truth")["accuracy"]["interval"]
        return high - low

    assert width(grouped) == pytest.approx(width(alone), rel=0.02)
    assert width(copied.assign(twin=grouped["group"])) == pytest.approx(width(grouped))
    assert width(copied) < 0.75 * width(alone)


def test_slices_and_curves_count_groups_too():
    truth = np.repeat([0, 1, 2, 1], 30)
    alone = table(np.eye(3)[truth] + 0.1, truth)
    grouped = alone.assign(twin=np.arange(120) // 10)
    plain, told = (JUDGE.measure(rows, "truth") for rows in (alone, grouped))
    assert [(one["rows"], one["groups"]) for one in told["slices"]] == [(120, 12)] * 2
    assert plain["slices"][0]["groups"] == 120
    assert told["evidence"] == {"columns": ["twin"], "clusters": 12, "effective": 3}
    assert plain["evidence"] == {"columns": [], "clusters": 120, "effective": 30}
    assert all(one["too_few"] for one in told["slices"])  # three groups of a class
    assert not any(one["too_few"] for one in plain["slices"])
    for mine, theirs in zip(told["coverage"], plain["coverage"], strict=True):
        assert mine["accuracy"]["interval"][0] < theirs["accuracy"]["interval"][0]
    for name in ("macro_recall", "macro_f1", "accuracy"):
        assert told[name]["value"] == 1
        low, high = told[name]["interval"]
        assert (low < 0.8, high) == (True, 1)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(shares, st.integers(0, 2)), min_size=1, max_size=60))
def test_coverage_keeps_the_surest_rows(drawn):
    scored = table(*map(list, zip(*drawn, strict=True)))
    sure = scored[["score_0", "score_1", "score_2"]].max(axis=1).to_numpy()
    told = JUDGE.measure(scored, "truth")["coverage"]
    assert [point["coverage"] for point in told] == list(COVERAGES)
    right = chosen(scored) == scored["truth"].to_numpy(int)
    for point in told:
        rows = point["rows"]
        assert abs(rows - point["coverage"] * len(scored)) <= 1
        assert point["from"] == pytest.approx(np.sort(sure)[::-1][rows - 1])
        surely, maybe = right[sure > point["from"]].sum(), right[sure >= point["from"]].sum()
        assert surely <= round(point["accuracy"]["value"] * rows) <= maybe
    assert told[0]["accuracy"]["value"] == pytest.approx(right.mean())


def test_sureness_that_means_something_shows_in_the_coverage():
    random = np.random.default_rng(1)
    sure = random.uniform(0.4, 1, 2000)
    right = random.random(2000) < sure
    scores = np.column_stack([sure, (1 - sure) * 0.6, (1 - sure) * 0.4])
    told = JUDGE.measure(table(scores, np.where(right, 0, 1)), "truth")["coverage"]
    found = [point["accuracy"]["value"] for point in told]
    assert found[-1] > 0.93 > 0.75 > found[0]
    assert found == sorted(found)


def test_probabilities_that_are_so_are_calibrated_and_others_are_not():
    random = np.random.default_rng(0)
    scores = random.dirichlet([1, 1, 1], 2000)
    truth = [random.choice(3, p=row) for row in scores]
    good = JUDGE.measure(table(scores, truth), "truth")["calibration"]
    bold = JUDGE.measure(table(scores**4, truth), "truth")["calibration"]
    assert good["error"] < 0.03 < 0.1 < bold["error"]
    assert sum(one["rows"] for one in good["bins"]) == 3 * 2000
    assert len(good["bins"]) == 10
    assert [one["score"] for one in good["bins"]] == sorted(one["score"] for one in good["bins"])
    for one in good["bins"]:
        assert one["interval"][0] <= one["share"] <= one["interval"][1]


def test_the_shares_take_back_what_balanced_classes_did_to_probabilities():
    random, own = np.random.default_rng(0), np.array([0.05, 0.8, 0.15])
    scores = random.dirichlet(4 * own, 2000) + 1e-9
    truth = [random.choice(3, p=row / row.sum()) for row in scores]
    balanced = table(scores / own, truth)
    errors = {
        name: Judge(QUICK, tuple(shares)).measure(balanced, "truth")["calibration"]["error"]
        for name, shares in (("corrected", own), ("plain", np.ones(3)))
    }
    assert errors["corrected"] < 0.02 < 0.04 < errors["plain"]


def bare(scored):
    return scored.drop(columns=["score_0", "score_1", "score_2"])


def test_a_better_model_is_sure_to_be_better_and_a_worse_one_is_not():
    scored = sampled(400, 0.6)
    truth, worse = scored["truth"].to_numpy(int), chosen(scored)
    better = np.where(np.arange(400) % 10 == 0, truth, worse)  # a tenth of the rows mended
    ours, theirs = model(better), model(worse, "other")
    contest = JUDGE.contest(bare(scored), ours, theirs)
    assert contest.rival == "champion"
    assert contest.evidence.p < 0.02
    assert contest.evidence.value == pytest.approx(recall_score(truth, better, average="macro"))
    assert JUDGE.contest(bare(scored), theirs, ours).evidence.p > 0.99


def test_four_rows_that_differ_prove_nothing_however_they_fall():
    """By signs alone p is 1 / 16; that their classes show no loss proves even less."""
    scored = sampled(400, 0.6)
    truth, worse = scored["truth"].to_numpy(int), chosen(scored)
    better = worse.copy()
    mended = np.flatnonzero(worse != truth)[:4]
    better[mended] = truth[mended]
    contest = JUDGE.contest(bare(scored), model(better), model(worse, "other"))
    assert 1 / 16 <= contest.evidence.p < 1 / 8


@pytest.mark.parametrize("column", ["group", "twin"])
def test_near_duplicates_and_texts_of_one_author_have_one_sign(column):
    scored = sampled(400, 0.6).drop(columns=["group", "twin"], errors="ignore")
    truth, worse = scored["truth"].to_numpy(int), chosen(scored)
    alike = pd.Series(range(400)).astype(str)
    alike[np.flatnonzero(worse != truth)[:40]] = [f"one of {n}" for n in range(4)] * 10
    mended = np.where(alike.str.startswith("one of"), truth, worse)
    contest = JUDGE.contest(
        bare(scored).assign(**{column: alike}), model(mended), model(worse, "other")
    )
    assert contest.evidence.p == pytest.approx(1 / 16)


def test_without_a_champion_it_has_to_beat_the_rule_and_without_that_chance():
    scored = sampled(300)
    rows, ours = bare(scored), model(chosen(scored))
    assert JUDGE.contest(rows, ours, None).rival == "rule"
    assert JUDGE.contest(rows, ours, None).evidence.p < 1e-4
    unruled = JUDGE.contest(rows.assign(rule=pd.array([None] * 300, "Int8")), ours, None)
    assert unruled.rival == "chance"
    assert unruled.evidence.p < 1e-4
    assert JUDGE.contest(rows, model(np.full(300, 1)), None).evidence.p > 0.01


def test_what_cannot_be_compared_says_why():
    scored = sampled(60)
    rows, said = bare(scored), chosen(scored)
    ours, none = model(said), pd.array([None] * 60, dtype="Int8")
    assert "champion itself" in JUDGE.contest(rows, ours, model(said)).reason
    assert "no truth" in JUDGE.contest(rows.assign(truth=none), ours, None).reason

    def refuse(rows):
        raise VouchError("column 'x' is not there", "")

    assert "column 'x'" in JUDGE.contest(rows, ours, ScoredModel("other", refuse)).reason


def test_out_of_fold_rows_tell_how_unsure_the_holdout_will_be():
    scored = sampled(900)
    outlook = JUDGE.outlook(scored, None)
    measured = JUDGE.measure(scored, "truth")["macro_recall"]
    assert outlook.value == pytest.approx(measured["value"])
    assert outlook.error == pytest.approx(np.ptp(measured["interval"]) / 3.92, rel=0.25)
    assert outlook.units == np.bincount(scored["truth"].to_numpy(int)).min()
    itself = JUDGE.outlook(scored, probabilities(scored))
    assert itself.gap == 0
    assert outlook.gap > 0.2 > outlook.difference
    assert JUDGE.outlook(scored.assign(truth=pd.array([None] * 900, "Int8")), None) is None


def test_the_rarest_class_decides_whether_there_are_too_few():
    truth = [1] * 50 + [2] * 50 + [0] * 4
    scored = table(np.eye(3)[truth] + 0.1, truth)
    told = JUDGE.measure(scored, "truth")
    assert told["too_few"]
    assert "4 rows of the rarest class" in told["reason"]
    assert JUDGE.described(scored, "truth")["too_few"]
    assert JUDGE.count(scored) == 4
    enough = table(np.eye(3)[[*truth, 0]] + 0.1, [*truth, 0])
    assert not JUDGE.measure(enough, "truth")["too_few"]


def test_a_class_that_never_occurs_is_left_out_of_the_mean():
    truth = [1] * 30 + [2] * 30
    told = JUDGE.measure(table(np.eye(3)[truth] + 0.1, truth), "truth")
    assert told["macro_recall"]["value"] == 1
    assert told["recalls"]["negative"] == {"value": None, "interval": None}
    assert told["chance"] == 0.5
    assert (told["positives"], told["too_few"]) == (0, True)


def test_the_mean_is_the_accuracy_of_the_rows_whose_label_is_known():
    scored = sampled(100)
    scored.loc[50:, "truth"] = pd.NA
    mean = JUDGE.mean(scored, "accuracy", "truth")
    first = scored.head(50)
    assert mean.units == JUDGE.count_labelled(scored, "truth") == 50
    assert mean.value == pytest.approx((chosen(first) == first["truth"].to_numpy(int)).mean())


def test_equally_likely_classes_are_the_first_of_them():
    assert chosen(table([[1, 1, 1], [0, 1, 1], [1, 0, 1]], [0, 0, 0])).tolist() == [0, 1, 0]
    assert chosen(table([], [])).shape == (0,)


def people_of(scored, chances, seed=0):
    """Draw rows by their chances, each decided rightly by one person."""
    drawn = np.flatnonzero(np.random.default_rng(seed).random(len(scored)) < chances)
    votes = np.eye(3, dtype=int)[scored["truth"].to_numpy(int)[drawn]]
    return People(drawn, chances[drawn], votes, len(drawn))


def test_by_people_on_all_rows_the_figures_are_those_of_the_truth():
    scored = sampled(600)
    ours, theirs = chosen(scored), scored["rule"].to_numpy(int)
    people = people_of(scored, np.ones(600))
    unknown = scored.assign(truth=pd.array([None] * 600, "Int8"))
    word = JUDGE.candidate(unknown, model(ours), model(theirs, "other"), people)
    truth = JUDGE.measure(scored, "truth")
    for name in ("macro_recall", "accuracy"):
        assert word["truth"][name]["value"] == pytest.approx(truth[name]["value"])
    assert word["truth"]["confusion"] == truth["confusion"]
    right = scored["truth"].to_numpy(int)
    wanted = recall_score(right, ours, average="macro") - recall_score(
        right, theirs, average="macro"
    )
    for name in ("against_rule", "against_champion"):
        assert word[name]["difference"]["value"] == pytest.approx(wanted)
        assert word[name]["missing"] == 0
    assert JUDGE.count(unknown, people) == JUDGE.count(scored)


def test_by_people_on_drawn_rows_the_truth_lies_in_the_interval():
    held = []
    for seed in range(60):
        scored = sampled(1500, seed=seed)
        likely = [probabilities(scored)]
        chances = 0.1 * sizes(likely, scored["rule"].to_numpy(int))
        assert chances.min() > 0 and chances.max() == pytest.approx(0.4)
        word = JUDGE.candidate(scored, model(chosen(scored)), None, people_of(scored, chances))
        low, high = word["truth"]["macro_recall"]["interval"]
        held.append(low <= JUDGE.measure(scored, "truth")["macro_recall"]["value"] <= high)
    assert np.mean(held) > 0.9


def test_what_time_costs_is_shown_on_the_same_rows_twice():
    scored = sampled(600, skill=0.6)
    better = sampled(600, skill=0.9)[["score_0", "score_1", "score_2"]].to_numpy()
    better[:300] = np.nan
    truth = scored["truth"].to_numpy(int)
    better[300:] = np.eye(3)[np.where(np.arange(300) % 10 == 0, (truth[300:] + 1) % 3, truth[300:])]
    told = JUDGE.measure(
        scored.assign(**dict(zip(mixed_columns(3), better.T, strict=True))), "truth"
    )
    earlier, mixed = [one for one in told["slices"] if one["slice"] == LATEST]
    assert earlier["rows"] == mixed["rows"] == 300
    own = recall_score(truth[300:], chosen(scored)[300:], average="macro")
    assert earlier["macro_recall"]["value"] == pytest.approx(own)
    assert mixed["accuracy"]["value"] == pytest.approx(0.9)
    plain = JUDGE.measure(scored, "truth")
    assert not [one for one in plain["slices"] if one["slice"] == LATEST]
    assert [one for one in told["slices"] if one["slice"] != LATEST] == plain["slices"]
