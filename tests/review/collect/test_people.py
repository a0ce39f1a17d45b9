"""Label Studio's exports and people's names: one person, one annotation, one answer."""

import json

import pytest

from vouch.core.errors import VouchError
from vouch.review.collect.batch import recorded
from vouch.review.collect.people import first_written
from vouch.review.names import identity


def choice(label, name="decision"):
    return {"from_name": name, "to_name": "row", "type": "choices", "value": {"choices": [label]}}


def annotation(number, label, by, at="2025-01-01T00:00:00Z", **more):
    result = [choice(label)]
    return {"id": number, "result": result, "completed_by": by, "updated_at": at} | more


def export(desk, name, *tasks):
    path = desk.project / name
    path.write_text(
        json.dumps(
            [
                {"id": n, "data": {"case": case}, "annotations": given}
                for n, (case, given) in enumerate(tasks, start=1)
            ]
        )
    )
    return path


def test_one_annotation_exported_twice_counts_once(desk):
    case, other = desk.cases[:2]
    desk.collect(export(desk, "a.json", (case, [annotation(5, "fraud", 1)])))
    by = {"email": "a@b.c"}
    again = [(case, [annotation(5, "fraud", by)]), (other, [annotation(6, "fraud", by)])]
    told = desk.collect(export(desk, "b.json", *again))
    assert (told["new"], told["known"], told["agreement"]) == (1, 1, [])
    assert set(recorded(desk.reviews, "simulated")["actor"]) == {"1"}


def test_unique_ids_tell_annotations_of_two_servers_apart(desk):
    case = desk.cases[0]
    desk.collect(export(desk, "a.json", (case, [annotation(5, "fraud", 1, unique_id="x")])))
    told = desk.collect(export(desk, "b.json", (case, [annotation(5, "fraud", 2, unique_id="y")])))
    assert told["new"] == 1
    assert set(recorded(desk.reviews, "simulated")["actor"]) == {"1", "2"}


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_answers_in_one_export_the_later_holds(desk, first):
    given = [
        annotation(1, "fraud", 7, "2025-01-01T00:00:00Z"),
        annotation(2, "genuine", 7, "2025-01-02T00:00:00Z"),
    ]
    told = desk.collect(export(desk, "a.json", (desk.cases[0], given[:: 1 if first else -1])))
    assert (told["new"], told["set_aside"], told["conflicts"]) == (2, [], [])
    rows = recorded(desk.reviews, "simulated")
    assert rows["superseded"].tolist() == [True, False]
    assert rows["label"].tolist() == [1, 0]


def test_only_our_control_is_the_answer(desk):
    case = desk.cases[0]
    result = [choice("genuine", "quality"), choice("fraud")]
    desk.collect(export(desk, "a.json", (case, [annotation(1, "fraud", 7, result=result)])))
    assert recorded(desk.reviews, "simulated")["label"].tolist() == [1]
    foreign = annotation(2, "fraud", 8, result=[choice("genuine", "quality")])
    with pytest.raises(VouchError, match=r"no choices of the control 'decision'.*'quality'"):
        desk.collect(export(desk, "b.json", (case, [foreign])))


def test_a_person_is_one_under_several_spellings(desk):
    rows = [(desk.cases[0], "fraud", "Ann"), (desk.cases[1], "fraud", "ann ")]
    desk.collect(desk.answers(rows))
    told = desk.collect(desk.answers([(desk.cases[0], "fraud", "\uff21NN")], "again.csv"))
    assert (told["new"], told["known"]) == (0, 1)
    assert set(recorded(desk.reviews, "simulated")["actor"]) == {"Ann"}
    assert identity(" Ann\u00a0 Lee") == "ann lee"


def test_a_file_makes_nobody_a_lead(desk):
    columns = ("case", "decision", "reviewer", "lead", "gold")
    told = desk.collect(desk.answers([(desk.cases[0], "fraud", "ann", "1", "1")], columns=columns))
    assert len(told["ignored"]) == 2
    assert not recorded(desk.reviews, "simulated")["final"].any()


def test_what_a_row_claims_is_checked(desk):
    one, two, three, four = desk.cases[:4]
    columns = ("case", "entity", "decision", "reviewer", "comment")
    rows = [
        (one, "another row", "fraud", "ann", ""),
        (two, "", "fraud", "an\x1b[2Jn", ""),
        (three, "", "fraud", "ann", "x" * 10_001),
        (four, "", "fraud", "ann", "well", "a comma not quoted"),
    ]
    told = desk.collect(desk.answers(rows, columns=columns))
    reasons = [one["reason"] for one in told["set_aside"]]
    assert told["new"] == 0 and len(reasons) == 4
    for reason, part in zip(reasons, ("put out with", "control", "10,000", "cells"), strict=True):
        assert part in reason
    assert "\x1b" not in told["set_aside"][1]["reviewer"]


def test_a_column_that_is_there_twice_is_refused(desk):
    columns = ("case", "decision", "decision", "reviewer")
    path = desk.answers([(desk.cases[0], "fraud", "genuine", "ann")], columns=columns)
    with pytest.raises(VouchError, match="'decision' is there 2 times"):
        desk.collect(path)


@pytest.mark.parametrize("name", ["Ann\u200b", "\ufeffAnn", "A\u00adnn", "ANN\u2060 ", "\u202eAnn"])
def test_signs_that_nobody_sees_make_no_other_person(name):
    assert identity(name) == identity("Ann")
    assert first_written([name]) == {
        "ann": name.strip("\u200b\ufeff\u2060\u202e ").replace("\u00ad", "")
    }


@pytest.mark.parametrize(
    "name",
    ["\u3164", "\u115f\u1160", "\uffa0", "\u200b", "\u034f", "\ufe0f", "\U000e0041", "\ufffb"],
)
def test_signs_that_show_nothing_are_no_name(name):
    assert identity(f" {name} ") == ""
    assert identity(f"A{name}nn") == "ann"


def test_a_blank_braille_cell_is_a_space():
    assert identity("\u2800") == ""
    assert identity("Ann\u2800Lee\u2800") == identity("ann lee")


def test_nobody_signs_with_what_shows_nothing(desk):
    result = desk.collect(desk.answers([(desk.cases[0], "fraud", "\u3164")]))
    assert [one["reason"] for one in result["set_aside"]] == ["expected a reviewer, got nothing"]
