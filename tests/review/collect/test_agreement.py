import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.review.collect.agreement import consensus, kappas

NAN = np.nan


def votes(rows, names=("ann", "bob", "cy")):
    return pd.DataFrame(rows, columns=list(names)[: len(rows[0])], dtype=float)


def test_kappa_is_that_of_the_textbook():
    # 20 yes/yes, 15 no/no, 5 and 10 apart: observed .7, by chance .5
    rows = [[1, 1]] * 20 + [[1, 0]] * 5 + [[0, 1]] * 10 + [[0, 0]] * 15
    (pair,) = kappas(votes(rows))
    kappa = pair.pop("kappa")
    assert pair == {"reviewers": ["ann", "bob"], "cases": 50}
    assert kappa["value"] == pytest.approx(0.4)
    assert kappa["interval"][0] < 0.4 < kappa["interval"][1]


def test_kappa_of_one_label_only_is_not_told():
    assert kappas(votes([[1, 1], [1, 1]]))[0]["kappa"]["value"] is None


def test_pairs_that_share_one_case_are_left_out():
    assert kappas(votes([[1, 1, NAN], [0, NAN, 1]])) == []


def test_one_reviewer_is_no_consensus():
    assert consensus(votes([[1, NAN, NAN]]), np.array([[0.5, 0.5]])) == {}


def test_good_reviewers_weigh_more_than_a_bad_one():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    wrong = [rng.random(300) < rate for rate in (0.05, 0.05, 0.45)]
    table = pd.DataFrame(
        {n: np.where(w, 1 - truth, truth) for n, w in zip("abc", wrong, strict=True)}
    )
    likely = np.where(truth[:, None] == [0, 1], 0.7, 0.3)
    found = consensus(table.astype(float), likely)
    labels = np.array([found[str(n)].label for n in range(300)])
    assert {one.method for one in found.values()} == {"crowdlab"}
    assert (labels == truth).mean() > 0.97
    sure = np.array([found[str(n)].confidence for n in range(300)])
    agreed = table.nunique(axis=1).to_numpy() == 1
    assert sure[agreed].mean() > sure[~agreed].mean()


def test_the_model_does_not_overrule_the_few_reviewers_there_are():
    table = votes([[1, 1, 0], [1, 1, 1], [1, 1, 1]])
    found = consensus(table, np.array([[0.99, 0.01]] * 3))
    assert [(one.label, one.method) for one in found.values()] == [(1, "majority")] * 3


def test_reviewers_of_one_mind_are_never_overruled():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 200)
    table = pd.DataFrame({n: np.where(rng.random(200) < 0.75, truth, 1 - truth) for n in "ab"})
    likely = np.where(truth[:, None] == [0, 1], 0.98, 0.02)
    found = consensus(table.astype(float), likely)
    agreed = table[table["a"] == table["b"]]
    assert [found[str(n)].label for n in agreed.index] == agreed["a"].tolist()
    assert {one.method for one in found.values()} == {"crowdlab", "majority"}


def test_cases_without_a_models_opinion_are_settled_by_people_alone():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, 300)
    errs = {"a": 0.05, "b": 0.1, "c": 0.45, "d": 0.45, "e": 0.45}
    wrong = {name: rng.random(300) < rate for name, rate in errs.items()}
    table = pd.DataFrame({n: np.where(w, 1 - truth, truth) for n, w in wrong.items()}).astype(float)
    likely = np.where(truth[:, None] == [0, 1], 0.7, 0.3)
    likely[:150] = 0.5
    agreed = consensus(table, likely)
    methods = [agreed[str(n)].method for n in range(300)]
    assert {*methods[:150]} <= {"dawid_skene", "majority"} and "dawid_skene" in methods[:150]
    assert {*methods[150:]} <= {"crowdlab", "majority"} and "crowdlab" in methods[150:]
    blind = [agreed[str(n)].label == truth[n] for n in range(150)]
    assert np.mean(blind) > ((table.mean(axis=1) > 0.5) == truth)[:150].mean()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, NAN]), min_size=3, max_size=3).filter(
            lambda row: not all(np.isnan(row))
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_of_few_cases_the_majority_holds(rows, random):
    table = votes(rows)
    likely = np.array([[random.random() + 0.01 for _ in range(3)] for _ in rows])
    likely /= likely.sum(axis=1, keepdims=True)
    found = consensus(table, likely)
    several = table.notna().sum(axis=1) >= 2
    assert set(found) == {str(n) for n in table.index[several]}
    for n in table.index[several]:
        given = table.loc[n].dropna()
        counts = given.value_counts()
        assert counts[found[str(n)].label] == counts.max()
