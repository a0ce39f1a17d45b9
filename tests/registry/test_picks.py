"""What two versions rest on, by the cases that cover each."""

import pandas as pd
import pytest

from vouch.registry.compare import compare
from vouch.registry.versions import find

NAME = "fraud-shop"


def explained(project, reasons, column="feature"):
    """Write an explanations table with one pick for each list of reasons."""
    rows = []
    for number, parts in enumerate(reasons):
        for rank, (name, weight) in enumerate(parts, start=1):
            row = {"id": f"r{number}", "score": 0.5 + number / 10, "covers": 0.4 + number / 10}
            row |= {column: name, "condition": f"{name} is 1", "weight": weight, "rank": rank}
            rows += [row | {"method": "lime"}, row | {"method": "treeshap", "weight": 9.0}]
    rows.append({**rows[0], "id": "other", "covers": None, column: "not of a pick"})
    pd.DataFrame(rows).to_parquet(project.path("explanations.parquet"))
    project.register("disabled")


@pytest.mark.parametrize("column", ["feature", "token"])
def test_versions_are_compared_by_what_their_picks_rest_on(project, column):
    explained(project, [[("amount", 0.5), ("faint", 0.001)], [("hour", -0.2)]], column)
    explained(project.with_seed(2), [[("leak", 0.8), ("Amount".lower(), 0.1)]], column)
    a, b = (find(project.state, NAME, number) for number in "12")
    picks = compare(a, b)["picks"]
    assert (picks["both"], picks["only_a"], picks["only_b"]) == (["amount"], ["hour"], ["leak"])
    assert [case["id"] for case in picks["a"]] == ["r0", "r1"]
    what = "amount is 1" if column == "feature" else "amount"
    assert picks["a"][0]["reasons"][0] == (what, 0.5)
    assert picks["b"][0] | {"reasons": []} == {
        "id": "r0",
        "score": 0.5,
        "covers": 0.4,
        "reasons": [],
    }


def test_a_version_without_picks_has_nothing_to_compare(project):
    project.register("disabled")  # as earlier releases did: no method, no picks
    explained(project.with_seed(2), [[("amount", 0.5)]])
    a, b = (find(project.state, NAME, number) for number in "12")
    assert compare(a, b)["picks"] is None
    assert compare(b, b)["picks"]["both"] == ["amount"]
