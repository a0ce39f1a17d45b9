"""What was known when, as the page lays it out."""

from vouch.stages.report.history import label_history

from .test_stage import Tags, text_of

CLASSES = ("genuine", "fraud")


def cell(of, as_of, rows, **by_source):
    return {"of": of, "as_of": as_of, "rows": rows, "by_source": by_source}


JANUARY, FEBRUARY, MARCH = (f"2024-0{n}-01" for n in (1, 2, 3))
TOLD = {
    "unit": "month",
    "cells": [
        cell(JANUARY, JANUARY, 400, rule={"genuine": 390, "fraud": 10}),
        cell(
            JANUARY, FEBRUARY, 400, rule={"genuine": 100}, chargeback={"genuine": 290, "fraud": 10}
        ),
        cell(JANUARY, MARCH, 400, chargeback={"genuine": 380, "fraud": 17}, reviewer={"fraud": 3}),
        cell(FEBRUARY, FEBRUARY, 200, rule={"genuine": 200}),
        cell(FEBRUARY, MARCH, 200, rule={"genuine": 198}, reviewer={"genuine": 1, "fraud": 1}),
    ],
}


def test_a_cell_is_the_share_of_rows_whose_truth_was_known():
    found = label_history(TOLD, CLASSES)
    assert found["columns"] == ["Jan 24", "Feb 24", "Mar 24"]
    january, february = found["lines"]
    assert [c["share"] for c in january["cells"]] == [0, 0.75, 1]
    assert [c["positives"] for c in january["cells"]] == [0, 10, 20]
    assert february["cells"][0] == {}
    assert february["cells"][2] == {"share": 0.01, "shade": 0.01, "positives": 1}
    assert [(row["name"], row["source"]) for row in found["latest"]] == [
        ("Jan 2024", "chargeback"),
        ("Jan 2024", "reviewer"),
        ("Feb 2024", "reviewer"),
        ("Feb 2024", "rule"),
    ]


def test_the_page_shows_it_with_labels(inputs):
    inputs.summaries["labelled"]["history"] = TOLD
    page = inputs.page()
    Tags(page)
    text = text_of(page)
    known = text[text.index("What was known when") : text.index("Whose labels hold now")]
    assert "Jan 2024 400 0 % 0 75.0 % 10 100 % 20" in known
    assert page.count("--shade: 0.75") == 1


def test_without_truth_or_history_the_page_says_so_or_nothing(inputs):
    inputs.summaries["labelled"]["history"] = {"unit": "month", "cells": TOLD["cells"][:1]}
    assert "all that is known is the rule’s word" in text_of(inputs.page())
    inputs.summaries["labelled"]["history"] = None
    assert "What was known when" not in inputs.page()
