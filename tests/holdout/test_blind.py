"""Blind periods in the ledger, and what of an evaluation may be seen."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.results import evaluation
from vouch.core.errors import VouchError
from vouch.holdout import blind
from vouch.holdout.chain import TamperedError
from vouch.holdout.ledger import Ledger
from vouch.metrics.blinding import Blinding, Periods

FROZEN = ("f" * 64, "c" * 40)
BLIND = {"period": "0123456789ab", "since": "2024-03-01T08:00:00", "by": "ann", "seen": False}
DECIDING = "average_precision"


def test_a_project_that_never_was_blind_has_no_periods_and_gets_no_ledger(tmp_path):
    assert blind.periods(tmp_path, "fraud") == Periods()
    assert not blind.status(tmp_path, "fraud").blind and not blind.refusal(tmp_path, "fraud")
    assert not list(tmp_path.iterdir())


def test_on_and_off_are_rows_of_the_chain_with_who_and_when(tmp_path):
    assert blind.begin(tmp_path, "fraud", seen=False)
    assert blind.end(tmp_path, "fraud", *FROZEN)
    on, off = Ledger(tmp_path).blindness("fraud")
    assert (on.state, off.state) == ("on", "off") and on.actor and on.at <= off.at
    assert (off.pipeline, off.git_commit) == FROZEN
    verified = Ledger(tmp_path).verify()
    assert verified.rows == 2 and not verified.faults


def test_the_offset_is_sealed_until_it_is_opened_and_then_proves_to_be_the_same(tmp_path):
    blind.begin(tmp_path, "fraud", seen=False)
    hidden = blind.periods(tmp_path, "fraud").now
    (on,) = Ledger(tmp_path).blindness("fraud")
    assert hidden.nonce.hex() not in "".join(map(str, vars(on).values()))
    blind.end(tmp_path, "fraud", *FROZEN)
    off = Ledger(tmp_path).blindness("fraud")[-1]
    assert bytes.fromhex(off.nonce) == hidden.nonce
    assert hashlib.sha256(hidden.nonce).hexdigest() == on.commitment == off.commitment
    (tmp_path / "holdout.key").unlink()  # what is open needs no key
    assert blind.periods(tmp_path, "fraud") == Periods(None, {hidden.period: hidden})


def test_the_same_word_twice_changes_nothing(tmp_path):
    assert not blind.end(tmp_path, "fraud", *FROZEN)
    assert blind.begin(tmp_path, "fraud", seen=True)
    first = blind.periods(tmp_path, "fraud")
    assert not blind.begin(tmp_path, "fraud", seen=False)
    assert blind.periods(tmp_path, "fraud") == first
    assert len(Ledger(tmp_path).blindness("fraud")) == 1
    assert not blind.status(tmp_path, "sentiment").blind


def test_a_second_period_has_other_offsets(tmp_path):
    for _ in range(2):
        blind.begin(tmp_path, "fraud", seen=False)
        blind.end(tmp_path, "fraud", *FROZEN)
    one, two = blind.periods(tmp_path, "fraud").known.values()
    assert one.offset(DECIDING) != two.offset(DECIDING)


def test_another_key_is_named(tmp_path):
    blind.begin(tmp_path, "fraud", seen=False)
    (tmp_path / "holdout.key").write_bytes(bytes(64))
    with pytest.raises(VouchError, match=r"offset of fraud.*another holdout.key"):
        blind.periods(tmp_path, "fraud")
    with pytest.raises(VouchError, match=r"another holdout.key"):
        blind.end(tmp_path, "fraud", *FROZEN)


@pytest.mark.parametrize("key", [None, bytes(64)])
def test_where_the_key_is_lost_a_period_can_be_abandoned_and_only_there(tmp_path, key):
    assert not blind.abandon(tmp_path, "fraud")
    blind.begin(tmp_path, "fraud", seen=False)
    with pytest.raises(VouchError, match=r"not abandoned: holdout\.key opens"):
        blind.abandon(tmp_path, "fraud")
    (tmp_path / "holdout.key").unlink()
    if key:
        (tmp_path / "holdout.key").write_bytes(key)
    for open_ in (blind.periods, lambda *of: blind.end(*of, *FROZEN)):
        with pytest.raises(VouchError, match="offset of fraud") as error:
            open_(tmp_path, "fraud")
        assert "vouch blind off fraud --abandon" in error.value.hint
    assert blind.abandon(tmp_path, "fraud") and not blind.abandon(tmp_path, "fraud")
    now = blind.status(tmp_path, "fraud")
    assert not now.blind and now.abandoned and now.pipeline is None
    assert blind.periods(tmp_path, "fraud") == Periods()
    assert not Ledger(tmp_path).verify().faults
    blind.begin(tmp_path, "fraud", seen=True)  # with a key of its own
    assert blind.periods(tmp_path, "fraud").now and not blind.status(tmp_path, "fraud").abandoned
    assert blind.end(tmp_path, "fraud", *FROZEN)


def test_a_changed_ledger_neither_blinds_nor_unblinds(tmp_path):
    blind.begin(tmp_path, "fraud", seen=False)
    with Ledger(tmp_path)._engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER blindness_no_update")
        connection.exec_driver_sql("UPDATE blindness SET state = 'off'")
    assert [fault.kind for fault in Ledger(tmp_path).verify().faults] == ["changed row"]
    with pytest.raises(TamperedError):
        blind.begin(tmp_path, "fraud", seen=False)


def test_what_is_declared_must_be_what_the_ledger_says(tmp_path):
    assert blind.declared(tmp_path, "fraud", None).now is None
    with pytest.raises(VouchError, match="not blind"):
        blind.declared(tmp_path, "fraud", "0123456789ab")
    blind.begin(tmp_path, "fraud", seen=False)
    period = blind.status(tmp_path, "fraud").period
    assert blind.declared(tmp_path, "fraud", period).name == period
    with pytest.raises(VouchError, match=rf"blind: the ledger says {period} \(got null\)"):
        blind.declared(tmp_path, "fraud", None)


RATES = st.integers(20_000_001, 979_999_999).map(lambda number: (number | 1) / 1e9)


@given(st.binary(min_size=32, max_size=32), RATES, RATES, st.sampled_from(["truth", "rule"]))
def test_an_evaluation_keeps_facts_shifts_shares_and_withholds_all_else(nonce, value, other, kind):
    whole = evaluation(kind=kind)
    measured = {
        DECIDING: {"value": value, "interval": [value / 2, (1 + value) / 2]},
        "roc_auc": {"value": other, "interval": [other, other]},
        "cost": {"value": 31415.9265, "interval": [3, 4]},
        "confusion": {"tp": {"value": 7, "interval": [5, 9]}},
        "calibration": {"error": other},
        "recalls": {"bad": {"value": other, "interval": None}},
        "share_flagged_rows": other,
        "rows": 900,
        "positives": 30,
        "chance": 1 / 30,
        "too_few": False,
    }
    parts = {"truth": measured, "rule": measured, "the_rule": {"truth": measured}}
    whole = whole.model_copy(update={"out_of_fold": parts})
    blinding = Blinding("fraud", nonce)
    shown = blind.blinded(whole, blinding, BLIND)
    part = shown.out_of_fold[kind]
    facts = {"rows", "positives", "chance", "too_few"}
    assert set(part) == facts | {DECIDING, "roc_auc"}
    assert all(part[name] == measured[name] for name in facts)
    for name in (DECIDING, "roc_auc"):
        assert part[name]["value"] == measured[name]["value"] + blinding.offset(name)
    assert set(shown.out_of_fold["rule" if kind == "truth" else "truth"]) == facts
    assert set(shown.out_of_fold["the_rule"]["truth"]) == facts
    assert shown.curves is None and not shown.cost_curve and not shown.published
    assert shown.blind == BLIND and "blinded since 2024-03-01 08:00" in shown.warnings[0]
    written = json.dumps(shown.content())
    assert not any(json.dumps(figure) in written for figure in (value, other, 31415.9265))


def test_a_reader_is_told_that_figures_were_seen():
    assert "seen before" not in blind.sentence(BLIND)
    assert "Figures were seen before. Anyone" in blind.sentence(BLIND | {"seen": True})
