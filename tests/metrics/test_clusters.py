import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.metrics.clusters import Clusters, clusters_of, independent

TABLES = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40
)


def squares(influence, *columns):
    """Add up squares of sums over rows that agree in all columns, by brute force."""
    table = pd.DataFrame({"i": influence, **{str(n): each for n, each in enumerate(columns)}})
    return (table.groupby([str(n) for n in range(len(columns))])["i"].sum() ** 2).sum()


@given(TABLES)
def test_two_ways_to_belong_together_count_what_they_share_once(rows):
    influence, payer, payee = (np.array(part, float) for part in zip(*rows, strict=True))
    codes = (payer.astype(int), payee.astype(int))
    spread = Clusters(len(rows), ("payer", "payee"), codes).spread(influence, np.ones(len(rows)))
    by_payer, by_payee = squares(influence, payer), squares(influence, payee)
    both = by_payer + by_payee - squares(influence, payer, payee)
    wanted = max((influence**2).sum(), by_payer, by_payee, both)
    if spread.clusters <= 1:
        assert spread.variance == np.inf
    else:
        few = spread.clusters / (spread.clusters - 1) * (len(rows) - 1) / len(rows)
        assert spread.variance == pytest.approx(wanted * few)


@given(TABLES)
def test_a_cluster_for_each_row_is_as_rows_alone(rows):
    influence = np.array([row[0] for row in rows], float)
    counted = np.array([row[1] for row in rows], float)
    own = np.random.default_rng(0).permutation(len(rows))
    alone = independent(len(rows)).spread(influence, counted)
    named = Clusters(len(rows), ("payer",), (own,)).spread(influence, counted)
    assert (named.clusters, named.rows) == pytest.approx((alone.clusters, alone.rows))
    assert named.variance == pytest.approx(alone.variance, nan_ok=True)


def test_copies_of_rows_tell_no_more_than_the_rows():
    random = np.random.default_rng(0)
    influence = random.normal(size=50)
    alone = independent(50).spread(influence / 50, np.ones(50))
    codes = np.repeat(np.arange(50), 4)
    copied = Clusters(200, ("payer",), (codes,)).spread(np.repeat(influence, 4) / 200, np.ones(200))
    assert copied.clusters == pytest.approx(alone.clusters)
    few = 50 / 49 * 199 / 200
    assert copied.variance == pytest.approx(alone.variance * few)


def test_clusters_of_unequal_size_count_for_fewer():
    codes = np.array([0] * 90 + list(range(1, 11)))
    spread = Clusters(100, ("payer",), (codes,)).spread(np.ones(100), np.ones(100))
    assert spread.clusters == pytest.approx(100**2 / (90**2 + 10))
    assert spread.rows == 100


def test_one_cluster_tells_nothing():
    spread = Clusters(9, ("payer",), (np.zeros(9, int),)).spread(np.ones(9), np.ones(9))
    assert (spread.variance, spread.clusters) == (np.inf, 1)


def test_a_table_is_read_by_the_columns_it_has():
    table = pd.DataFrame({"payer": ["a", None, "a", None], "payee": [None] * 4})
    clusters = clusters_of(table, ("payer", "payee", "author"))
    assert clusters.columns == ("payer",)
    assert clusters.count() == 3
    assert clusters.codes[0][0] == clusters.codes[0][2]
    some = clusters.of(np.array([True, False, True, True]))
    assert (some.rows, some.count()) == (3, 2)
    assert clusters.of(np.array([2, 0])).count() == 1
    assert clusters.evidence(np.array([1.0, 0, 1, 0])) == 1
    nothing = clusters_of(table[["payee"]], ("payer", "payee"))
    assert (nothing.columns, nothing.count()) == ((), 4)


@given(TABLES)
def test_rows_are_connected_through_any_column(rows):
    columns = tuple(np.array(part) for part in tuple(zip(*rows, strict=True))[1:])
    expected = list(range(len(rows)))
    for _ in rows:  # the least number among all that agree in a column, until nothing changes
        for codes in columns:
            expected = [
                min(e for e, c in zip(expected, codes, strict=True) if c == own) for own in codes
            ]
    found = Clusters(len(rows), ("group", "twin"), columns).connected()
    assert [list(found).index(each) for each in found] == [
        expected.index(each) for each in expected
    ]
    assert list(independent(3).connected()) == [0, 1, 2]
