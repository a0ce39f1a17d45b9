"""Which expectations a source's roles imply, as a Great Expectations suite.

The suite is a JSON file a person may edit: change a policy, a bound, add any expectation of Great
Expectations over the canonical column names.
"""

from typing import Any, Literal, TypedDict

from vouch.sources.declaration import BALANCES, Declaration, Role
from vouch.usecases import find
from vouch.usecases.classes import class_names

Policy = Literal["fail", "quarantine", "warn"]
Expectation = dict[str, Any]
"""An expectation as Great Expectations writes it: ``type``, ``kwargs`` and ``meta``."""
POLICIES: tuple[Policy, ...] = ("fail", "quarantine", "warn")
LARGEST_AMOUNT = 1e12
"""Larger than any single payment in any currency; a larger amount has a wrong scale."""
EARLIEST, LATEST = "1990-01-01T00:00:00", "2100-01-01T00:00:00"
CENT = 0.015
"""Balances are in cents and kept as floats: half a cent of slack on top of one."""
PARTIES: tuple[Role, ...] = ("payer", "payee")
RAREST_CLASS = 0.05
"""Share of the labelled rows below which a class is too rare to balance well."""


class Suite(TypedDict):
    """A suite as Great Expectations writes it."""

    name: str
    expectations: list[Expectation]
    meta: dict[str, str]


def derive_suite(declaration: Declaration) -> Suite:
    """Derive a suite from a source's roles.

    Args:
        declaration: The source.

    Returns:
        A suite as JSON: ``name``, ``expectations`` (each with ``type``, ``kwargs`` and
        ``meta.policy``: fail, quarantine or warn), ``meta``.
    """
    expectations = [
        expect("fail", "expect_table_row_count_to_be_between", min_value=1),
        expect("fail", "expect_column_values_to_not_be_null", column="id"),
        expect("fail", "expect_column_values_to_be_unique", column="id"),
        *_times(declaration),
        *_parties(declaration),
        *_amounts(declaration),
        *_categories(declaration),
        *find(declaration.usecase).expectations(declaration),
        *_labels(declaration),
        *_balances(declaration),
    ]
    return {
        "name": declaration.name,
        "expectations": expectations,
        "meta": {"source": declaration.name, "written_by": "vouch, from the source's roles"},
    }


def expect(policy: Policy, kind: str, **kwargs: Any) -> Expectation:
    """Write an expectation of Great Expectations' own, with its policy."""
    return {"type": kind, "kwargs": kwargs, "meta": {"policy": policy}}


def between(policy: Policy, column: str, **bounds: Any) -> Expectation:
    """Expect a column's values within bounds, ``min_value`` and ``max_value``."""
    return expect(policy, "expect_column_values_to_be_between", column=column, **bounds)


def _times(declaration: Declaration) -> list[Expectation]:
    if not declaration.has("time"):
        return []
    # a table without times is whole, a row without one among others is not
    policy: Policy = "quarantine" if _optional(declaration, "time") else "fail"
    return [
        expect(policy, "expect_column_values_to_not_be_null", column="time"),
        between("quarantine", "time", min_value=EARLIEST, max_value=LATEST),
    ]


def _optional(declaration: Declaration, role: Role) -> bool:
    column = declaration.column(role)
    return column is not None and declaration.columns[column].optional


def _parties(declaration: Declaration) -> list[Expectation]:
    return [
        expect("quarantine", "expect_column_values_to_not_be_null", column=role)
        for role in PARTIES
        if (column := declaration.column(role)) and not declaration.columns[column].optional
    ]


def _amounts(declaration: Declaration) -> list[Expectation]:
    if not declaration.has("amount"):
        return []
    return [
        expect("quarantine", "expect_column_values_to_not_be_null", column="amount"),
        between("quarantine", "amount", min_value=0, max_value=LARGEST_AMOUNT),
    ]


def _categories(declaration: Declaration) -> list[Expectation]:
    return [
        expect(
            "quarantine",
            "expect_column_values_to_be_in_set",
            column=declaration.canonical(name),
            value_set=list(column.values),
        )
        for name, column in declaration.columns.items()
        if column.role == "category" and column.values
    ]


def unexpected(policy: Policy, wrong: str, notes: str, **meta: Any) -> Expectation:
    """Expect no row for which a condition holds, which may use window functions."""
    query = f"select * from {{batch}} qualify {wrong}" if " over " in wrong else None
    return {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": query or f"select * from {{batch}} where {wrong}"},
        "meta": {"policy": policy, "notes": notes, **meta},
    }


def _labels(declaration: Declaration) -> list[Expectation]:
    if not declaration.has("label"):
        return []
    classes = list(range(len(class_names(declaration))))
    allowed = expect(
        "quarantine", "expect_column_values_to_be_in_set", column="label", value_set=classes
    )
    sure = between("quarantine", "label_confidence", min_value=0, max_value=1)
    confident = [sure] if declaration.has("label_confidence") else []
    return [allowed, *confident, *(_balance(classes) if len(classes) > 2 else [])]


def _balance(classes: list[int]) -> list[Expectation]:
    """Expect every class, and none that is rare."""
    share = "count(*) over (partition by label) / count(label) over ()"
    return [
        expect(
            "warn",
            "expect_column_distinct_values_to_contain_set",
            column="label",
            value_set=classes,
        ),
        unexpected(
            "warn",
            f"label is not null and {share} < {RAREST_CLASS}",
            f"label of a class of at least {RAREST_CLASS:.0%}",
            columns=["label"],
        ),
    ]


def _balances(declaration: Declaration) -> list[Expectation]:
    return [
        *(between("quarantine", role, min_value=0) for role in BALANCES if declaration.has(role)),
        *(_arithmetic(side) for side in PARTIES if _moves(declaration, side)),
    ]


def _moves(declaration: Declaration, side: Role) -> bool:
    roles: tuple[Role, ...] = BALANCES[:2] if side == "payer" else BALANCES[2:]
    return declaration.has("amount") and all(declaration.has(role) for role in roles)


def _arithmetic(side: Role) -> Expectation:
    """Expect a balance to move by the amount, in either direction, or to be emptied by it."""
    before, after = f"{side}_balance_before", f"{side}_balance_after"
    query = (
        f"select * from {{batch}} where abs(abs({after} - {before}) - amount) > {CENT} "
        f"and not ({after} = 0 and amount >= {before})"
    )
    return {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": query},
        "meta": {"policy": "warn", "notes": f"the {side}'s balance moves by the amount"},
    }
