"""Exports that no labeling tool writes: refused with the file's name and the task's number."""

import json

import pytest

from vouch.core.errors import VouchError
from vouch.review.collect.read import read_answers


def annotation(**fields):
    choice = {"type": "choices", "from_name": "decision", "value": {"choices": ["fraud"]}}
    return {"id": 1, "completed_by": {"email": "ada"}, "result": [choice]} | fields


def export(tmp_path, annotated, case="a"):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"id": 1, "data": {"case": case}, "annotations": [annotated]}]))
    return path


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"completed_by": {"email": "\ud800x"}}, "reviewer"),
        ({"updated_at": "\udfff"}, "decided_at"),
        ({"unique_id": "\ud800"}, "unique_id"),
        ({"result": [annotation()["result"][0] | {"value": {"choices": ["\ud83d"]}}]}, "decision"),
    ],
)
def test_half_a_surrogate_pair_is_refused(tmp_path, fields, field):
    with pytest.raises(VouchError, match=rf"export\.json: task 1: {field}: .* is no Unicode text"):
        read_answers(export(tmp_path, annotation(**fields)))


def test_a_pair_is_a_character_and_what_nobody_reads_may_be_anything(tmp_path):
    odd = annotation(completed_by={"email": "\U0001f600"}, meta={"draft": "\ud800"})
    (answer,) = read_answers(export(tmp_path, odd)).answers
    assert answer.reviewer == "\U0001f600"


def test_a_case_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(VouchError, match="task 1: case: "):
        read_answers(export(tmp_path, annotation(), case="\udc00"))


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("field", ["id", "lead_time"])
def test_a_number_beyond_all_bounds_is_refused_or_harmless(tmp_path, field, digits):
    path = export(tmp_path, annotation(**{field: 0}))
    path.write_text(path.read_text().replace(f'"{field}": 0', f'"{field}": {"9" * digits}'))
    if (field, digits) == ("id", 400):
        assert read_answers(path).answers[0].annotation == f"1/{'9' * 400}"
        return
    with pytest.raises(VouchError, match=r"export\.json: "):
        read_answers(path)
