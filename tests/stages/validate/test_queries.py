import json
from pathlib import Path

import pytest

from vouch.core.errors import VouchError
from vouch.stages.validate.queries import check_queries

ROOT = Path(__file__).parents[3]


def check(text, name="unexpected_rows_query"):
    check_queries(Path("suite.json"), [{"type": "rows", "kwargs": {name: text, "column": "a"}}])


def test_the_suites_of_the_project_may_be_run():
    suites = list((ROOT / "expectations").glob("*.json"))
    assert suites
    for suite in suites:
        check_queries(suite, json.loads(suite.read_text())["expectations"])


@pytest.mark.parametrize(
    "text",
    [
        "select * from {batch} where now > 3 and a in (select max(a) from {batch} group by b)",
        "with t as (select a from {batch}) select * from {batch} join t using (a)",
        "select * from {batch} qualify row_number() over (partition by a order by b) > 1",
        "select * from {batch}, unnest([1, 2]) where case when a like 'x%' then b ~ 'y' end",
        "select * from {batch} where regexp_matches(a, '^z{{3}}$')",
        "select distinct a from {batch} order by a limit 3",
        "select * from {batch} where date_part('hour', t) > 3 union all from {batch} -- and so on",
        f"select * from {{batch}} where {' and '.join(['a > 1'] * 500)}",
    ],
)
def test_a_query_about_its_rows_may_be_run(text):
    check(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select * from read_text('/etc/passwd')", r"read from read_text\(…\)"),
        ("select * from {batch} where a in (select content from read_text('x'))", "read_text"),
        ("select * from 'secret.csv'", "may not read 'secret.csv'"),
        ('select * from "secret.parquet" union from {batch}', "may not read 'secret.parquet'"),
        ("select * from {batch}, duckdb_secrets()", "duckdb_secrets"),
        ("select * from query('from ''x.csv''')", r"query\(…\)"),
        ("select * from information_schema.tables", "'information_schema.tables'"),
        (
            """select * from {batch} where exists (with "x.csv" as (select 1) from "x.csv")
               and exists (from "x.csv")""",
            "may not read 'x.csv'",
        ),
        ("copy {batch} to 'out.csv'", "Only SELECT"),
        ("select * from {batch}; copy {batch} to 'out.csv'", "Only SELECT"),
        ("select * from {batch}; select 1", "more than one statement"),
        ("select * from {batch}) union (select 1", "syntax error"),
        ("attach 'other.duckdb'", "Only SELECT"),
        ("summarize {batch}", "may only select"),
        ("select * from {batch} where t > now()", r"may not call now\(…\)"),
        ("select * from {batch} where random() > 0.5", r"may not call random\(…\)"),
        ("", "more than one statement"),
        (
            """select * from {batch} where a = 'z' /* {batch:*<200}/ or a in
               (select content from read_text('/etc/passwd')) -- */
               and 1 = 1""",
            "no brace",
        ),
        (
            "select * from {batch} where regexp_matches(a, '^z{3}$')",
            r"no brace .* write \{\{3\}\} for",
        ),
        ("select * from {batch} where a = '{'", "no brace"),
        ("select * from {batch!r}", "no brace"),
        ("select * from {batch} limit 3", "without an order by"),
        ("select * from {batch} where a in (select a from {batch} limit 10%)", "without an order"),
        ("select * from {batch} union select * from {batch} offset 2", "without an order by"),
        ("select distinct on (a) * from {batch}", "without an order by"),
        ("select * from {batch} where t < current_date", "clock"),
        ("select * from {batch} where t < CURRENT_TIMESTAMP", "clock"),
        ("select * from {batch} where age(t) > interval 1 day", "clock"),
        ("select * from {batch} where t < ago(interval 1 day)", "ago"),
        ("select t.age() from {batch}", "clock"),
        ("select * from {batch} where t < current_localtimestamp()", "current_localtimestamp"),
        ("select reservoir_quantile(a, 0.5) from {batch}", "reservoir_quantile"),
        ("select current_setting('memory_limit') from {batch}", "current_setting"),
        ("select getvariable('x') from {batch}", "getvariable"),
        (
            """select * from {batch} where a in (select x from BRONZE)
               or exists (with BRONZE as (select 1) from BRONZE)""",
            "may not read 'BRONZE'",
        ),
        ("with arrived as (select 1) select * from {batch}, arrived", "may not read 'arrived'"),
        ("select * from {batch} using sample 1 rows", "sample"),
        ("select * from {batch} tablesample 10%", "sample"),
        (
            """select * from {batch} where a in (select x from bronze)
               or exists (with bronze as (select 1) from bronze)""",
            "may not read 'bronze'",
        ),
    ],
)
def test_a_query_that_reads_anything_else_is_refused(text, message):
    with pytest.raises(VouchError, match=message) as refused:
        check(text)
    assert "suite.json: rows: unexpected_rows_query:" in str(refused.value)


@pytest.mark.parametrize("value", [None, [], {}, 3])
def test_a_query_that_is_no_text_is_refused(value):
    with pytest.raises(VouchError, match=r"suite.json: rows: unexpected_rows_query: "):
        check(value)


def test_braces_are_doubled_only_where_the_text_is_formatted_once():
    with pytest.raises(VouchError, match=r"base_query: may hold no brace .* \[0-9\]\[0-9\]"):
        check("select * from {batch} where regexp_matches(a, '^z{{3}}$')", "base_query")


def test_any_argument_that_is_a_query_is_checked():
    with pytest.raises(VouchError, match=r"base_query: may not read from read_text"):
        check("select * from read_text('x')", "base_query")
