from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.metrics import average_precision_score

from vouch.core.errors import VouchError
from vouch.holdout.judge import Outlook
from vouch.holdout.keeper import HoldoutKey, Keeper, ScoredModel, _few, model_digest
from vouch.holdout.ledger import Inquiry, Ledger
from vouch.holdout.mechanisms.comparison import STEP
from vouch.holdout.mechanisms.limits import LEAST, MOST_QUESTIONS
from vouch.models.predictions import of_positive
from vouch.sources.declaration import Costs
from vouch.usecases.fraud.judge import Ranking
from vouch.usecases.fraud.measures import Terms
from vouch.usecases.params import EvaluateParams

KEY = HoldoutKey("fraud", "paysim", "0123456789ab", 1)
TERMS = Terms(0.5, 10, False, Costs(), 100.0, EvaluateParams(repeats=100, budget=3))


def holdout(rows: int = 1500) -> pd.DataFrame:
    random = np.random.default_rng(0)
    truth = (random.random(rows) < 0.05).astype("int8")
    return pd.DataFrame(
        {
            "time": [datetime(2024, 1, 1) + timedelta(minutes=i) for i in range(rows)],
            "amount": random.lognormal(3, 1, rows),
            "good": 1 / (1 + np.exp(-random.normal(size=rows) - 3 * truth)),
            "poor": 1 / (1 + np.exp(-random.normal(size=rows) - 1 * truth)),
            "truth": pd.array(truth, dtype="Int8"),
            "rule": pd.array(random.integers(0, 2, rows), dtype="Int8"),
        }
    )


@pytest.fixture
def asking(tmp_path):
    keeper, plain, sealed = Keeper(tmp_path), tmp_path / "plain", tmp_path / "sealed"
    keeper.cut(KEY, lambda: (datetime(2024, 1, 1), datetime(2024, 1, 3)))
    holdout().to_parquet(plain)
    keeper.seal(plain, sealed)

    def ask(challenger: ScoredModel, champion: ScoredModel | None = None, terms: Terms = TERMS):
        return keeper.candidate(KEY, sealed, challenger, champion, Ranking(terms), None, outlook)

    def outlook_is(value: Outlook | None):
        nonlocal outlook
        outlook = value

    outlook: Outlook | None = None
    ask.keeper, ask.outlook_is = keeper, outlook_is
    return ask


def model(column: str) -> ScoredModel:
    def predict(frame: pd.DataFrame) -> np.ndarray:
        if column not in frame:
            raise VouchError(f"no feature {column!r}")
        return of_positive(frame[column].to_numpy())

    return ScoredModel(f"digest of {column}", predict)


OUTLOOK = Outlook(value=0.6, error=0.05, gap=0.1, difference=0.02, units=75, rows=1000)
"""As out-of-fold rows of the same kind see the good model."""


def test_the_better_model_is_promoted_and_the_worse_one_not(asking):
    compared = asking(model("good"), model("poor")).answer["against_champion"]
    assert compared["promote"]
    assert not asking(model("poor"), model("good")).answer["against_champion"]["promote"]


def numbers(part) -> list[float]:
    """Return all numbers in an answer."""
    if isinstance(part, dict):
        return [each for value in part.values() for each in numbers(value)]
    if isinstance(part, list):
        return [each for value in part for each in numbers(value)]
    return [part] if isinstance(part, float) else []


def test_no_figure_of_a_model_that_is_not_promoted_is_told(asking):
    """Two models that fail get the same answer, to the last number."""
    asking.outlook_is(OUTLOOK)
    poor, rule = asking(model("poor"), model("good")), asking(model("rule"), model("good"))
    for reply in (poor, rule):
        assert "average_precision" not in reply.answer["truth"]
        del reply.answer["against_champion"]["level"]  # falls with each question
        del reply.answer["against_champion"]["detectable"]
    assert poor.answer == rule.answer


def test_a_promoted_models_figure_is_rounded_to_steps_from_the_out_of_fold_one(asking):
    asking.outlook_is(OUTLOOK)
    truth = asking(model("good"), model("poor")).answer["truth"]
    rows = holdout()
    exact = average_precision_score(rows["truth"].astype(int), rows["good"])
    told, positives = truth["average_precision"], int(rows["truth"].sum())
    step = STEP * OUTLOOK.error * (OUTLOOK.units / positives) ** 0.5
    steps = (told["value"] - OUTLOOK.value) / step
    assert steps == pytest.approx(round(steps), abs=0.01)
    assert told["interval"][0] <= exact <= told["interval"][1]
    assert exact not in numbers(truth)


def test_what_was_told_makes_the_next_questions_harder(asking):
    levels = [
        asking(model(ours), model(theirs)).answer["against_champion"]["level"]
        for ours, theirs in (("poor", "good"), ("rule", "good"), ("good", "poor"))
    ]
    assert levels[0] > levels[1] > levels[2]
    assert asking(model("good")).status == "refused"  # the budget is three


def test_a_holdout_that_could_not_tell_the_difference_is_not_asked(asking):
    asking.outlook_is(replace(OUTLOOK, gap=0.01, difference=0.2))
    reply = asking(model("good"), model("poor"))
    assert (reply.status, reply.answer, asking.keeper.log()) == ("too_small", None, [])
    assert "evaluate.difference" in reply.reason and "positives" in reply.reason
    asking.outlook_is(replace(OUTLOOK, gap=0.9, difference=0.2))  # so large a one it can
    assert asking(model("good"), model("poor")).status == "answered"
    asking.outlook_is(replace(OUTLOOK, gap=0.01, difference=0.2))
    assert asking(model("good"), model("poor")).status == "answered"  # as recorded


def test_a_size_that_is_expected_is_told_before_a_charge_and_never_the_holdouts_own(asking):
    """Of two holdouts a label apart the same is told, whatever the least is set to."""
    for least in (200, 151, 150):
        terms = replace(TERMS, params=EvaluateParams(repeats=100, budget=3, min_positives=least))
        asking.outlook_is(replace(OUTLOOK, units=50))  # of 1,000 rows: 75 of 1,500
        reply = asking(model("good"), model("poor"), terms)
        assert ("at most 150 positives" in reply.reason) == (least > 150)
        assert (asking.keeper.log() == []) == (least > 150)


def test_no_parameter_takes_the_least_positives_away(asking):
    few = replace(TERMS, params=EvaluateParams(repeats=100, min_positives=1))
    rows = holdout().assign(truth=pd.array([1] * (LEAST - 1) + [0] * (1500 - LEAST + 1), "Int8"))
    assert _few(Ranking(few).count(rows), Ranking(few))
    assert not _few(LEAST, Ranking(few))


def test_no_parameter_takes_the_largest_budget_away():
    with pytest.raises(ValidationError):
        EvaluateParams(budget=MOST_QUESTIONS + 1)


def test_exact_figures_told_of_the_same_rows_leave_no_guarantee(asking, tmp_path):
    assert asking(model("good"), model("poor")).answer["guarantee"] == "certified"
    entry = asking.keeper.log()[0]
    ledger = Ledger(tmp_path)
    old = Inquiry("old", "", entry["content"], "m", "all figures", "candidate")
    charge = ledger.charge(KEY, old, 3, 1500, 75)
    ledger.answer(charge.question, {"truth": {"average_precision": {"value": 0.5}}})
    assert asking(model("poor"), model("good")).answer["guarantee"] == "none"


def test_once_champion_it_is_not_charged_again(asking):
    first = asking(model("good"), model("poor"))
    assert asking(model("good"), model("good")) == first
    assert len(asking.keeper.log()) == 1


def test_a_champion_that_cannot_score_these_rows_is_said(asking):
    compared = asking(model("good"), model("older feature")).answer["against_champion"]
    assert compared["difference"] is None and "promote" not in compared
    assert "older feature" in compared["reason"]


def test_a_question_that_broke_off_was_charged_and_is_answered_later(asking):
    """The charge stands before the model ever sees the rows."""
    seen = []

    def broken(frame: pd.DataFrame) -> np.ndarray:
        seen.append(asking.keeper.status()[0]["spent"])
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        asking(ScoredModel("digest of good", broken))
    assert seen == [1]
    assert asking.keeper.log()[0]["answer"] is None
    reply = asking(model("good"))
    assert reply.status == "answered"
    assert reply.question == 1
    assert asking.keeper.status()[0]["spent"] == 1


def test_more_samples_are_no_new_question_but_another_threshold_is(asking):
    first = asking(model("good"))
    more = Terms(0.5, 10, False, Costs(), 100.0, EvaluateParams(repeats=200, seed=3, budget=3))
    assert asking(model("good"), terms=more) == first
    other = Terms(0.6, 10, False, Costs(), 100.0, EvaluateParams(repeats=100, budget=3))
    assert asking(model("good"), terms=other).question == 2


def test_a_tampered_holdout_is_not_charged(asking, tmp_path):
    content = bytearray((tmp_path / "sealed").read_bytes())
    content[-1] ^= 1
    (tmp_path / "sealed").write_bytes(content)
    with pytest.raises(VouchError, match="changed"):
        asking(model("good"))
    assert asking.keeper.log() == []


def test_a_models_digest_tells_names_and_contents(tmp_path):
    digests = set()
    for name, content in (("a", "x"), ("a", "y"), ("b", "x")):
        folder = tmp_path / f"{name}{content}"
        folder.mkdir()
        (folder / name).write_text(content)
        digests |= {model_digest(folder), model_digest(folder)}
    assert len(digests) == 3
