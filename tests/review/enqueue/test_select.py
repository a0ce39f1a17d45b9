import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.select import select

LARGEST = {"value": True, "disagreement": True, "margin": False, "novelty": True, "similar": True}
DEFAULT = EnqueueParams()


def pool(seed, size, *, absent=(), twins=0.3, taken=0.2, recent=0.3, settled=0.4):
    """Rows with ties, unknown measures, near-duplicates and rows people were asked about."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"entity": [f"r{i:04d}" for i in range(size)]})
    frame["u"] = (random.permutation(size) + 0.5) / max(size, 1)
    for name in LARGEST:
        frame[name] = random.integers(0, 5, size) / 4
        frame.loc[random.random(size) < 0.2, name] = np.nan
        if name in absent:
            frame[name] = np.nan
    group = random.integers(0, max(size // 3, 1), size)
    frame["twin"] = [f"t{g}" if random.random() < twins else None for g in group]
    frame["taken"] = random.random(size) < taken
    frame["recent"] = random.random(size) < recent
    frame["settled"] = random.random(size) < settled
    return frame


def oracle(frame, n, params):
    """The same choice, a row at a time and by looking through all rows each time."""
    rows = frame.to_dict("records")
    asked = {row["twin"] for row in rows if row["taken"] and row["twin"] is not None}
    best = {}
    for row in sorted(rows, key=lambda r: r["u"]):
        if not row["taken"] and row["twin"] not in asked:
            best.setdefault(row["twin"] or row["entity"], row)
    left, chosen = list(best.values()), []
    n = min(n, len(left))
    for _ in range(math.ceil(n * params.random - 1e-9)):
        chosen.append((left.pop(0), "random"))
    newest_first = len(chosen) + math.ceil((n - len(chosen)) * params.recent - 1e-9)
    while len(chosen) < n:
        unsettled = [row for row in left if not row["settled"]]
        newest = [row for row in unsettled if row["recent"] and len(chosen) < newest_first]
        part = next((rows for rows in (newest, unsettled) if measured(rows, params)), left)
        ratios = {
            name: (sum(s == name for _, s in chosen) + 1) / params.weights[name]
            for name in measured(part, params)
        }
        stream = min(ratios, key=ratios.get, default="random")
        sign = {"random": 0}.get(stream, -1 if LARGEST.get(stream) else 1)
        known = [r for r in part if stream == "random" or not math.isnan(r[stream])]
        row = min(known, key=lambda r: (sign * r.get(stream, 0), r["u"]))
        left.remove(row)
        chosen.append((row, stream))
    top = max((row["u"] for row, stream in chosen if stream == "random"), default=None)
    return [(r["entity"], s, top if s == "random" else None) for r, s in chosen]


def measured(rows, params):
    """The streams that have a row to choose."""
    return [
        name
        for name in LARGEST
        if params.weights[name] and any(not math.isnan(row[name]) for row in rows)
    ]


def told(found):
    return [
        (row.entity, row.stream, None if np.isnan(row.propensity) else row.propensity)
        for row in found.itertuples()
    ]


shares = st.builds(
    EnqueueParams,
    random=st.sampled_from([0.1, 0.25, 1 / 3, 1.0]),
    margin=st.sampled_from([0.0, 0.5, 1.0]),
    value=st.sampled_from([0.0, 1.0, 2.0]),
    disagreement=st.sampled_from([0.0, 1.0]),
    novelty=st.sampled_from([0.0, 1.0]),
    similar=st.sampled_from([0.0, 3.0]),
    recent=st.sampled_from([0.0, 0.3, 1.0]),
)
pools = st.builds(
    pool,
    st.integers(0, 10**6),
    st.integers(0, 60),
    absent=st.sets(st.sampled_from(sorted(LARGEST))),
    twins=st.sampled_from([0.0, 0.3, 1.0]),
    taken=st.sampled_from([0.0, 0.2, 0.9]),
    settled=st.sampled_from([0.0, 0.4, 1.0]),
)


@settings(max_examples=150, deadline=None)
@given(pools, st.integers(0, 70), shares)
def test_the_choice_is_the_one_made_row_by_row(frame, n, params):
    assert told(select(frame, n, params)) == oracle(frame, n, params)


@settings(max_examples=100, deadline=None)
@given(pools, st.integers(0, 70), shares, st.randoms(use_true_random=False))
def test_a_choice_keeps_its_promises(frame, n, params, random):
    found = select(frame, n, params)
    rows = frame.set_index("entity").loc[found["entity"]]
    assert len(found) <= n
    assert found["entity"].is_unique
    assert not rows["taken"].any()
    assert rows["twin"].dropna().is_unique
    assert not rows["twin"].dropna().isin(frame["twin"][frame["taken"]]).any()
    assert found["propensity"].notna().equals(found["stream"] == "random")
    order = list(range(len(frame)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(found, select(frame.iloc[order], n, params))


@settings(max_examples=50, deadline=None)
@given(pools, st.integers(1, 12), shares, st.integers(1, 8))
def test_over_many_rounds_the_random_sample_is_every_row_up_to_the_greatest_number(
    frame, n, params, rounds
):
    frame = frame.assign(taken=False)
    ordered = frame.sort_values("u")
    frame_rows = ordered[ordered["twin"].isna() | ~ordered["twin"].duplicated()].set_index("entity")
    reached = 0.0
    asked = set()
    for _ in range(rounds):
        found = select(frame, n, params)
        assert not asked & set(found["entity"])
        asked |= set(found["entity"])
        frame["taken"] = frame["entity"].isin(asked)
        drawn = found[found["stream"] == "random"]
        if len(drawn):
            assert drawn["propensity"].nunique() == 1
            assert drawn["propensity"].iloc[0] > reached
            reached = drawn["propensity"].iloc[0]
            assert frame_rows.loc[drawn["entity"], "u"].max() == reached
        assert set(frame_rows.index[frame_rows["u"] <= reached]) <= asked


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 40), shares)
def test_shares_are_met_where_there_are_rows_enough(seed, n, params):
    frame = pool(seed, 400, taken=0.0, twins=0.0)
    counted = select(frame, n, params)["stream"].value_counts()
    total = sum(params.weights.values())
    at_random = math.ceil(n * params.random - 1e-9) if total else n
    assert counted.get("random", 0) == at_random
    for name, weight in params.weights.items():
        exact = (n - at_random) * weight / total if total else 0
        assert counted.get(name, 0) >= math.floor(exact)
        assert bool(weight) or name not in counted


def test_an_absent_measure_gives_its_share_to_the_others():
    frame = pool(1, 400, absent=("value",), taken=0.0, twins=0.0)
    counted = select(frame, 100, DEFAULT)["stream"].value_counts()
    assert counted["random"] == 25
    assert "value" not in counted
    assert abs(counted["margin"] - counted["disagreement"]) <= 1


def test_without_any_measure_all_is_left_to_chance():
    frame = pool(1, 100, absent=tuple(LARGEST), taken=0.0, twins=0.0)
    found = select(frame, 20, DEFAULT)
    assert set(found["stream"]) == {"random"}
    assert set(found["entity"]) == set(frame.nsmallest(20, "u")["entity"])


def test_the_random_sample_estimates_a_mean_that_the_other_streams_do_not():
    estimates, chosen = [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        frame = pool(seed, 800, taken=0.0, twins=0.0)
        frame["margin"] = random.random(800)
        truth = (random.random(800) < 1 - frame["margin"]).astype(float)
        frame["u"] = random.random(800)
        reached = 0.0
        for _ in range(5):
            found = select(frame, 40, EnqueueParams(value=0, disagreement=0, novelty=0, similar=0))
            frame["taken"] |= frame["entity"].isin(found["entity"])
            reached = found["propensity"].max()
        estimates.append(truth[frame["u"] <= reached].mean() - truth.mean())
        chosen.append(truth[frame["taken"]].mean() - truth.mean())
    assert abs(np.mean(estimates)) < 4 * np.std(estimates) / np.sqrt(60)
    assert np.mean(chosen) > 0.2


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": 200},
        {"random": 1.5},
        {"margin": -1},
        {"random": 0, "margin": 0, "value": 0, "disagreement": 0, "novelty": 0, "similar": 0},
        {"entropy": 1},
    ],
)
def test_wrong_shares_are_refused(wrong):
    with pytest.raises(ValueError):
        EnqueueParams(**wrong)
