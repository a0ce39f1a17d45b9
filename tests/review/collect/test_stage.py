import json

import pandas as pd
import pytest
import yaml

from tests.project import dvc, vouch
from vouch.core.errors import VouchError
from vouch.engine import connect
from vouch.labels.resolve import resolve
from vouch.labels.reviews import reviews
from vouch.review.collect.batch import recorded
from vouch.sources.records import LONGEST

TIMED = ("case", "decision", "reviewer", "decided_at")


def set_params(project, **changes):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["collect"]["fraud"] |= changes
    (project / "params.yaml").write_text(yaml.safe_dump(params))


def held(desk):
    """The label that holds for each case, by who gave it last."""
    frames = [pd.read_parquet(file) for file in sorted(desk.reviews.glob("*.parquet"))]
    rows = pd.concat(frames).sort_values("issued_at")
    return rows.groupby("case").last()


def test_decisions_become_labels_that_carry_their_case(desk):
    told = desk.collect(desk.answers([(case, "fraud", "ann") for case in desk.cases]))
    assert (told["new"], told["known"], told["blank"], told["set_aside"]) == (10, 0, 0, [])
    (batch,) = desk.reviews.glob("*.parquet")
    rows = pd.read_parquet(batch)
    assert batch.stem == told["batch"]
    assert set(rows["case"]) == set(desk.cases)
    assert (rows["label"] == 1).all()
    assert set(rows["model_version"]) == {"fraud-simulated:1"}
    assert rows["propensity"].notna().equals(rows["stream"] == "random")
    assert (desk.reviews / f"{batch.name}.dvc").exists()
    assert f"{batch.name}.dvc" not in dvc(desk.project, "status").stdout


def test_the_same_file_twice_changes_nothing(desk):
    path = desk.answers([(case, "fraud", "ann") for case in desk.cases])
    desk.collect(path)
    before = {file.name: file.read_bytes() for file in desk.reviews.iterdir()}
    told = desk.collect(path)
    assert (told["new"], told["known"], told["batch"]) == (0, 10, None)
    assert {file.name: file.read_bytes() for file in desk.reviews.iterdir()} == before


def test_what_is_wrong_is_named_and_the_rest_is_taken(desk):
    one, two, three, four, five, six, seven, eight, *_ = desk.cases
    rows = [
        ("fraud-0123", "fraud", "ann", ""),
        (one, "frod", "ann", ""),
        (two, "fraud", "", ""),
        (three, "fraud", "ann", ""),
        (three, "genuine", "ann", ""),
        (four, "", "ann", ""),
        (five, "fraud", "ann", "2999-01-01"),
        (six, "fraud", "ann", "tomorrow"),
        (six, "GENUINE", "bob", "2025-03-01T10:00:00+02:00"),
        (five, "", "", ""),
        (seven, "fraud", "consensus", ""),
        (seven, "fraud", "ann", "0025-01-03"),  # would keep every later file from being read
        (seven, "fraud", "bob", "0001-01-01T00:00:00+14:00"),
        (eight, "fraud", "ann", "2025-03-01"),
        (eight, "1", "ann", "2025-03-01"),
    ]
    told = desk.collect(desk.answers(rows, columns=TIMED))
    reasons = {(one["line"], one["reason"]) for one in told["set_aside"]}
    assert reasons == {
        (2, "expected a case that was put out, got 'fraud-0123'"),
        (3, "expected a known label (0, 1, genuine, fraud), got 'frod'"),
        (4, "expected a reviewer, got nothing"),
        (5, "expected one answer of a person to a case, got 'fraud'"),
        (6, "expected one answer of a person to a case, got 'genuine'"),
        (7, "expected a decision, got nothing"),
        (8, "expected a time that has come, got '2999-01-01'"),
        (9, "expected a time in ISO 8601, got 'tomorrow'"),
        (12, "expected a person's name, got 'consensus'"),
        (13, "expected a time (UTC) after the case was put out, got '0025-01-03'"),
        (14, "expected a time in ISO 8601, got '0001-01-01T00:00:00+14:00'"),
    }
    assert (told["new"], told["known"], told["blank"]) == (2, 1, 1)
    (_, row) = recorded(desk.reviews, "simulated").to_dict("records")
    assert (row["actor"], row["label"]) == ("bob", 0)
    assert row["decided_at"] == pd.Timestamp("2025-03-01T08:00:00")
    assert row["issued_at"] == row["collected_at"]


def test_a_grown_file_brings_only_what_is_new(desk):
    desk.collect(desk.answers([(case, "fraud", "ann") for case in desk.cases[:4]]))
    told = desk.collect(desk.answers([(case, "fraud", "ann") for case in desk.cases]))
    assert (told["new"], told["known"]) == (6, 4)


def test_a_later_decision_of_the_same_person_replaces_the_earlier(desk):
    case = desk.cases[0]
    desk.collect(desk.answers([(case, "fraud", "ann")]))
    desk.collect(desk.answers([(case, "genuine", "ann")], "later.csv"))
    assert held(desk).loc[case, "label"] == 0
    back = desk.answers([(case, "fraud", "ann")], "back.csv")
    assert desk.collect(back)["new"] == 0  # an old file says nothing new


def test_several_reviewers_come_to_a_consensus_and_conflicts_are_listed(desk):
    rows = [(c, "fraud", who) for c in desk.cases for who in ("ann", "bob")]
    rows += [(c, "genuine" if c == desk.cases[0] else "fraud", "cy") for c in desk.cases]
    told = desk.collect(desk.answers(rows))
    assert held(desk)["actor"].unique().tolist() == ["consensus"]
    assert (held(desk)["label"] == 1).all()
    (conflict,) = told["conflicts"]
    assert conflict["case"] == desk.cases[0]
    assert conflict["votes"] == {"ann": "fraud", "bob": "fraud", "cy": "genuine"}
    assert conflict["consensus"] == "fraud"
    assert len(told["agreement"]) == 3
    assert told["since_training"] == 30  # a consensus is nobody's decision


def test_a_leads_word_ends_a_conflict(desk):
    set_params(desk.project, leads=["chief"])
    case = desk.cases[0]
    desk.collect(desk.answers([(case, "fraud", "ann"), (case, "fraud", "bob")]))
    told = desk.collect(desk.answers([(case, "genuine", "chief")], "lead.csv"))
    assert told["conflicts"] == []
    desk.collect(desk.answers([(case, "fraud", "cy")], "late.csv"))
    assert held(desk).loc[case, "label"] == 0


def holds(desk, case):
    """The label that holds for a case, as the stage `label` resolves it."""
    with connect() as engine:
        issued = reviews(desk.reviews, "simulated").mutate(in_force=True)
        return int(engine.to_pandas(resolve(issued.filter(issued.case == case)))["label"].item())


def test_a_leads_word_holds_though_others_decided_later(desk):
    set_params(desk.project, leads=["chief"])
    case = desk.cases[0]
    rows = [(case, "fraud", "ann", "2025-01-01"), (case, "fraud", "bob", "2025-01-03")]
    desk.collect(desk.answers(rows, columns=TIMED))
    desk.collect(desk.answers([(case, "genuine", "chief", "2025-01-02")], "lead.csv", TIMED))
    assert holds(desk, case) == 0


def test_files_collected_out_of_order_leave_each_persons_last_word(desk):
    case = desk.cases[0]
    rows = [(case, "genuine", who, "2025-01-05") for who in ("ann", "bob", "cy")]
    desk.collect(desk.answers(rows, columns=TIMED))
    rows = [(case, "fraud", who, "2025-01-02") for who in ("ann", "bob")]
    told = desk.collect(desk.answers(rows, "older.csv", TIMED))
    assert told["conflicts"] == []
    assert holds(desk, case) == 0


def test_label_studio_exports_are_read(desk):
    def annotated(case, label, **more):
        result = {
            "from_name": "decision",
            "to_name": "row",
            "type": "choices",
            "value": {"choices": [label]},
        }
        given = {"result": [result], "completed_by": 7, "created_at": "2025-01-01T00:00:00Z"}
        return {"id": 1, "data": {"case": case}, "annotations": [given | more]}

    path = desk.project / "export.json"
    tasks = [
        annotated(desk.cases[0], "fraud", lead_time=12.5),
        annotated(desk.cases[1], "fraud", was_cancelled=True),
        annotated(desk.cases[2], "genuine", ground_truth=True, completed_by={"email": "a@b.c"}),
        {"id": 4, "data": {"case": desk.cases[3]}, "annotations": []},
    ]
    path.write_text(json.dumps(tasks))
    told = desk.collect(path)
    assert (told["new"], told["blank"], told["set_aside"]) == (2, 2, [])
    rows = recorded(desk.reviews, "simulated").set_index("case")
    assert rows.loc[desk.cases[0], ["actor", "label", "seconds", "final"]].tolist() == [
        "7",
        1,
        12.5,
        False,
    ]
    assert rows.loc[desk.cases[2], ["actor", "label", "final"]].tolist() == ["a@b.c", 0, False]
    (line,) = told["ignored"]
    assert line.startswith("ground_truth of 1 annotations: ")


def test_semicolons_and_line_breaks_within_cells_are_read(desk):
    path = desk.project / "excel.csv"
    text = (
        f'case;decision;reviewer;comment\r\n{desk.cases[0]};fraud;ann;"two\u2028lines\r\nof it"\r\n'
    )
    path.write_text(text, "utf-8-sig")
    assert desk.collect(path)["new"] == 1
    assert recorded(desk.reviews, "simulated")["comment"].tolist() == ["two\u2028lines\r\nof it"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "case,decision\n", "no column 'reviewer'"),
        ("a.xlsx", "", "neither .csv nor .json"),
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "not a list of tasks"),
        ("a.json", '[{"id": 1}]', "task 1: has no data"),
        ("a.csv", f"case,decision,reviewer\n{'x' * (2 * LONGEST + 1)},,\n", "not CSV"),
        *(
            ("a.json", f'[{{"data": {{}}, "annotations": {wrong}}}]', "task 1: annotations")
            for wrong in ("5", "[5]", '[{"result": ["x"]}]', '[{"lead_time": "12 s"}]')
        ),
        (
            "a.json",
            '[{"data": {}, "annotations": [{"result": '
            '[{"type": "choices", "from_name": "decision", "value": null}]}]}]',
            "task 1",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(desk, name, text, message):
    path = desk.project / name
    path.write_text(text)
    with pytest.raises(VouchError, match=message):
        desk.collect(path)


def test_a_batch_a_killed_collect_left_is_versioned_by_the_next(desk, monkeypatch):
    path = desk.answers([(desk.cases[0], "fraud", "ann")])
    with monkeypatch.context() as broken:
        broken.setattr("vouch.review.collect.stage.version", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.collect(path)
    told = desk.collect(path)
    assert (told["new"], told["known"]) == (0, 1)
    assert len(list(desk.reviews.glob("*.parquet.dvc"))) == 1


def test_decisions_that_are_not_checked_out_are_not_taken_for_new(desk):
    path = desk.answers([(desk.cases[0], "fraud", "ann")])
    batch = desk.reviews / f"{desk.collect(path)['batch']}.parquet"
    kept = batch.read_bytes()
    batch.unlink()
    with pytest.raises(VouchError, match=f"{batch.name}: people's decisions are not here"):
        desk.collect(path)
    batch.write_bytes(kept)
    assert desk.collect(path)["known"] == 1


@pytest.mark.slow
def test_from_case_to_champion_lineage(desk):
    decided = [(case, "fraud", "ann") for case in desk.cases]
    path = desk.answers(decided)
    set_params(desk.project, retrain_after=10)
    done = vouch(desk.project, "collect", "fraud", str(path))
    assert done.returncode == 0, done.stderr
    assert "10 decisions that no model has learned from yet: vouch run fraud" in done.stdout
    run = vouch(desk.project, "run", "fraud", "--no-prefect")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "up to date" in dvc(desk.project, "status").stdout
    registered = json.loads((desk.project / "data/register/fraud/registration.json").read_text())
    assert len(registered["reviews"]) == 1
    lineage = vouch(desk.project, "lineage", f"{registered['name']}:{registered['version']}")
    assert "actor ann" in lineage.stdout
    train = pd.read_parquet(desk.project / "data/gold/fraud/train.parquet")
    assert (train["label_source"] == "reviewer").sum() == 10
    assert desk.collect(path)["since_training"] == 0
