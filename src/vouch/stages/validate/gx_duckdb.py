"""Great Expectations on DuckDB: the three things it lacks, and one call that runs a suite.

DuckDB empties a result when its connection closes, and Great Expectations reads results after
closing: the engine keeps its connection, as it does for SQLite. And it knows no way to write a
regular expression for DuckDB: it gets the one it has for dialects with ``regexp_matches``. And it
takes a parameter of DuckDB's, called 1, for filled in wherever a column's name has that digit: its
queries for failing rows are compiled with their values in place.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import duckdb
import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import (
    SqlAlchemyExecutionEngine,
)
from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.registry import (
    get_expectation_impl,
    list_registered_expectation_implementations,
)
from sqlalchemy.dialects.postgresql.base import PGCompiler

from vouch.core.errors import VouchError, suggest
from vouch.sources.readers import quoted
from vouch.stages.validate.queries import filled_in
from vouch.usecases.suite import Expectation

logging.getLogger("great_expectations").setLevel(logging.ERROR)
ROW_MAPS = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
UNIQUE = frozenset(["expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"])
QUERY = "unexpected_rows_expectation"
POSITION = "position"


class DuckDBCompiler(PGCompiler):
    """SQLAlchemy's compiler, writing values in place wherever the text of a query is wanted."""

    def process(self, obj: Any, **kwargs: Any) -> str:
        """Return the text of a part of a query.

        Args:
            obj: The part.
            **kwargs: ``render_postcompile`` is what only Great Expectations' texts are made with.
        """
        if kwargs.get("render_postcompile"):
            kwargs["literal_binds"] = True
        return str(super().process(obj, **kwargs))


class DuckDBEngine(SqlAlchemyExecutionEngine):
    """Great Expectations' SQL engine, made fit for DuckDB."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Dremio's is the branch that writes REGEXP_MATCHES(column, pattern)
        self.dialect_module = SimpleNamespace(DremioDialect=None)
        self.engine.dialect.statement_compiler = DuckDBCompiler
        self._connection: Any = None

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """Yield the one connection, and keep it open."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection


class DuckDBDatasource(SQLDatasource):
    """A Great Expectations data source on a DuckDB file."""

    execution_engine_override: ClassVar[Any] = DuckDBEngine
    type: Literal["duckdb"] = "duckdb"


def check_types(path: Path, expectations: Sequence[Expectation]) -> None:
    """Check that Great Expectations has every expectation of a suite.

    Args:
        path: The suite's file, for the message.
        expectations: Each with ``type``.

    Raises:
        VouchError: An unknown type; names the near ones.
    """
    types = list_registered_expectation_implementations()
    for expectation in expectations:
        if expectation["type"] not in types:
            raise VouchError(
                f"{path}: no expectation {expectation['type']!r}",
                suggest(expectation["type"], types),
            )


def is_about_rows(expectation: Expectation) -> bool:
    """Return whether an expectation says of each row whether it fails."""
    kind = expectation["type"]
    return kind == QUERY or issubclass(get_expectation_impl(kind), ROW_MAPS)


@dataclass(frozen=True)
class Checked:
    """What Great Expectations found for one expectation.

    Attributes:
        success: Whether it holds.
        unexpected: How many rows fail, or None where it is not about rows.
        observed: What was observed of the table, such as a mean, or None.
        failing: A query for the failing rows (with the key among its columns), or None.
    """

    success: bool
    unexpected: int | None
    observed: Any
    failing: str | None


def run_suite(
    scratch: Path,
    table: str,
    definition: str,
    key: str,
    path: Path,
    expectations: Sequence[Expectation],
) -> list[Checked]:
    """Check expectations on a view over Parquet files.

    Args:
        scratch: A folder for a DuckDB file that holds the view alone.
        table: The view's name, new to the folder.
        definition: Its query.
        key: A column unique to each row, returned by the queries for failing rows.
        path: The suite's file, for the message.
        expectations: Each with ``type``, ``kwargs`` and ``meta``.

    Returns:
        What was found for each, in the given order.

    Raises:
        VouchError: Arguments an expectation does not take, or one that cannot be computed.
    """
    numbered = [
        {**each, "meta": {**each.get("meta", {}), POSITION: place}}
        for place, each in enumerate(expectations)
    ]
    context = gx.get_context(mode="ephemeral")
    _forget_docs(context)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    database = _database(scratch, table, definition)
    source = context.data_sources.add_duckdb("duckdb", connection_string=f"duckdb:///{database}")
    batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all")
    suite = context.suites.add(_suite(path, numbered))
    try:
        answer = batch.get_batch().validate(
            suite,
            result_format={
                "result_format": "BASIC",
                "unexpected_index_column_names": [key],
                "return_unexpected_index_query": True,
                "partial_unexpected_count": 1,
            },
        )
        results = sorted(answer.results, key=lambda each: each.expectation_config.meta[POSITION])
        for result in results:
            _check_computed(path, result)
        return [_checked(source.get_execution_engine(), table, key, each) for each in results]
    finally:
        _close(source.get_execution_engine())


def _forget_docs(context: Any) -> None:
    """Remove the folder an ephemeral context makes for Data Docs, which it never would."""
    for site in context.variables.data_docs_sites.values():
        shutil.rmtree(site["store_backend"]["base_directory"], ignore_errors=True)
    context.variables.data_docs_sites = {}


def _database(scratch: Path, table: str, definition: str) -> Path:
    place = scratch / f"{table}.duckdb"
    with duckdb.connect(place) as connection:
        connection.execute(f"CREATE VIEW {quoted(table)} AS {definition}")
    return place


def _checked(
    engine: DuckDBEngine, table: str, key: str, result: ExpectationValidationResult
) -> Checked:
    details = result.result
    count = details.get("unexpected_count")
    config = result.expectation_config
    return Checked(
        success=bool(result.success),
        unexpected=count,
        observed=details.get("observed_value"),
        failing=_failing(engine, table, key, config, details.get("unexpected_index_query")),
    )


def _failing(
    engine: DuckDBEngine, table: str, key: str, config: Any, query: str | None
) -> str | None:
    """Return SQL for the failing rows: GX's own query where that is right, else one like it.

    GX leaves a row condition out of it, and crosses the table with itself for compound keys.
    """
    kwargs = config.kwargs
    domain = _domain(engine, table, kwargs)
    if config.type == QUERY:
        return filled_in(str(kwargs["unexpected_rows_query"]), domain)
    if config.type == "expect_compound_columns_to_be_unique":
        columns = ", ".join(quoted(name) for name in kwargs["column_list"])
        repeated = f"SELECT {columns} FROM {domain} GROUP BY ALL HAVING count(*) > 1"
        return f"SELECT {key} FROM {domain} WHERE ({columns}) IN ({repeated})"
    if query is None:
        return None
    plain = query.rstrip("; \n")
    return f"SELECT {key} FROM ({plain}) WHERE {key} IN (SELECT {key} FROM {domain})"


def _domain(engine: DuckDBEngine, table: str, kwargs: dict[str, Any]) -> str:
    if not kwargs.get("row_condition"):
        return quoted(table)
    arguments = {
        name: kwargs.get(name) for name in ("batch_id", "row_condition", "condition_parser")
    }
    rows = engine.get_domain_records(domain_kwargs=arguments)
    compiled = rows.compile(engine.engine, compile_kwargs={"literal_binds": True})
    return f"({compiled})"


def _suite(path: Path, expectations: Sequence[Expectation]) -> gx.ExpectationSuite:
    try:
        return gx.ExpectationSuite(name=path.stem, expectations=list(expectations))
    except Exception as error:  # pydantic 1, marshmallow or GX's own, by expectation
        raise VouchError(f"{path}: {error}", "mend the expectation's kwargs") from None


def _close(engine: DuckDBEngine) -> None:
    if engine._connection is not None:
        engine._connection.close()
    engine.engine.dispose()


def _check_computed(path: Path, result: ExpectationValidationResult) -> None:
    problems = [
        detail
        for detail in (result.exception_info or {}).values()
        if isinstance(detail, dict) and detail.get("raised_exception")
    ]
    if problems:
        config = result.expectation_config
        message = str(problems[0]["exception_message"]).split("\n[SQL")[0]
        raise VouchError(
            f"{path}: {config.type} {config.kwargs} cannot be computed: {message}",
            "mend its kwargs; columns bear their canonical names (see `vouch source show`)",
        )
