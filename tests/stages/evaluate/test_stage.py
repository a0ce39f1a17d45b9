import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from vouch.core.errors import VouchError
from vouch.holdout.ledger import Ledger
from vouch.results.evaluate import KINDS
from vouch.usecases.fraud.models import load

from .conftest import payments


def test_every_figure_has_an_interval_around_it(project):
    content = project.evaluate()
    for kind in KINDS:
        judged = content["out_of_fold"][kind]
        for name in ("average_precision", "roc_auc", "precision_at_capacity", "cost"):
            low, high = judged[name]["interval"]
            assert low <= judged[name]["value"] <= high, name
        assert sum(c["value"] for c in judged["confusion"].values()) == judged["rows"]
        for cell in judged["confusion"].values():
            assert cell["interval"][0] <= cell["value"] <= cell["interval"][1]
        assert not judged["too_few"]


def test_the_holdout_tells_a_bit_and_a_rounded_figure(project):
    content = project.evaluate()
    holdout, held = content["holdout"], payments(2000, 2)
    assert (holdout["status"], holdout["mechanism"]) == ("answered", "comparison")
    assert holdout["guarantee"] == "certified"
    assert holdout["rule_comparison"]["rival"] == "rule"
    assert holdout["rule_comparison"]["promote"]
    assert holdout["rule_comparison"]["level"] == pytest.approx(0.5 / 20)
    exact = average_precision_score(
        held["truth"].astype(int), load(project.path("model")).score(held)
    )
    low, high = holdout["truth"]["average_precision"]["interval"]
    assert low < exact < high and high - low > 0.1
    counted = {"rows", "positives", "chance", "too_few", "average_precision"}
    assert set(holdout["truth"]) == counted
    assert set(holdout["rule"]) == counted - {"average_precision"}


def test_no_exact_figure_of_the_holdout_is_in_the_file_or_the_ledger(project):
    """Whatever can be computed of the model on the holdout alone is nowhere."""
    project.evaluate()
    held = payments(2000, 2)
    scores, truth = load(project.path("model")).score(held), held["truth"].astype(int)
    exact = [average_precision_score(truth, scores), roc_auc_score(truth, scores)]
    written = project.path("evaluation").read_text() + json.dumps(Ledger(project.state).log())
    assert not any(f"{value:.6f}"[:7] in written for value in exact)


def test_asking_again_costs_nothing_and_changes_nothing(project):
    first = project.evaluate()
    assert first["ledger"]["spent"] == 1
    assert project.evaluate() == first


def test_another_model_is_another_question(project):
    first = project.evaluate()
    project.fit(payments(3000, 1), depth=2)
    second = project.evaluate()
    assert second["ledger"]["spent"] == 2
    assert second["holdout"]["question"] != first["holdout"]["question"]


def test_a_spent_holdout_refuses_and_the_stage_goes_on(project):
    project.evaluate(budget=1)
    project.fit(payments(3000, 1), depth=2)
    content = project.evaluate(budget=50)  # raising it now would be too late
    assert content["holdout"]["status"] == "refused"
    assert content["holdout"]["truth"] is None
    assert "rotate" in content["holdout"]["reason"]
    assert any("stays 1" in warning for warning in content["warnings"])
    assert content["out_of_fold"]["truth"]["average_precision"]["value"] > 0
    assert all(row["on"] == "out_of_fold" for row in content["published"])


def test_too_few_positives_to_be_expected_are_said_and_cost_nothing(project):
    project.make(payments(3000, 1, rate=0.003), payments(2000, 2, rate=0.02))
    content = project.evaluate()
    assert content["holdout"]["status"] == "too_small"
    assert content["holdout"]["truth"] is None
    assert "is expected to have at most" in content["holdout"]["reason"]
    assert content["ledger"]["spent"] == 0
    assert content["ledger"]["positives"] is None


def test_fewer_positives_than_expected_are_told_for_a_question(project):
    """Told for nothing, their number would tell a label when one is added."""
    project.seal(payments(2000, 2, rate=0.002))
    content = project.evaluate()
    assert content["holdout"]["status"] == "too_small"
    assert "too few" in content["holdout"]["reason"]
    assert content["ledger"]["spent"] == 1


def test_a_holdout_that_cannot_tell_what_matters_is_not_asked(project):
    project.fit(payments(3000, 1), depth=1)
    project.seal(payments(1000, 2))
    content = project.evaluate(difference=0.01)
    assert content["holdout"]["status"] == "too_small"
    assert "the 0.01 that matters" in content["holdout"]["reason"]
    assert content["ledger"]["spent"] == 0


def unknown(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.assign(**{column: pd.array([pd.NA] * len(frame), dtype="Int8")})


def test_without_truth_the_rule_alone_judges(project):
    project.make(unknown(payments(3000, 1), "truth"), unknown(payments(2000, 2), "truth"))
    content = project.evaluate()
    assert content["threshold"]["kind"] == "rule"
    assert "average_precision" not in content["holdout"]["truth"]
    assert "known" in content["holdout"]["truth"]["reason"]
    assert content["out_of_fold"]["rule"]["average_precision"]["value"] > 0
    assert content["holdout"]["rule_comparison"] is None
    assert "no truth" in content["holdout"]["rule_comparison_reason"]


def test_without_a_rule_the_truth_alone_judges(project):
    project.make(unknown(payments(3000, 1), "rule"), unknown(payments(2000, 2), "rule"))
    content = project.evaluate()
    assert content["out_of_fold"]["rule"]["average_precision"]["value"] is None
    assert content["holdout"]["truth"]["average_precision"]["value"] > 0
    assert content["holdout"]["rule_comparison"]["rival"] == "chance"


def test_without_any_positive_nothing_breaks(project):
    rows, held = (payments(n, s, rate=0.0).assign(rule=0) for n, s in ((300, 1), (200, 2)))
    project.make(rows, held)
    content = project.evaluate()
    assert content["holdout"]["status"] == "too_small"
    assert content["threshold"]["value"] > 1
    assert content["curves"]["roc"] == []


def test_a_holdout_without_rows_is_too_small(project):
    project.seal(payments(2000, 2).head(0))
    assert project.evaluate()["holdout"]["status"] == "too_small"


def test_a_source_without_time_has_no_days(project):
    rows, held = (payments(n, s).drop(columns="time") for n, s in ((3000, 1), (2000, 2)))
    project.make(rows, held)
    assert project.evaluate()["out_of_fold"]["truth"]["precision_at_capacity"]["reason"]


def test_the_file_is_strict_json_and_its_curves_are_short(project):
    project.evaluate()
    text = project.path("evaluation").read_text()
    content = json.loads(text, parse_constant=pytest.fail)
    for name in ("precision_recall", "roc"):
        points = np.array(content["curves"][name])
        assert 2 < len(points) <= 200
        assert (np.diff(points[:, 0]) >= 0).all()
        assert points.min() >= 0
        assert points.max() <= 1
    assert len(content["cost_curve"]) <= 200


@pytest.mark.parametrize("source", ["paysim", "cards"])
def test_published_figures_stand_beside_ours(project, source):
    project.source = source
    project.make()
    rows = project.evaluate()["published"]
    assert len(rows) >= 10
    measured = {row["value"] for row in rows if row["citation"] is None}
    assert measured == ({0.81, 0.029, 0.936, 0.027} if source == "paysim" else set())
    assert all("measured by this project" in row["remark"] for row in rows if not row["citation"])
    for row in rows:
        assert row["ours"] is not None
        assert row["remark"]
    if source == "paysim":
        rule = next(row for row in rows if row["figure"] == "the rule: precision")
        out = payments(3000, 1)
        flagged = out["rule"] == 1
        assert rule["ours"] == pytest.approx(out["truth"][flagged].mean())


def test_a_missing_key_costs_nothing(project):
    (project.state / "holdout.key").unlink()
    with pytest.raises(VouchError, match=r"holdout\.key"):
        project.evaluate()
    assert Ledger(project.state).log() == []


def test_the_budget_of_an_older_generation_is_closed(project):
    project.seal(payments(2000, 3), generation=2)
    old = project.evaluate()
    assert old["ledger"]["generation"] == 2
    project.seal(payments(2000, 2), generation=1)
    assert project.evaluate()["holdout"]["status"] == "refused"
