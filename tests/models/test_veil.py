"""A search in, before and after a blind period: the same search, other figures."""

import json
from dataclasses import replace

import pytest

from tests.models.test_search import OFFER, PARAMS, worth
from vouch.core.errors import VouchError
from vouch.metrics.blinding import Blinding, Periods
from vouch.models.leaderboard import Best, leading
from vouch.models.params import Budget
from vouch.models.search import Search, _storage, _study
from vouch.models.veil import Veil

METRIC = "average_precision"
FIRST, SECOND = (Blinding("fraud", bytes([n]) * 32) for n in (1, 2))


def veil(now=None, *ended):
    return Veil(METRIC, Periods(now, {each.period: each for each in (*ended, now) if each}))


def run(journal, hidden, params=PARAMS, assess=worth):
    records = Search(journal, params, OFFER, assess, veil=hidden).run()
    return [replace(record, seconds=0.0) for record in records]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return run(tmp_path_factory.mktemp("plain") / "a.journal", Veil())


def test_a_blind_search_tries_the_same_and_shows_every_value_with_one_offset(plain, tmp_path):
    blinded = run(tmp_path / "a.journal", veil(FIRST))
    assert [r.candidate for r in blinded] == [r.candidate for r in plain]
    offset = FIRST.offset(METRIC)
    for shown, true in zip(blinded, plain, strict=True):
        assert shown.value == pytest.approx(true.value + offset, abs=1e-13)
        assert set(shown.folds) == {None}
    assert leading(blinded, tmp_path) == leading(plain, tmp_path)


def test_no_true_value_is_stored(plain, tmp_path):
    run(tmp_path / "a.journal", veil(FIRST))
    stored = (tmp_path / "a.journal").read_text()
    values = [line.get("values") for line in map(json.loads, stored.splitlines())]
    assert not {v for each in values if each for v in each} & {r.value for r in plain}
    assert not any(f'"folds": [null, {r.value}]' in stored for r in plain)


def test_unblinded_it_is_the_search_that_was_never_blind(plain, tmp_path):
    journal = tmp_path / "a.journal"
    run(journal, veil(FIRST))
    assert run(journal, veil(None, FIRST), assess=None) == plain
    assert run(journal, veil(None, FIRST), assess=None) == plain
    again = run(journal, veil(SECOND, FIRST), assess=None)
    assert again[0].value == plain[0].value + SECOND.offset(METRIC)
    assert run(journal, veil(None, FIRST, SECOND), assess=None) == plain


@pytest.mark.parametrize("states", [(FIRST, None, FIRST), (None, FIRST, None)])
def test_a_search_goes_on_through_blind_periods_as_it_would_have(plain, tmp_path, states):
    journal = tmp_path / "a.journal"
    for trials, state in zip((4, 8, 12), states, strict=True):
        params = PARAMS.model_copy(update={"budget": Budget(trials=trials)})
        begun = min(trials, 12)
        shown = run(journal, veil(state, FIRST), params)
        assert len(shown) == 2 * begun
    # TPE's share of chance depends on the budget, so random search alone is compared
    last = run(journal, veil(None, FIRST), assess=None)
    assert last[:12] == plain[:12]
    assert not list(tmp_path.glob(".*"))


def test_a_trial_of_an_earlier_release_without_folds_is_hidden_too(plain, tmp_path):
    journal = tmp_path / "a.journal"
    run(journal, Veil())
    lines = map(json.loads, journal.read_text().splitlines())
    kept = [line for line in lines if "folds" not in line.get("user_attr", {})]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in kept))
    offset = FIRST.offset(METRIC)
    shown = run(journal, veil(FIRST), assess=None)
    assert [r.value for r in shown] == [r.value + offset for r in plain]
    back = run(journal, veil(None, FIRST), assess=None)
    assert [r.value for r in back] == [r.value for r in plain]


def test_failed_trials_stay_as_they_are(tmp_path):
    def fails_at_times(candidate):
        if candidate.algorithm == "xgboost":
            raise ValueError("no")
        return worth(candidate)

    journal = tmp_path / "a.journal"
    plain = run(tmp_path / "b.journal", Veil(), assess=fails_at_times)
    blinded = run(journal, veil(FIRST), assess=fails_at_times)
    assert [r.error for r in blinded] == [r.error for r in plain]
    assert run(journal, veil(None, FIRST), assess=None) == plain


def test_folds_of_a_trial_that_was_killed_do_not_stay(plain, tmp_path):
    journal, fold = tmp_path / "a.journal", 0.123456789
    with _storage(journal) as storage:  # killed between its folds and its value
        _study(storage, "random").ask().set_user_attr("folds", [None, fold])
    shown = run(journal, veil(FIRST))
    assert str(fold) not in journal.read_text()
    assert [r.candidate for r in shown] == [r.candidate for r in plain]
    assert run(journal, veil(None, FIRST), assess=None) == plain


def test_a_period_the_ledger_does_not_know_is_named(tmp_path):
    journal = tmp_path / "a.journal"
    run(journal, veil(FIRST))
    for now in (None, SECOND):
        with pytest.raises(VouchError, match=f"blind period {FIRST.period}"):
            run(journal, veil(now))


def test_bests_get_the_same_offset(plain):
    best = Best(0, plain[0].candidate, 0.7, (0.6, 0.75), None)
    shown = veil(FIRST).best(best)
    assert shown.value == 0.7 + FIRST.offset(METRIC) and shown.interval[0] < shown.value
    assert veil().best(best) is best
