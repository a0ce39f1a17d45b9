import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.usecases.fraud.gold import FEATURES
from vouch.models.params import Budget
from vouch.models.proposal import Outcome
from vouch.models.search import Search
from vouch.usecases.fraud.params import TuneParams
from vouch.usecases.fraud.space import Offer

OFFER = Offer(tuple(FEATURES))
PARAMS = TuneParams(budget=Budget(trials=12), seed=3)
ALGORITHMS = ("decision_tree", "xgboost", "random_forest", "logistic_regression")


def worth(candidate):
    """A surface with something to learn, cheap and the same everywhere."""
    numbers = [v for v in candidate.hyperparameters.values() if isinstance(v, int | float)]
    value = ALGORITHMS.index(candidate.algorithm) + sum(numbers) % 7 + len(candidate.groups)
    return Outcome(value / 20, [None, value / 20])


def plain(records):
    return [replace(record, seconds=0.0) for record in records]


def run(journal, assess=worth, params=PARAMS, **more):
    return Search(Path(journal), params, OFFER, assess).run(**more)


def test_both_samplers_spend_the_whole_budget_and_begin_with_each_algorithm(tmp_path):
    told = []
    records = run(
        tmp_path / "a.journal", progress=lambda done, total, text: told.append((done, total))
    )
    assert [r.sampler for r in records] == ["random"] * 12 + ["tpe"] * 12
    assert [r.position for r in records] == [*range(12), *range(12)]
    assert {r.candidate.algorithm for r in records[:4]} == set(ALGORITHMS)
    assert records[:4] != records[12:16]
    assert told == [(n, 24) for n in range(1, 25)]
    assert len({r.candidate.model_dump_json() for r in records}) > 16


def test_what_one_sampler_tried_is_not_fitted_again_and_costs_the_other_as_much(tmp_path):
    assessed = []

    def counted(candidate):
        assessed.append(candidate.model_dump_json())
        return worth(candidate)

    records = run(tmp_path / "a.journal", counted)
    assert len(assessed) == len(set(assessed)) < len(records)
    outcomes = {}
    for record in records:
        outcome = record.value, record.folds, record.seconds
        assert outcomes.setdefault(record.candidate.model_dump_json(), outcome) == outcome


def test_a_finished_search_tries_nothing_again(tmp_path):
    first = run(tmp_path / "a.journal")
    assert run(tmp_path / "a.journal", assess=None) == first


def test_a_failing_trial_is_recorded_and_the_search_goes_on(tmp_path):
    def fails_at_times(candidate):
        if candidate.algorithm == "random_forest":
            raise MemoryError("forest too big")
        return worth(candidate)

    records = run(tmp_path / "a.journal", fails_at_times)
    failed = [r for r in records if r.error]
    assert {r.error for r in failed} == {"MemoryError: forest too big"}
    assert {r.candidate.algorithm for r in failed} == {"random_forest"}
    assert len(records) == 24
    assert run(tmp_path / "a.journal", assess=None) == records


def test_an_interruption_changes_nothing_wherever_it_falls(tmp_path):
    whole = run(tmp_path / "whole.journal")
    for stop in range(1, 24, 6):
        journal, calls = tmp_path / f"{stop}.journal", []

        def interrupted(candidate, stop=stop, calls=calls):
            calls.append(candidate)
            if len(calls) == stop + 1:
                raise KeyboardInterrupt
            return worth(candidate)

        with pytest.raises(KeyboardInterrupt):
            run(journal, interrupted)
        assert plain(run(journal)) == plain(whole)


def test_a_full_disk_ends_the_search_and_is_no_candidates_failure(tmp_path):
    whole, journal = run(tmp_path / "whole.journal"), tmp_path / "full.journal"

    def full(candidate):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        run(journal, full)
    assert plain(run(journal)) == plain(whole)


def test_a_line_cut_short_is_dropped(tmp_path):
    whole, journal = run(tmp_path / "a.journal"), tmp_path / "a.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]) + b'{"op_code": 6, "wor')
    (tmp_path / "a.journal.lock").symlink_to(journal)
    assert plain(run(journal)) == plain(whole)


SLOWLY = """
import sys, time
sys.path.insert(0, {root!r})
from tests.models.test_search import run, worth

def slowly(candidate):
    print("trying", flush=True)
    time.sleep(0.05)
    return worth(candidate)

run(sys.argv[1], slowly)
"""


def killed(journal, after):
    """Search in a process of its own, killed in its ``after``-th trial."""
    script = SLOWLY.format(root=str(Path(__file__).parents[2]))
    command = [sys.executable, "-c", script, str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for _ in range(after):
            process.stdout.readline()
        time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_killed_twice_a_search_ends_as_if_undisturbed(tmp_path):
    killed(tmp_path / "a.journal", after=6)
    killed(tmp_path / "a.journal", after=9)
    assert plain(run(tmp_path / "a.journal")) == plain(run(tmp_path / "b.journal"))


def test_a_budget_in_seconds_counts_what_earlier_runs_spent(tmp_path):
    def slowly(candidate):
        time.sleep(0.02)
        return worth(candidate)

    short = TuneParams(budget=Budget(seconds=0.1), samplers=("random",))
    records = run(tmp_path / "a.journal", slowly, short)
    spent = [r.seconds for r in records]
    assert sum(spent) >= 0.1
    assert sum(spent[:-1]) < 0.1
    assert run(tmp_path / "a.journal", None, short) == records
    longer = run(
        tmp_path / "a.journal", slowly, short.model_copy(update={"budget": Budget(seconds=0.2)})
    )
    assert longer[: len(records)] == records
    assert sum(r.seconds for r in longer) >= 0.2


def test_another_seed_searches_elsewhere(tmp_path):
    one = run(tmp_path / "a.journal")
    two = run(tmp_path / "b.journal", params=PARAMS.model_copy(update={"seed": 4}))
    assert plain(one)[4:12] != plain(two)[4:12]


def test_a_search_begins_with_earlier_winners_and_goes_on_with_each_algorithm(tmp_path):
    earlier = run(tmp_path / "a.journal")[-1].candidate
    choices = OFFER.choices(earlier.model_dump(mode="json"))
    search = Search(tmp_path / "b.journal", PARAMS, OFFER, worth, [choices])
    records = search.run()
    assert len(records) == 24  # within the same budget
    for first in (0, 12):
        assert records[first].candidate == earlier
        assert {r.candidate.algorithm for r in records[first + 1 : first + 5]} == set(ALGORITHMS)
