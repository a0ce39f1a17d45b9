import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.usecases.fraud.candidate import ALGORITHMS, Candidate
from vouch.usecases.fraud.models import Given, deflate, fit, load, matrix, save

FEATURES = ["amount", "gap", "hour"]
SMALL = {
    "decision_tree": {"max_depth": 4, "min_samples_leaf": 5},
    "logistic_regression": {"C": 1.0},
    "random_forest": {"n_estimators": 10, "max_depth": 5, "min_samples_leaf": 3},
    "xgboost": {"n_estimators": 20, "max_depth": 3},
}


def table(rows=3000, seed=0, share=0.05):
    random = np.random.default_rng(seed)
    amount = random.lognormal(8, 2, rows)
    gap = np.where(random.random(rows) < 0.2, np.nan, random.normal(0, 1e4, rows))
    odds = np.log(amount) - 8 + np.nan_to_num(gap > 0) * 1.5
    label = odds + random.logistic(size=rows) > np.quantile(odds, 1 - share) + 1
    frame = pd.DataFrame({"amount": amount, "gap": gap, "hour": random.integers(0, 24, rows)})
    frame = frame.astype("float32")
    return frame.assign(label=label.astype("int8"), payer="x")


def candidate(algorithm, **changes):
    return Candidate(algorithm=algorithm, hyperparameters=SMALL[algorithm], **changes)


@pytest.mark.parametrize("imbalance", ["none", "weights", "undersampling"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_saved_model_predicts_the_same_and_stays_calibrated(algorithm, imbalance, tmp_path):
    frame = table()
    fitted = fit(candidate(algorithm, imbalance=imbalance), frame, FEATURES, "label", 1, 2)
    scores = fitted.score(frame)
    save(fitted, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.candidate == fitted.candidate
    assert loaded.features == tuple(FEATURES)
    np.testing.assert_array_equal(loaded.score(frame), scores)
    positives = frame.label.to_numpy() == 1
    assert scores[positives].mean() > 1.5 * scores[~positives].mean()
    assert scores.mean() == pytest.approx(positives.mean(), rel=0.35)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("transform", ["log", "quantile"])
def test_a_feature_without_any_value_changes_nothing(transform):
    frame = table()
    settings = candidate("logistic_regression")
    settings = settings.model_copy(update={"hyperparameters": {"C": 1.0, "transform": transform}})
    empty = frame.assign(empty=np.float32("nan"))
    fitted = fit(settings, empty, [*FEATURES, "empty"], "label", 1, 1)
    plain = fit(settings, frame, FEATURES, "label", 1, 1).score(frame)
    np.testing.assert_allclose(fitted.score(empty), plain, rtol=1e-4)
    assert np.isfinite(fitted.score(empty.assign(empty=np.float32(3)))).all()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_row_is_predicted_as_among_many_and_order_is_kept(algorithm):
    frame = table()
    fitted = fit(candidate(algorithm), frame, FEATURES, "label", 1, 1)
    scores = fitted.score(frame)
    shuffled = frame.sample(frac=1, random_state=3)
    np.testing.assert_allclose(fitted.score(shuffled), scores[shuffled.index], rtol=1e-12)
    np.testing.assert_allclose(fitted.score(frame.iloc[[7]]), scores[[7]], rtol=1e-12)
    assert len(fitted.score(frame.iloc[:0])) == 0


def test_a_forest_votes_as_scikit_learns_own_to_the_bit():
    frame = table()
    fitted = fit(candidate("random_forest"), frame, FEATURES, "label", 1, 1)
    rows = matrix(frame, FEATURES)
    expected = fitted.estimator.predict_proba(rows)[:, 1]
    np.testing.assert_array_equal(fitted.score_matrix(rows), expected)
    np.testing.assert_array_equal(fitted.score_matrix(rows[:1]), expected[:1])


@pytest.mark.parametrize("algorithm", ["decision_tree", "random_forest", "logistic_regression"])
def test_the_number_of_threads_changes_nothing(algorithm, monkeypatch):
    monkeypatch.setattr("vouch.usecases.fraud.models.BLOCK", 700)
    frame = table()
    one = fit(candidate(algorithm, imbalance="undersampling"), frame, FEATURES, "label", 5, 1)
    two = fit(candidate(algorithm, imbalance="undersampling"), frame, FEATURES, "label", 5, 2)
    np.testing.assert_array_equal(one.score(frame), two.score(frame))


def test_few_rows_are_predicted_by_a_booster_that_is_set_up_already(tmp_path, monkeypatch):
    monkeypatch.setattr("vouch.usecases.fraud.models.FEW", 100)
    fitted = fit(candidate("xgboost"), table(), FEATURES, "label", seed=1, threads=2)
    save(fitted, tmp_path)
    for model in (fitted, load(tmp_path, threads=2)):
        for rows in (10, 3000, 10):
            model.score(table(rows))
            settings = json.loads(model.estimator.save_config())["learner"]["generic_param"]
            assert settings["nthread"] == "1"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_seed_gives_the_same_bytes_and_infinity_is_no_error(algorithm, tmp_path):
    frame = table()
    frame.loc[3, "amount"] = np.inf
    for name in ("a", "b"):
        save(fit(candidate(algorithm), frame, FEATURES, "label", 9, 2), tmp_path / name)
        kept = fit(candidate(algorithm), frame, FEATURES, "label", 8, 1)  # other memory addresses
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    assert kept.features == tuple(FEATURES)
    assert np.isfinite(load(tmp_path / "a").score(frame)).all()


@pytest.mark.parametrize("imbalance", ["none", "weights", "undersampling"])
def test_drawing_negatives_above_max_rows_keeps_the_level(imbalance):
    frame = table(rows=20_000)
    wanted = candidate("xgboost", imbalance=imbalance)
    drawn = fit(wanted, frame, FEATURES, "label", 1, 1, max_rows=5_000).score(frame)
    assert drawn.mean() == pytest.approx(frame.label.mean(), rel=0.25)


@given(st.floats(0, 1), st.floats(0.01, 1e5))
def test_deflating_divides_the_odds(probability, inflation):
    result = deflate(np.array([probability]), inflation)[0]
    assert result / inflation + (1 - result) >= 0
    assert result * inflation * (1 - probability) == pytest.approx(
        probability * (1 - result), abs=1e-9
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 300), st.integers(1, 30), st.integers(0, 99), st.sampled_from([0.5, 2, 9]))
def test_undersampling_keeps_all_positives(negatives, positives, seed, ratio):
    from vouch.usecases.fraud.models import Given, _balance

    labels = np.random.default_rng(seed).permutation(
        np.repeat([0, 1], [negatives, positives]).astype("int8")
    )
    wanted = Candidate(
        algorithm="xgboost", hyperparameters={"ratio": ratio}, imbalance="undersampling"
    )
    given = Given.of(wanted, pd.DataFrame(index=range(len(labels))), labels)
    rows, weights, inflation = _balance(wanted, given, np.random.default_rng(seed), None)
    assert labels[rows].sum() == positives
    assert (np.diff(rows) > 0).all()
    kept = (labels[rows] == 0).sum()
    assert kept == min(negatives, max(round(ratio * positives), 1))
    assert inflation == pytest.approx(negatives / kept)
    assert (weights == 1).all()


def test_a_missing_feature_and_a_single_class_are_told():
    frame = table()
    fitted = fit(candidate("decision_tree"), frame, FEATURES, "label", 1, 1)
    with pytest.raises(VouchError, match="'gap'"):
        fitted.score(frame.drop(columns="gap"))
    with pytest.raises(VouchError, match="same label"):
        fit(candidate("decision_tree"), frame.assign(label=0), FEATURES, "label", 1, 1)


def test_an_unknown_hyperparameter_is_refused_with_the_near_one():
    with pytest.raises(ValidationError, match="did you mean 'max_depth'"):
        Candidate(algorithm="xgboost", hyperparameters={"max_dept": 3})
    with pytest.raises(ValidationError, match="ratio"):
        Candidate(algorithm="xgboost", hyperparameters={"ratio": 3})


def test_a_file_with_a_foreign_type_is_not_loaded(tmp_path):
    from sklearn.preprocessing import FunctionTransformer
    from skops import io

    frame = table()
    save(fit(candidate("decision_tree"), frame, FEATURES, "label", 1, 1), tmp_path)
    io.dump(FunctionTransformer(pd.eval), tmp_path / "model.skops")
    description = json.loads((tmp_path / "candidate.json").read_text())
    changed = {**description, "sha256": sha256(tmp_path / "model.skops")}
    (tmp_path / "candidate.json").write_text(json.dumps(changed))
    with pytest.raises(VouchError, match="holds the type"):
        load(tmp_path)


@pytest.mark.parametrize("algorithm", ["decision_tree", "xgboost"])
def test_damaged_and_missing_files_are_told(algorithm, tmp_path):
    save(fit(candidate(algorithm), table(), FEATURES, "label", 1, 1), tmp_path)
    model = next(tmp_path.glob("model.*"))
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VouchError, match="damaged"):
        load(tmp_path)
    model.unlink()
    with pytest.raises(VouchError, match="no such file"):
        load(tmp_path)
    description = json.loads((tmp_path / "candidate.json").read_text())
    (tmp_path / "candidate.json").write_text(json.dumps({**description, "candidate": {"a": 1}}))
    with pytest.raises(VouchError, match="no description"):
        load(tmp_path)


@pytest.mark.parametrize("imbalance", ["none", "weights", "undersampling"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_rule_that_weighs_little_is_overruled(algorithm, imbalance):
    frame = table(share=0.2)
    people = np.arange(len(frame)) < 1000
    # the rule says the contrary of what people say, of twice as many rows
    frame["label_source"] = np.where(people, "reviewer", "rule")
    frame["label"] = np.where(people, frame["label"], 1 - frame["label"]).astype("int8")
    scores = {
        weight: fit(
            candidate(algorithm, imbalance=imbalance, rule_weight=weight),
            frame, FEATURES, "label", 1, 1,
        ).score(frame[people])
        for weight in (0.01, 1.0)
    }  # fmt: skip
    labels = frame["label"][people] == 1
    apart = {weight: s[labels].mean() - s[~labels].mean() for weight, s in scores.items()}
    assert apart[0.01] > 0.1 > 0 > apart[1.0]
    assert scores[0.01].mean() == pytest.approx(labels.mean(), abs=0.12)


def test_a_weight_of_one_and_rows_of_one_source_change_nothing():
    frame = table()
    plain = fit(candidate("xgboost"), frame, FEATURES, "label", 1, 1).score(frame)
    for told in ("rule", "reviewer"):
        sourced = frame.assign(label_source=told)
        same = fit(candidate("xgboost"), sourced, FEATURES, "label", 1, 1).score(frame)
        np.testing.assert_array_equal(same, plain)


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 300), st.integers(1, 30), st.integers(5, 200), st.integers(0, 99))
def test_few_negatives_of_people_are_never_left_out(negatives, positives, most, seed):
    from vouch.usecases.fraud.models import Given, _balance

    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat([0, 1], [negatives, positives]).astype("int8"))
    of_rule = random.random(len(labels)) < 0.9
    wanted = Candidate(algorithm="xgboost", rule_weight=0.5)
    frame = pd.DataFrame({"label_source": np.where(of_rule, "rule", "reviewer")})
    given = Given.of(wanted, frame, labels)
    rows, weights, inflation = _balance(wanted, given, random, most)
    kept, negative = np.isin(np.arange(len(labels)), rows), labels == 0
    people = negative & ~of_rule
    if 2 * people.sum() <= most - positives:
        assert kept[people].all()
        assert (weights[~of_rule[rows]] == 1).all()
        weighed = weights[negative[rows]].sum()
        assert weighed == pytest.approx(np.where(of_rule, 0.5, 1.0)[negative].sum())
    assert kept[negative].sum() == min(negative.sum(), max(most - positives, 1))
    assert inflation == 1


def late_rows(shares=(0.2, 0.5, 0.97)):
    """Rows of which every tenth has the rule's label, more or less ripe."""
    frame = table()
    ruled = np.arange(len(frame)) % 10 == 0
    frame["label_source"] = np.where(ruled, "rule", "chargeback")
    frame["ripeness"] = np.where(ruled, np.resize(shares, len(frame)), 1.0)
    return frame


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_left_out_labels_are_as_if_they_were_not_there(algorithm):
    frame = late_rows()
    without = frame[frame["ripeness"] >= 0.95]
    chosen = candidate(algorithm, rule_weight=0.3)
    left_out = fit(chosen.model_copy(update={"unripe": "left_out"}), frame, FEATURES, "label", 1, 1)
    fewer = fit(chosen, without, FEATURES, "label", 1, 1)
    np.testing.assert_array_equal(left_out.score(frame), fewer.score(frame))
    assert (left_out.score(frame) != fit(chosen, frame, FEATURES, "label", 1, 1).score(frame)).any()


def test_unripe_labels_weigh_the_share_of_truth_that_has_come():
    frame = late_rows()
    labels = frame["label"].to_numpy()
    alike, less = (
        Given.of(candidate("xgboost", rule_weight=0.3, unripe=choice), frame, labels).weights
        for choice in ("all", "weighted")
    )
    shares = frame["ripeness"].to_numpy()
    weighed = (shares < 0.95) & (labels == 0)
    assert ((shares < 0.95) & (labels == 1)).any()  # the rule's positives weigh what they weighed
    np.testing.assert_allclose(less, alike * np.where(weighed, shares, 1.0))
    everywhere = frame.drop(columns="ripeness")
    weights = Given.of(candidate("xgboost", rule_weight=0.3, unripe="weighted"), everywhere, labels)
    np.testing.assert_array_equal(weights.weights, alike)
