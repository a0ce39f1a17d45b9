from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.browser import check_layout
from vouch.core.errors import VouchError

START = datetime(2024, 1, 1)


def add(project, *expectations):
    import json

    content = json.loads(project.suite.read_text())
    project.expect([*content["expectations"], *expectations])


def expectation(kind, policy, **kwargs):
    return {"type": kind, "kwargs": kwargs, "meta": {"policy": policy}}


def test_a_row_given_twice_is_a_duplicate(project):
    project.write([{"id": "1"}, {"id": "1", "day": 1}, {"id": "2"}])
    assert project.validate()["counts"] == {
        "in": 3, "silver": 2, "superseded": 0, "duplicates": 1, "quarantine": 0,
    }  # fmt: skip


def test_a_late_file_is_just_more_rows_known_from_their_events(project):
    project.write([{"id": "1", "hour": 2}, {"id": "2", "hour": 1, "day": 3}])
    project.validate()
    assert project.read(project.silver, "id, known_at, superseded_at") == [
        ("1", START + timedelta(hours=2), None),
        ("2", START + timedelta(hours=1), None),
    ]


def test_a_corrected_row_supersedes_from_its_arrival(project):
    project.write([{"id": "1"}, {"id": "1", "day": 1, "amount": 6}, {"id": "2"}])
    counts = project.validate()["counts"]
    assert (counts["silver"], counts["superseded"]) == (2, 1)
    arrival = START + timedelta(days=31)
    assert project.read(project.silver, "id, amount, known_at, superseded_at") == [
        ("1", 5.0, START, arrival),
        ("1", 6.0, arrival, None),
        ("2", 5.0, START, None),
    ]


def test_a_correction_that_is_quarantined_supersedes_nothing(project):
    project.write([{"id": "1"}, {"id": "1", "day": 1, "amount": -6}, {"id": "1", "day": 2}])
    assert project.validate()["counts"] == {
        "in": 3, "silver": 1, "superseded": 0, "duplicates": 1, "quarantine": 1,
    }  # fmt: skip


def test_failing_rows_are_quarantined_with_every_expectation_they_fail(project):
    project.write(
        [{"id": "1", "amount": -1, "kind": "cave"}, {"id": "2", "kind": "cave"}, {"id": "3"}]
    )
    summary = project.validate()
    assert project.read(project.quarantine, "id, amount, expectation") == [
        (
            "1",
            -1.0,
            "amount: values to be between; kind: values to be in set",
        ),
        ("2", 5.0, "kind: values to be in set"),
    ]
    (kinds,) = [e for e in summary["expectations"] if e["kwargs"].get("column") == "kind"]
    assert (kinds["failed"], kinds["success"], kinds["policy"]) == (2, False, "quarantine")
    assert kinds["share"] == pytest.approx(2 / 3)
    assert kinds["examples"] == ["kind = cave (id 1)", "kind = cave (id 2)"]


def test_policy_fail_stops_with_name_count_and_examples(project):
    add(
        project,
        expectation("expect_column_values_to_match_regex", "fail", column="payer", regex="^a"),
    )
    project.write([{"id": "1", "payer": "bert"}, {"id": "2"}])
    with pytest.raises(VouchError, match=r"payer: values to match regex fails for 1 rows .*bert"):
        project.validate()
    assert not project.silver.exists()


def test_policy_warn_only_tells(project):
    add(
        project,
        expectation("expect_column_mean_to_be_between", "warn", column="amount", max_value=1),
    )
    project.write([{"id": "1"}, {"id": "2"}])
    summary = project.validate()
    assert summary["counts"]["silver"] == 2
    assert summary["warnings"] == ["amount: mean to be between: does not hold (observed: 5.0)"]


def test_a_row_condition_limits_what_is_quarantined(project):
    add(
        project,
        expectation(
            "expect_column_values_to_be_between", "quarantine", column="amount", max_value=4,
            row_condition='col("kind") == "web"', condition_parser="great_expectations",
        ),
    )  # fmt: skip
    project.write([{"id": "1"}, {"id": "2", "kind": "shop"}])
    project.validate()
    assert project.read(project.quarantine, "id") == [("1",)]


@pytest.mark.parametrize(
    ("extra", "gone"),
    [
        (
            expectation("expect_compound_columns_to_be_unique", "quarantine",
                        column_list=["payer", "time"]),
            ["1", "2"],
        ),
        (
            expectation("expect_column_values_to_be_unique", "quarantine", column="payer"),
            ["1", "2"],
        ),
        (
            expectation("unexpected_rows_expectation", "quarantine",
                        unexpected_rows_query="select * from {batch} where payer = 'cleo'"),
            ["3"],
        ),
        (
            expectation("expect_column_pair_values_a_to_be_greater_than_b", "quarantine",
                        column_A="amount", column_B="label"),
            ["3"],
        ),
        (
            expectation("expect_select_column_values_to_be_unique_within_record", "quarantine",
                        column_list=["payer", "payee"]),
            ["3"],
        ),
        (
            expectation("expect_column_value_lengths_to_equal", "quarantine",
                        column="payer", value=3),
            ["1", "2", "3"],
        ),
    ],
)  # fmt: skip
def test_rows_are_found_for_every_kind_of_expectation(project, extra, gone):
    add(project, extra)
    project.write(
        [
            {"id": "1"},
            {"id": "2"},
            {"id": "3", "payer": "cleo", "payee": "cleo", "amount": 0},
            {"id": "4", "payer": "dan"},
        ]
    )
    project.validate()
    assert [i for (i,) in project.read(project.quarantine, "id")] == gone


@pytest.mark.parametrize(
    ("extra", "message", "hint"),
    [
        (expectation("expect_column_values_to_be_betwen", "warn", column="amount"),
         "no expectation 'expect_column_values_to_be_betwen'", "'expect_column_values_to_be_b"),
        (expectation("expect_column_mean_to_be_between", "ignore", column="amount"),
         "no policy 'ignore'", "warn"),
        (expectation("expect_column_mean_to_be_between", "quarantine", column="amount"),
         "about the whole table", "fail or warn"),
        (expectation("expect_column_values_to_be_between", "warn", column="amuont", max_value=1),
         "amuont", "canonical names"),
        (expectation("expect_column_values_to_be_between", "warn", column="amount", maximum=1),
         "maximum", "kwargs"),
        (expectation("unexpected_rows_expectation", "warn",
                     unexpected_rows_query="select id from {batch} where x"),
         "cannot be computed", "kwargs"),
        ({"type": "expect_column_to_exist"}, "needs type and kwargs", "got"),
        ({"type": "expect_column_to_exist", "kwargs": None}, "needs type and kwargs", "got"),
        ({"type": "expect_column_to_exist", "kwargs": ["id"]}, "needs type and kwargs", "got"),
        ({"type": "expect_column_to_exist", "kwargs": "id"}, "needs type and kwargs", "got"),
        (expectation("unexpected_rows_expectation", "quarantine",
                     unexpected_rows_query="select * from {batch} limit 1"),
         "without an order by", "{batch} alone"),
    ],
)  # fmt: skip
def test_a_suite_that_cannot_be_run_is_told(project, extra, message, hint):
    add(project, extra)
    project.write([{"id": "1"}])
    with pytest.raises(VouchError, match=message) as caught:
        project.validate()
    assert hint in caught.value.hint


IN_SET = "expect_column_values_to_be_in_set"
PRESENT = "expect_column_distinct_values_to_contain_set"


@pytest.mark.parametrize(
    ("kind", "numbers"), [(IN_SET, [0, 1, 2]), (IN_SET, [1]), (PRESENT, [0, 1, 2])]
)
def test_a_suite_of_other_classes_is_refused(project, kind, numbers):
    add(project, expectation(kind, "warn", column="label", value_set=numbers))
    project.write([{"id": "1"}])
    with pytest.raises(VouchError) as caught:
        project.validate()
    assert f"payments.json: {kind} of the column label has the value_set {numbers}, but" in str(
        caught.value
    )
    assert "declares 2 classes: 0 genuine, 1 fraud" in str(caught.value)
    assert "value_set [0, 1], or delete" in caught.value.hint
    assert not project.silver.exists()


def test_a_suite_may_expect_single_classes_and_values_of_other_columns(project):
    add(
        project,
        expectation(IN_SET, "warn", column="label", value_set=[1, 0]),
        expectation(PRESENT, "warn", column="label", value_set=[1]),
        expectation(
            IN_SET, "warn", column="label", value_set=[0],
            row_condition='col("amount") < 1', condition_parser="great_expectations",
        ),
        expectation(IN_SET, "warn", column="amount", value_set=[5.0, 7.0]),
    )  # fmt: skip
    project.write([{"id": "1"}, {"id": "2", "label": 1}])
    assert project.validate()["counts"]["silver"] == 2


def test_a_query_may_repeat_in_a_regex(project):
    query = "select * from {batch} where regexp_matches(payer, '^z{{3}}$')"
    rows = expectation("unexpected_rows_expectation", "quarantine", unexpected_rows_query=query)
    add(project, rows)
    project.write([{"id": str(n), "payer": "z" * n} for n in range(1, 6)])
    project.validate()
    assert project.read(project.quarantine, "id") == [("3",)]


def test_a_restarted_numbering_is_no_correction(project):
    first = [{"id": str(n), "payer": f"p{n}"} for n in range(40)]
    second = [
        {"id": str(n), "payer": f"q{n}", "payee": "else", "hour": 9, "day": 1} for n in range(40)
    ]
    project.write(first + second)
    with pytest.raises(VouchError, match="40 of 80 rows have the 'ref' of another row"):
        project.validate()


def test_a_file_of_corrections_is_fine(project):
    first = [{"id": str(n), "payer": f"p{n}"} for n in range(40)]
    project.write(first + [{**row, "amount": 7, "day": 1} for row in first])
    assert project.validate()["counts"]["superseded"] == 40


def test_sums_by_category_are_of_current_rows(project):
    project.write([{"id": "1"}, {"id": "1", "day": 1, "amount": 6.25}, {"id": "2", "kind": "shop"}])
    by_category = project.validate()["by_category"]
    assert by_category == {
        "kind": {"web": {"rows": 1, "amount": 6.25}, "shop": {"rows": 1, "amount": 5.0}}
    }
    assert isinstance(by_category["kind"]["web"]["rows"], int)


def test_the_page_tells_and_needs_no_network(project):
    project.write([{"id": "1", "kind": "<script>alert(1)</script>"}, {"id": "2"}])
    project.validate()
    page = project.page.read_text()
    assert "kind: values to be in set" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "http" not in page


def test_the_same_input_is_the_same_bytes(project):
    project.write(
        [
            {"id": str(n % 60), "hour": n % 7, "amount": n, "day": n % 3, "payer": "p"}
            for n in range(90)
        ]
    )
    kept = [project.silver, project.quarantine, project.page, project.root / "validate.json"]
    project.validate(id_conflicts=1)
    first = [path.read_bytes() for path in kept]
    project.validate(id_conflicts=1)
    assert [path.read_bytes() for path in kept] == first


ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from("abcd"),
        "amount": st.sampled_from([1.0, 2.0, -1.0]),
        "day": st.integers(0, 2),
    }
)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROW, min_size=1, max_size=20))
def test_counts_add_up_and_no_row_is_lost(project, rows):
    assume(any(row["amount"] >= 0 for row in rows))  # a silver without rows fails its suite
    project.write(rows)
    counts = project.validate()["counts"]
    assert counts["in"] == len(rows) == sum(counts.values()) - counts["in"]
    kept = project.read(project.silver, "file, line") + project.read(
        project.quarantine, "file, line"
    )
    assert len(set(kept)) == len(kept) == counts["in"] - counts["duplicates"]
    current = project.read(project.silver, "id, superseded_at IS NULL")
    assert (
        len({i for i, now in current if now}) == sum(now for _, now in current) == counts["silver"]
    )
    assert {i for i, _ in current} == {r["id"] for r in rows if r["amount"] >= 0}


def test_the_page_is_readable_at_every_width(project, tmp_path):
    project.write([{"id": "1", "kind": "w" * 200}, {"id": "2", "amount": -1e15}, {"id": "3"}])
    project.validate()
    assert check_layout(project.page.read_text(), tmp_path) == 2


ODD = ["1", "2", "?", ":1", "%(p)s", "$1", "50%", "it's", "", "param_1", 'a "b"', "V1"]


@pytest.mark.parametrize(
    "name",
    [
        *("v1", "_1", "x_1_2", "param_1", "batch_id"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("v2", "x10", "a2_1")),
    ],
)
def test_a_suite_runs_whatever_digits_a_column_has_in_its_name(project, name):
    """Also with value sets and bounds that look like parameters of a query."""
    project.declaration.write_text(
        project.declaration.read_text()
        .replace("kind: {", f"{name}: {{")
        .replace(", values: [web, shop]", "")
    )
    kinds = [*ODD, "else"]
    project.write([{"id": str(n), name: kind, "amount": n} for n, kind in enumerate(kinds)])
    add(
        project,
        expectation("expect_column_values_to_be_in_set", "quarantine", column=name, value_set=ODD),
        expectation("expect_column_values_to_not_be_in_set", "warn", column=name, value_set=["V1"]),
        expectation("expect_column_values_to_match_regex", "warn", column=name, regex="^[^?]+$"),
        expectation("expect_column_values_to_be_unique", "warn", column=name),
        expectation("expect_column_value_lengths_to_be_between", "warn", column=name, max_value=4),
        expectation("expect_compound_columns_to_be_unique", "warn", column_list=[name, "amount"]),
    )
    project.validate()
    assert project.read(project.quarantine, "id") == [(str(len(ODD)),)]
