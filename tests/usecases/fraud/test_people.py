"""Payments judged by people's word on drawn rows: against the truth of all rows."""

import numpy as np
import pandas as pd
import pytest

from vouch.holdout.judge import People, ScoredModel
from vouch.sources.declaration import Costs
from vouch.usecases.fraud import people as by_people
from vouch.usecases.fraud.costs import row_costs
from vouch.usecases.fraud.judge import Ranking
from vouch.usecases.fraud.measures import Terms, measure
from vouch.usecases.params import EvaluateParams

TERMS = Terms(1.0, 10, False, Costs(), 100.0, EvaluateParams(repeats=50))


def payments(rows=3000, frauds=120, seed=0):
    random = np.random.default_rng(seed)
    truth = np.zeros(rows, np.int8)
    truth[random.choice(rows, frauds, replace=False)] = 1
    return pd.DataFrame(
        {
            "truth": truth,
            "rule": (random.random(rows) < 0.02 + 0.3 * truth).astype(np.int8),
            "amount": random.gamma(2, 50, rows),
            "score": random.normal(size=rows) + 2 * truth,
            "other": random.normal(size=rows) + truth,
        }
    )


def everybody(rows):
    """Every row decided rightly by three people, so that nothing is unsure."""
    votes = 3 * np.stack([1 - rows["truth"], rows["truth"]], axis=1).astype(np.int64)
    return People(np.arange(len(rows)), np.ones(len(rows)), votes, len(rows))


def some(rows, times, seed=0):
    likely = [rows[[name, name]].to_numpy() for name in ("score", "other")]
    chances = np.minimum(times * by_people.sizes(rows, likely), 1)
    drawn = np.flatnonzero(np.random.default_rng(seed).random(len(rows)) < chances)
    whole = everybody(rows)
    return People(drawn, chances[drawn], whole.votes[drawn], len(drawn))


def test_of_all_rows_the_figures_are_those_of_their_truth():
    rows = payments()
    ours, theirs = by_people.measure(rows, everybody(rows), TERMS), measure(rows, "truth", TERMS)
    for name in ("average_precision", "cost"):
        assert ours[name]["value"] == pytest.approx(theirs[name]["value"], rel=0.02)
    counts = [[c["value"] for c in each["confusion"].values()] for each in (ours, theirs)]
    assert counts[0] == pytest.approx(counts[1], abs=2)
    same = ("positives", "rows", "share_flagged_rows", "too_few")
    assert [ours[name] for name in same] == pytest.approx([theirs[name] for name in same])
    assert ours["chance"] == pytest.approx(theirs["chance"], rel=0.02)
    assert ours["people"]["disputed"] == 0 and ours["people"]["several"] == 3000


def test_of_drawn_rows_the_figures_lie_in_their_intervals():
    held = []
    for seed in range(40):
        rows = payments(seed=seed)
        people = some(rows, 40, seed)
        ours, theirs = by_people.measure(rows, people, TERMS), measure(rows, "truth", TERMS)
        assert len(people.rows) < 600
        for name in ("average_precision", "cost"):
            low, high = ours[name]["interval"]
            held.append(low <= theirs[name]["value"] <= high)
        low, high = ours["confusion"]["fn"]["interval"]
        held.append(low <= theirs["confusion"]["fn"]["value"] <= high)
    assert np.mean(held) > 0.85


def test_people_who_err_are_seen_through():
    rows, random = payments(frauds=200), np.random.default_rng(1)
    chances = np.where(rows["truth"] == 1, 0.8, 0.03)
    said = random.binomial(1, chances)
    votes = np.stack([1 - said, said], axis=1)
    again = random.binomial(2, chances)
    votes[said == 1] += np.stack([2 - again, again], axis=1)[said == 1]
    people = People(np.arange(len(rows)), np.ones(len(rows)), votes, len(rows))
    measured, truth = by_people.measure(rows, people, TERMS), measure(rows, "truth", TERMS)
    low, high = measured["average_precision"]["interval"]
    assert low < truth["average_precision"]["value"] < high
    word = measured["people"]
    assert word["finds"] == pytest.approx(0.8, abs=0.12)
    assert word["mistakes"] == pytest.approx(0.03, abs=0.02)
    assert word["between"][0] < measured["average_precision"]["value"] < word["between"][1]


def test_where_reviewers_agree_too_little_more_decisions_are_missing():
    rows, random = payments(frauds=200), np.random.default_rng(1)
    said = random.binomial(1, np.where(rows["truth"] == 1, 0.4, 0.15))
    people = everybody(rows)
    people.votes[:] = np.stack([1 - said, said], axis=1)
    compared = by_people.compare(rows, rows["other"].to_numpy(), people, TERMS)
    assert compared["missing"] > 0
    settled = by_people.compare(rows, rows["other"].to_numpy(), everybody(rows), TERMS)
    assert settled["missing"] == 0


def test_rows_high_in_any_ranking_are_drawn_sooner_and_all_can_be():
    rows = payments()
    sizes = by_people.sizes(rows, [rows[["score", "score"]].to_numpy()])
    order = rows["score"].rank(ascending=False)
    assert sizes.min() > 0
    assert sizes[order <= 10].min() > sizes[(order > 500) & (rows["rule"] == 0)].max() * 5
    assert sizes[rows["rule"] == 1].min() > np.median(sizes)
    bare = rows.assign(rule=None)
    assert by_people.sizes(bare, []).tolist() == [1] * len(rows)


def test_the_judge_goes_by_people_and_says_how_many_decisions_are_missing():
    rows, judge = payments(), Ranking(TERMS)
    ours, theirs = (
        ScoredModel(name, lambda rows, name=name: rows[[name, name]].to_numpy())
        for name in ("score", "other")
    )
    bare = rows.assign(truth=pd.array([None] * len(rows), "Int8"))
    answer = judge.candidate(bare, ours, theirs, some(rows, 20))
    assert judge.count(bare, some(rows, 20)) == answer["truth"]["positives"]
    for name in ("against_rule", "against_champion"):
        assert answer[name]["difference"]["value"] > 0 and answer[name]["missing"] > 0
    told = judge.candidate(bare, ours, theirs, everybody(rows))
    assert told["against_champion"]["missing"] == 0
    assert judge.candidate(bare.assign(rule=None), ours, ours, some(rows, 20))["against_rule"] == {
        "difference": None,
        "reason": "the source declares no rule",
    }


def test_nobody_asked_is_said():
    rows, none = payments(), np.empty(0)
    people = People(none.astype(int), none, np.empty((0, 2), int), 0)
    measured = by_people.measure(rows, people, TERMS)
    assert "vouch enqueue" in measured["reason"] and measured["too_few"]
    assert measured["average_precision"]["value"] is None
    compared = by_people.compare(rows, rows["other"].to_numpy(), people, TERMS)
    assert compared["difference"] is None and "vouch enqueue" in compared["reason"]


def test_the_cost_is_that_of_the_rows():
    rows = payments()
    flagged = rows["score"] >= TERMS.threshold
    costs = row_costs(rows["truth"], flagged, rows["amount"], TERMS.costs)
    measured = by_people.measure(rows, everybody(rows), TERMS)
    assert measured["cost"]["value"] == pytest.approx(costs.mean(), rel=0.02)
