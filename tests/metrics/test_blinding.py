import math

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from vouch.metrics.blinding import NARROWEST, REACH, SHARES, Blinding
from vouch.metrics.intervals import clopper_pearson

nonces = st.binary(min_size=32, max_size=32)
shares = st.floats(0, 1)
metrics = st.sampled_from(sorted(SHARES))
ULP = 1e-14
"""What rounding may do to a difference of figures below 33."""


@given(nonces, metrics, st.lists(shares, min_size=2, max_size=8))
def test_order_and_differences_of_a_metric_stay(nonce, metric, values):
    blinding = Blinding("fraud", nonce)
    blinded = [blinding.value(metric, value) for value in values]
    for a, b in zip(values, blinded, strict=True):
        for c, d in zip(values, blinded, strict=True):
            assert d - b == pytest.approx(c - a, abs=ULP)
            assert (a <= c) <= (b <= d)
            assert (a < c - ULP) <= (b < d)


@given(nonces, nonces)
def test_each_metric_use_case_and_period_has_an_offset_of_its_own(one, other):
    names = [*sorted(SHARES), "another"]
    blindings = [Blinding("fraud", one), Blinding("sentiment", one)]
    blindings += [Blinding("fraud", other)] * (one != other)
    offsets = [blinding.offset(name) for blinding in blindings for name in names]
    assert len(set(offsets)) == len(offsets)
    assert all(-REACH <= offset <= REACH for offset in offsets)


def test_offsets_are_drawn_evenly():
    numbers = range(2000)
    offsets = sorted(
        Blinding("fraud", n.to_bytes(32)).offset("accuracy") / REACH / 2 + 0.5 for n in numbers
    )
    # Kolmogorov and Smirnov's statistic, at a level of one in a million
    assert max(abs(x - n / 2000) for n, x in enumerate(offsets)) < 2.7 / math.sqrt(2000)


@given(nonces, metrics, st.lists(shares, min_size=3, max_size=3).map(sorted))
def test_a_blinded_interval_covers_the_true_one_evenly(nonce, metric, points):
    low, value, high = points
    blinding = Blinding("fraud", nonce)
    shown = blinding.figure(metric, {"value": value, "interval": [low, high]})
    below, above = shown["interval"]
    offset = blinding.offset(metric)
    assert below <= low + offset + ULP and above >= high + offset - ULP
    assert above - shown["value"] == pytest.approx(shown["value"] - below, abs=2 * ULP)
    width = (above - below) / 2
    assert math.log2(width) == pytest.approx(round(math.log2(width)), abs=1e-9)
    assert width >= NARROWEST - ULP


def test_what_is_undefined_stays_so():
    blinding = Blinding("fraud", bytes(32))
    undefined = {"value": None, "interval": None}
    assert blinding.figure("accuracy", undefined) == undefined
    assert blinding.figure("accuracy", {"value": 0.5, "interval": None})["interval"] is None


@pytest.mark.parametrize("share", [0.55, 0.7, 0.9, 0.99, 0.999])
def test_exact_ends_would_tell_the_offset_and_blinded_ones_do_not(share):
    """The attack: the rows are no secret, so the distance to the upper end tells the share."""
    rows, blinding = 20_000, Blinding("fraud", b"7" * 32)
    ends = clopper_pearson(share, rows)

    def reach(guess: float) -> float:
        return clopper_pearson(guess, rows)[1] - guess

    # shifted as it is, the interval gives the share away, and with it the offset
    exact = ends[1] - share
    assert brentq(lambda g: reach(g) - exact, 0.5, 1 - 1e-6) == pytest.approx(share, abs=1e-6)
    # blinded, all shares have the same width
    low, high = blinding.interval("accuracy", share, ends)
    other = blinding.interval("accuracy", 0.6, clopper_pearson(0.6, rows))
    assert high - low == pytest.approx(other[1] - other[0], abs=ULP)


@given(nonces, nonces, st.floats(), st.lists(st.none() | shares))
def test_true_figures_come_back_exactly_and_only_with_their_nonce(one, other, value, folds):
    blinding = Blinding("fraud", one)
    sealed = blinding.seal([value, folds])
    opened = blinding.open(sealed)
    assert repr(opened) == repr([value, folds])
    if one != other:
        with pytest.raises(InvalidTag):
            Blinding("fraud", other).open(sealed)


@given(nonces, shares, st.lists(st.none() | shares, min_size=3, max_size=3))
def test_the_length_of_sealed_figures_does_not_tell_round_ones(nonce, value, folds):
    blinding = Blinding("fraud", nonce)
    assert len(blinding.seal([value, folds])) == len(blinding.seal([1.0, [1.0, 1.0, 1.0]]))


def test_nothing_that_is_printed_or_stored_in_plain_holds_the_nonce():
    blinding = Blinding("fraud", b"secret" + bytes(26))
    assert "secret" not in repr(blinding) and bytes(26).hex() not in blinding.commitment
