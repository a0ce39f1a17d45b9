import subprocess
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.project import BIN, ENVIRONMENT, vouch
from tests.results import extracted
from vouch.core.files import read_json
from vouch.holdout.ledger import HoldoutKey, Inquiry, Ledger
from vouch.project.inputs import INPUTS, load_inputs
from vouch.project.renewal import forecast, renew

START = datetime(2024, 1, 1)


def summary(held, reserved, truth, until=START + timedelta(days=10), newer=0, reserve=1.0):
    return extracted(
        rows={"train": 10_000, "holdout": held, "newer": newer, "reserved": reserved},
        reserve=until and reserve,
        positives={
            "train": {"truth": truth, "rule": 0},
            "holdout": {"truth": None, "rule": 0},
        },
        boundary=until and START.isoformat(),
        until=until and until.isoformat(),
    )


@given(
    held=st.integers(1, 10_000),
    reserved=st.integers(0, 10_000),
    few=st.integers(1, 100),
    days=st.integers(11, 400),
    reserve=st.floats(0.01, 1),
    data=st.data(),
)
def test_the_rows_told_are_just_enough_and_come_at_the_present_rate(
    held, reserved, few, days, reserve, data
):
    truth, newer = data.draw(st.integers(1, 10_000)), data.draw(st.integers(0, 10_000))
    newest = START + timedelta(days=days)
    content = summary(held, reserved, truth, newer=newer, reserve=reserve)
    missing, expected = forecast(content, newest, few)
    # rotate counts the positives to expect so; of the rows that come only the reserve is kept
    assert (reserved + missing * reserve) * truth / 10_000 >= few - 1e-6
    fewer = (missing - 1) * reserve - 1
    assert missing == 0 or (reserved + fewer) * truth / 10_000 < few + 1e-6
    since = days - 10  # the holdout ended after ten days
    rate = (newer + reserved) / since if newer + reserved else held / days
    coming = missing / rate
    if newest.year + coming / 365 > 9_990:
        return  # hardly in the calendar, or beyond it
    late = (datetime.fromisoformat(expected) - newest) / timedelta(days=1)
    assert late == pytest.approx(coming, rel=1e-6, abs=1e-6)


def test_what_cannot_be_known_is_left_open():
    assert forecast(summary(10, 0, 0), START, 5) == (None, None)
    assert forecast(summary(10, 0, 5, until=None), None, 5) == (None, None)
    assert forecast(summary(10, 0, 5_000), START, 5) == (10, None)
    assert forecast(summary(1, 0, 1), START + timedelta(days=400), 100) == (1_000_000, None)


def spend(project: Path) -> None:
    """Ask the holdout until it is spent."""
    choice = load_inputs(project / INPUTS).choice("fraud")
    key = HoldoutKey("fraud", choice.source, choice.set, choice.generation)
    ledger = Ledger(project / ".vouch")
    (left,) = (e["left"] for e in ledger.status() if e["status"] == "open")
    for number in range(left):
        ledger.charge(key, Inquiry(f"q{number}", "", "c", "m", "auc", "mean"), 20, 10, 10)


def test_an_open_holdout_stays(project):
    before = (project / INPUTS).read_bytes()
    found = renew(project, project / ".vouch", "fraud")
    assert found.status == "open" and "questions left" in found.said
    assert (project / INPUTS).read_bytes() == before


def test_a_spent_one_without_newer_rows_says_what_is_missing_and_when(project):
    spend(project)
    found = renew(project, project / ".vouch", "fraud")
    cut = read_json(project / "data/gold/fraud/extract.json")
    rate = cut["positives"]["train"]["truth"] / cut["rows"]["train"]
    assert found.status == "waiting" and found.missing == ceil(ceil(20 / rate) / 0.2)
    assert f"{found.missing:,} newer rows are missing" in found.said
    assert found.expected > cut["until"] and found.expected[:10] in found.said
    assert load_inputs(project / INPUTS).choice("fraud").generation == 1


@pytest.mark.slow
def test_a_spent_one_gives_way_once_newer_rows_have_filled_another(fresh_project):
    params = yaml.safe_load((fresh_project / "params.yaml").read_text())
    params["evaluate"]["fraud"] |= {"min_positives": 1, "budget": 1}
    (fresh_project / "params.yaml").write_text(yaml.safe_dump(params))
    first = vouch(fresh_project, "run", "fraud", "--no-prefect", "--as-of", "2024-01-15")
    assert first.returncode == 0, first.stdout + first.stderr
    # all that came since is newer than the holdout
    request = '{"usecase": "fraud", "as_of": "latest"}'
    done = subprocess.run(
        [str(BIN / "python"), "-m", "flows", "retraining", request],
        cwd=fresh_project,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "generation 2 opens" in done.stdout
    cut = read_json(fresh_project / "data/gold/fraud/extract.json")
    assert cut["generation"] == 2 and cut["boundary"] > "2024-01-15"
    status = [(e["generation"], e["status"]) for e in Ledger(fresh_project / ".vouch").status()]
    assert status == [(1, "retired"), (2, "spent")]
