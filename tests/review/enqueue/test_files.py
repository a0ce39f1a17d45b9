import csv
import json
from pathlib import Path

import pytest
from label_studio_sdk.label_interface import LabelInterface

from vouch.core.errors import VouchError
from vouch.review.enqueue.files import check_out, interface, write_cases
from vouch.sources.declaration import Declaration, load_declaration

ROOT = Path(__file__).parents[3]
PAYMENTS = load_declaration(ROOT / "data/sources/simulated.yaml")
TWEETS = load_declaration(ROOT / "data/sources/tweets.yaml")


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_the_facts_and_room_for_answers(tmp_path, case):
    write_cases(tmp_path / "cases.csv", [case()], PAYMENTS)
    (row,) = read(tmp_path / "cases.csv")
    assert row["case"] == "fraud-000000000001"
    assert row["prediction"] == "fraud"
    assert row["score"] == "0.6000"
    assert row["type"] == "TRANSFER"
    assert row["reasons"] == "amount is 12.5 (+0.30); type is TRANSFER: yes (-0.10)"
    assert [row[name] for name in ("decision", "reviewer", "comment")] == ["", "", ""]


def test_poor_reasons_are_marked(tmp_path, case):
    write_cases(tmp_path / "cases.csv", [case(poor=True)], PAYMENTS)
    assert read(tmp_path / "cases.csv")[0]["reasons"].startswith("(they follow the model poorly)")


def test_reasons_that_change_from_run_to_run_are_marked(tmp_path, case):
    write_cases(tmp_path / "one.csv", [case(unstable=True)], PAYMENTS)
    write_cases(tmp_path / "two.csv", [case(unstable=True, poor=True)], PAYMENTS)
    marks = ["(they change from run to run)", "(they follow the model poorly, they change from run"]
    for name, mark in zip(("one.csv", "two.csv"), marks, strict=True):
        assert read(tmp_path / name)[0]["reasons"].startswith(mark)


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(tmp_path, case, start):
    text = f"{start}HYPERLINK('http://bad')"
    write_cases(tmp_path / "cases.csv", [case(facts={"text": text})], PAYMENTS)
    assert read(tmp_path / "cases.csv")[0]["text"] == f"'{text}"


def test_a_class_is_no_formula(tmp_path, case):
    label = {"role": "label", "values": {"a": "calm", "b": "+1-2"}}
    columns = {"words": {"role": "text"}, "mood": label}
    source = Declaration(name="moods", usecase="sentiment", format="csv", columns=columns)
    write_cases(tmp_path / "cases.csv", [case(facts={"text": "hm"})], source)
    assert read(tmp_path / "cases.csv")[0]["prediction"] == "'+1-2"


def test_a_fact_named_like_a_column_of_the_file_keeps_its_value(tmp_path, case):
    write_cases(tmp_path / "cases.csv", [case(facts={"score": 7, "decision": "old"})], PAYMENTS)
    (row,) = read(tmp_path / "cases.csv")
    assert (row["row_score"], row["row_decision"]) == ("7", "old")
    assert (row["score"], row["decision"]) == ("0.6000", "")


def tasks(tmp_path, cases, source):
    write_cases(tmp_path / "tasks.json", cases, source)
    return json.loads((tmp_path / "tasks.json").read_text())


def accepts(interface: LabelInterface, task) -> bool:
    interface.validate()
    # the SDK's own validate_task fails on tasks with predictions
    asked = {tag.value.lstrip("$") for tag in interface.objects}
    given = [interface.validate_prediction(one) for one in task["predictions"]]
    return asked <= task["data"].keys() and all(given)


def test_label_studio_takes_tasks_of_payments(tmp_path, case):
    (task,) = tasks(tmp_path, [case()], PAYMENTS)
    assert accepts(LabelInterface((tmp_path / "tasks.xml").read_text()), task)
    assert task["data"]["row"]["amount"] == 12.5
    assert task["predictions"][0]["score"] == 0.6


def test_label_studio_takes_tasks_of_texts(tmp_path, case):
    text = case(facts={"text": "to the moon 🚀"}, scores=[0.1, 0.2, 0.7], prediction=2)
    (task,) = tasks(tmp_path, [text], TWEETS)
    assert accepts(LabelInterface(interface(TWEETS)), task)
    chosen = task["predictions"][0]["result"][0]["value"]["choices"]
    assert (task["data"]["text"], chosen) == ("to the moon 🚀", ["positive"])


def test_label_studio_would_refuse_another_label(tmp_path, case):
    (task,) = tasks(tmp_path, [case()], PAYMENTS)
    task["predictions"][0]["result"][0]["value"]["choices"] = ["no such label"]
    assert not accepts(LabelInterface(interface(PAYMENTS)), task)


def test_an_existing_file_is_never_written_over(tmp_path):
    (tmp_path / "cases.csv").write_text("decisions!")
    with pytest.raises(VouchError, match="there already"):
        check_out(tmp_path / "cases.csv")
    (tmp_path / "tasks.xml").write_text("an interface of their own")
    with pytest.raises(VouchError, match=r"tasks\.xml is there already"):
        check_out(tmp_path / "tasks.json")


def test_another_suffix_is_told():
    with pytest.raises(VouchError, match=r"neither \.csv nor \.json"):
        check_out(Path("cases.xlsx"))
