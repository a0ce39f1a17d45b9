"""Truth that came by itself after the holdout began measures and trains nothing."""

from datetime import timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.extract.conftest import START, at, labels
from tests.stages.extract.test_stage import Project
from vouch.core.errors import VouchError
from vouch.labels.known import labels_as_of
from vouch.labels.resolve import ARRIVING, STRENGTH, TRUTH
from vouch.stages.extract.late import TRAINING, count_late, without_late_truth

BOUNDARY = 30
MOMENTS = st.integers(0, 60)
ISSUES = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.integers(0, 1),
        st.sampled_from(sorted(STRENGTH)),
        MOMENTS,
        st.booleans(),
    ),
    max_size=40,
)


def strongest(issues):
    """Return label, source and minute of the strongest issue in force, the newest among equals."""
    held = [(STRENGTH[i[2]], i[3], i[1], i[2]) for i in issues if i[4]]
    if not held:
        return None
    # of one moment: the greater label, then the source as ranks order it
    best = max(
        held, key=lambda h: (*h[:3], ("rule", "given", "chargeback", "reviewer").index(h[3]))
    )
    return best[2], best[3], best[1]


def of(entity, issues):
    return [i for i in issues if i[0] == entity]


@settings(max_examples=60, deadline=None)
@given(minutes=st.lists(MOMENTS, min_size=8, max_size=8), issues=ISSUES)
def test_rows_train_with_what_was_known_when_the_holdout_began(engine, minutes, issues):
    rows = ibis.memtable(pd.DataFrame({"id": [str(n) for n in range(8)], "time": map(at, minutes)}))
    rows = rows.mutate(time=rows.time.cast("timestamp(6)"))
    issued = labels([(str(i[0]), *i[1:]) for i in issues])
    valid = labels_as_of(issued)
    now = rows.join(valid, rows.id == valid.entity).drop("entity")
    trained = without_late_truth(now, at(BOUNDARY), issued)
    counted = engine.execute(trained)  # one backend for all that follows
    got = {
        int(row["id"]): (row["label"], row["label_source"], row["label_known_at"])
        for row in counted[counted["label_source"].notna()].to_dict("records")
    }
    assert len(counted) == len(engine.execute(now))  # no row is left out
    expected, left_out, by_rule, unlabelled, changed, decided = {}, 0, 0, 0, 0, 0
    for entity, minute in enumerate(minutes):
        own = of(entity, issues)
        every = strongest(own)
        if every is None:
            continue
        in_time = own
        if minute < BOUNDARY:
            in_time = [i for i in own if i[2] not in ARRIVING or i[3] <= BOUNDARY]
        best = strongest(in_time)
        late = minute < BOUNDARY and every[1] in ARRIVING and every[2] > BOUNDARY
        left_out += late
        by_rule += bool(late and best and best[1] == "rule")
        unlabelled += bool(late and best is None)
        changed += bool(late and best and best[1] in ARRIVING and best[0] != every[0])
        decided += bool(best and best[1] == "reviewer" and best[2] > BOUNDARY)
        if best is not None:
            expected[entity] = (best[0], best[1], at(best[2]))
    assert got == expected
    assert count_late(now, trained, at(BOUNDARY)) == {
        "left_out": left_out,
        "by_rule": by_rule,
        "unlabelled": unlabelled,
        "changed": changed,
        "decided": decided,
    }
    for row in counted.to_dict("records"):  # what measures is whole, whenever it came
        truth = strongest([i for i in of(int(row["id"]), issues) if i[2] in TRUTH])
        assert (None if pd.isna(row["truth"]) else row["truth"]) == (truth and truth[0])
        if int(row["id"]) not in expected:
            assert pd.isna([row[name] for name in TRAINING]).all()


def shop(engine, folder, delay="24h", **changes):
    """A shop of 200 payments, one an hour, whose truth comes after a delay."""
    frame = pd.DataFrame(
        {
            "id": [f"r{n:03}" for n in range(200)],
            "time": [START + timedelta(hours=n) for n in range(200)],
            "payer": "A",
            "payee": "X",
            "amount": [float(n * 37 % 300) for n in range(200)],
            "label": [int(n % 5 == 0) for n in range(200)],
        }
    )
    return Project(engine, folder, frame, truth={"delay": {"mean": delay}}, **changes)


def test_the_last_days_before_the_holdout_have_the_rules_label(engine, tmp_path):
    project = shop(engine, tmp_path)
    result, train = project.extract(), project.train()
    late = train["time"] > pd.Timestamp(result["boundary"]) - timedelta(hours=24)
    assert late.sum() == 23  # what was known at the boundary itself counts
    assert (train["label_source"] == "chargeback").equals(~late)
    assert train["truth"].notna().all()  # it measures all the same
    assert (train["truth_known_at"] > pd.Timestamp(result["boundary"])).equals(late)
    assert train.loc[late, "label"].equals(train.loc[late, "rule"])
    counts = {"left_out": 23, "by_rule": 23, "unlabelled": 0, "changed": 0, "decided": 0}
    assert result["late"] == counts
    # the holdout's own truth came later still, and is what it is for
    assert (project.held()["label_source"] == "chargeback").all()


def test_labels_that_were_changed_in_bulk_after_the_holdout_began_are_told(engine, tmp_path):
    project = shop(engine, tmp_path)
    before = project.extract()
    assert not any("were changed" in text for text in before["warnings"])
    boundary = pd.Timestamp(before["boundary"])
    path = tmp_path / "labels.parquet"
    issues = pd.read_parquet(path)
    truths = issues["source"].isin(ARRIVING)
    mended = issues[truths & (issues["issued_at"] <= boundary)].head(40).copy()
    mended["label"], mended["issued_at"] = 1 - mended["label"], boundary + timedelta(hours=9)
    again = issues[truths & (issues["issued_at"] <= boundary)].iloc[40:60].copy()
    again["issued_at"] = boundary + timedelta(hours=9)  # said once more, and the same
    pd.concat([issues, mended, again]).to_parquet(path)
    result, train = project.extract(), project.train().set_index("id")
    assert result["late"]["changed"] == 40 and result["late"]["left_out"] == 23 + 60
    assert (train.loc[mended["entity"], "label"] == 1 - train.loc[mended["entity"], "truth"]).all()
    (said,) = [text for text in result["warnings"] if "were changed" in text]
    assert f"the true labels of 40 of {len(train)} training rows were changed" in said
    # how long truth takes is what it took to come at first
    first = issues[truths].set_index("entity")["issued_at"]
    assert (train["truth_came_at"] == first.loc[train.index]).all()


def test_newer_rows_train_with_their_truth(engine, tmp_path):
    project = shop(engine, tmp_path)
    first = project.extract()
    newer = project.frame.assign(
        id="n" + project.frame["id"], time=project.frame["time"] + timedelta(days=30)
    )
    newer["payer"] = [f"p{n}" for n in range(200)]
    project.frame = pd.concat([project.frame, newer], ignore_index=True)
    project.write()
    again = project.extract("again")
    train = project.train("again")
    assert again["late"] == first["late"] and again["rows"]["newer"] > 100
    assert (train.loc[train["id"].str.startswith("n"), "label_source"] == "chargeback").all()


def test_where_no_label_was_known_in_time_nothing_can_be_learned(engine, tmp_path):
    project = shop(engine, tmp_path, delay="400h", rule=None)
    with pytest.raises(VouchError, match="no label was known at 2024-01-07 16:00:00") as caught:
        project.extract()
    assert "declare a rule" in caught.value.hint
