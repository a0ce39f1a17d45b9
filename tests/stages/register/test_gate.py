import pytest

from tests.results import FIGURES
from tests.results import evaluation as whole_evaluation
from vouch.stages.register.gate import judge

from .conftest import comparison, metric


def evaluation(**changes):
    holdout = {"rule_comparison": comparison(0.05)} | changes.pop("holdout", {})
    return whole_evaluation(holdout=holdout, **changes)


def against(low: float, version: int = 1, **changes):
    return {"version": version, "comparison": comparison(low) | changes}


@pytest.mark.parametrize(("low", "better"), [(0.001, True), (0.0, False), (-0.1, False)])
def test_the_whole_interval_must_lie_above_the_rule(low, better):
    verdict = judge(evaluation(holdout={"rule_comparison": comparison(low)}), None)
    assert verdict.better is better and "the rule" in verdict.reasons[0]
    assert f"{low:.4f} to {low + 0.2:.4f}" in verdict.reasons[0]


@pytest.mark.parametrize(("low", "better"), [(0.001, True), (-0.001, False)])
def test_a_later_one_must_beat_the_champion_whatever_the_rule(low, better):
    answer = evaluation(champion=against(low), holdout={"rule_comparison": comparison(-1)})
    verdict = judge(answer, 1)
    assert verdict.better is better and "the champion, version 1" in verdict.reasons[0]


TESTED = {
    "metric": "average_precision",
    "difference": None,
    "level": 0.0204,
    "detectable": 0.0812,
}


@pytest.mark.parametrize("promote", [True, False])
@pytest.mark.parametrize(
    ("rival", "said"),
    [
        ("rule", "the rule on the holdout"),
        ("chance", "what chance reaches on the holdout"),
        ("champion", "the champion, version 1 on the holdout"),
    ],
)
def test_what_the_holdouts_test_says_decides(rival, said, promote):
    result = TESTED | {"rival": rival, "promote": promote}
    if rival == "champion":
        asked = evaluation(champion={"version": 1, "comparison": result})
    else:
        asked = evaluation(holdout={"rule_comparison": result})
    verdict = judge(asked, 1 if rival == "champion" else None)
    assert verdict.better is promote
    assert said in verdict.reasons[0]
    assert "0.02" in verdict.reasons[0] and "0.081" in verdict.reasons[0]


@pytest.mark.parametrize("champion", [None, 1])
@pytest.mark.parametrize(("confidence", "told"), [(0.51, "51 %"), (0.57, "57 %")])
def test_the_confidence_is_that_of_the_interval(confidence, told, champion):
    held = {"bootstrap": {"repeats": 400, "confidence": confidence}}
    verdict = judge(evaluation(champion=against(0.1), holdout=held), champion)
    assert f"({told} interval" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("status", "said"), [("refused", "3 of 3 spent"), ("too_small", "4 positives")]
)
def test_no_answer_is_no_promotion_and_says_why(status, said):
    verdict = judge(evaluation(holdout={"status": status, "reason": said, "truth": None}), None)
    assert not verdict.better and said in verdict.reasons[0]


@pytest.mark.parametrize("truth", [None, {**FIGURES, "positives": 0, "rows": 50}])
def test_without_truth_a_model_cannot_prove_better_than_the_rule_it_learnt(truth):
    verdict = judge(evaluation(holdout={"truth": truth}), None)
    assert not verdict.better and "truly positive" in verdict.reasons[0]


@pytest.mark.parametrize(("low", "better"), [(0.31, True), (0.3, False)])
def test_without_a_rule_it_must_beat_chance(low, better):
    truth = {**FIGURES, "average_precision": metric(0.8, low, 0.9)}
    verdict = judge(evaluation(holdout={"truth": truth, "rule_comparison": None}), None)
    assert verdict.better is better and "0.3000 of chance" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        (against(0.1, version=1), "run evaluate again"),
        ({"version": None, "comparison": None}, "run evaluate again"),
        ({"version": 2, "comparison": None, "reason": "it cannot score"}, "it cannot score"),
        (against(0.1, version=2, kind="rule"), "by the rule alone"),
    ],
)
def test_no_comparison_with_the_present_champion_is_no_promotion(champion, said):
    verdict = judge(evaluation(champion=champion), 2)
    assert not verdict.better and said in verdict.reasons[0]


PEOPLE = {"drawn": 90, "decided": 80, "decisions": 85, "several": 5, "disputed": 1, "between": None}


@pytest.mark.parametrize(
    ("low", "surely", "missing", "better"),
    [
        (0.01, [-0.02, 0.3], 0, True),  # enough is decided: the interval tells
        (-0.01, [-0.1, 0.3], 0, False),
        (0.01, [-0.02, 0.3], 40, False),  # too early, and not sure enough for that
        (0.01, [0.001, 0.3], 40, True),
    ],
)
def test_by_peoples_word_it_waits_until_enough_is_decided(low, surely, missing, better):
    told = comparison(low) | {"surely": surely, "missing": missing}
    holdout = {"rule_comparison": told, "truth": FIGURES | {"people": PEOPLE}}
    verdict = judge(evaluation(holdout=holdout), None)
    assert verdict.better is better
    assert verdict.missing == (0 if better else missing)
    assert any("vouch enqueue" in reason for reason in verdict.reasons) is bool(verdict.missing)


def test_too_few_decisions_of_people_ask_for_more():
    truth = FIGURES | {"people": PEOPLE, "reason": "3 frauds are too few"}
    held = {"status": "too_small", "reason": "x", "truth": truth}
    verdict = judge(evaluation(holdout=held), None)
    assert not verdict.better and verdict.missing and "3 frauds" in verdict.reasons[0]


def test_while_blind_nothing_proves_better():
    period = {"period": "0123456789ab", "since": "2024-03-01T08:00:00", "by": "ann", "seen": False}
    answered = evaluation(holdout={"rule_comparison": comparison(0.05)}, blind=period)
    verdict = judge(answered, None)
    assert not verdict.better and verdict.reasons[0].startswith("No promotion while blind")
