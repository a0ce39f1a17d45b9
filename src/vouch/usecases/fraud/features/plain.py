"""Features of a row by itself: amounts, categories, balances, the time of day."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vouch.sources.declaration import Declaration
from vouch.usecases.fraud.features.feature import Computed, computed, ratio

if TYPE_CHECKING:
    from ibis import Table

MOST_VALUES = 32  # a category with more is an identifier: only its commonest values become columns
LATEST_NIGHT_HOUR = 6


def amounts(rows: "Table", declaration: Declaration) -> Iterator[Computed]:
    """Compute the amount, its logarithm, and the source's other numbers."""
    if "amount" in rows.columns:
        amount = rows.amount
        yield computed("amount", "amount", amount, "amount")
        yield computed("amount_log", "amount", (amount.clip(lower=0) + 1).ln(), "ln(1 + amount)")
    for number in declaration.of_role("number"):
        if number in rows.columns:
            yield computed(f"number_{number}", "amount", rows[number], f"value of {number}")


def observe(rows: "Table", declaration: Declaration) -> dict[str, list[str]]:
    """List each category's values: the declared ones, or the commonest seen.

    Args:
        rows: The rows to look at; only for categories without declared values.
        declaration: The source.

    Returns:
        Values by canonical column, sorted; at most 32 where they were only seen.
    """
    declared = {declaration.canonical(n): c.values for n, c in declaration.columns.items()}
    return {
        column: list(declared[column]) or _commonest(rows, column)
        for column in declaration.of_role("category")
        if column in rows.columns
    }


def _commonest(rows: "Table", column: str) -> list[str]:
    values = rows.select(value=rows[column].cast("string")).drop_null()
    counts = values.group_by("value").aggregate(rows=values.count())
    top = counts.order_by(counts.rows.desc(), counts.value).limit(MOST_VALUES)
    return sorted(top.to_pyarrow()["value"].to_pylist())


def categories(rows: "Table", observed: dict[str, list[str]]) -> Iterator[Computed]:
    """Compute one column for each value: 1 where the row has it."""
    for column, values in observed.items():
        for name, value in _names(column, values).items():
            is_it = (rows[column].cast("string") == value).fill_null(False)
            yield computed(name, "category", is_it, f"{column} is {value}")


def _names(column: str, values: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for value in values:
        stem = f"{column}_{re.sub(r'[^a-z0-9]+', '_', value.lower()).strip('_')}"
        name = stem if stem not in names else f"{stem}_{len(names)}"
        names[name] = value
    return names


def balances(rows: "Table") -> Iterator[Computed]:
    """Compute balances, the part of the amount they do not explain, and the share drained.

    An error compares a balance's change with a payment out of the payer's and into the payee's
    account; a cash-in shows the same error with the other sign, which trees separate by category.
    """
    for party in ("payer", "payee"):
        before, after = (_column(rows, f"{party}_balance_{when}") for when in ("before", "after"))
        yield from _one_balance(party, "before", before)
        yield from _one_balance(party, "after", after)
        if before is not None and "amount" in rows.columns:
            yield from _against_amount(party, before, rows.amount)
        if before is not None and after is not None:
            yield from _both_balances(party, before, after, rows)


def _column(rows: "Table", name: str) -> Any:
    return rows[name] if name in rows.columns else None


def _one_balance(party: str, when: str, value: Any) -> Iterator[Computed]:
    if value is not None:
        name = f"{party}_balance_{when}"
        yield computed(name, "balance", value, f"{party}'s balance {when}")
        yield computed(f"{party}_zero_{when}", "balance", value == 0, f"{party} had 0 {when}")


def _against_amount(party: str, before: Any, amount: Any) -> Iterator[Computed]:
    share = ratio(amount, before)
    yield computed(f"{party}_amount_share", "balance", share, f"amount / {party}'s balance before")
    if party == "payer":
        excess, whole = (amount - before).clip(lower=0), (amount == before) & (amount > 0)
        yield computed("payer_shortfall", "balance", excess, "amount beyond the balance before")
        yield computed("payer_whole_balance", "balance", whole, "amount is the whole balance")


def _both_balances(party: str, before: Any, after: Any, rows: "Table") -> Iterator[Computed]:
    change = after - before
    yield computed(f"{party}_balance_change", "balance", change, f"change of {party}'s balance")
    if "amount" in rows.columns:
        error = change + rows.amount if party == "payer" else change - rows.amount
        text = f"change of {party}'s balance that the amount does not explain"
        yield computed(f"{party}_balance_error", "balance", error, text)
    drained = (before > 0) & (after == 0)
    empty = (before == 0) & (after == 0)
    yield computed(f"{party}_drained", "balance", drained, f"{party}'s balance fell to 0")
    yield computed(f"{party}_empty", "balance", empty, f"{party} had 0 before and after")


def times(rows: "Table") -> Iterator[Computed]:
    """Compute hour, weekend and night (hour up to 6) of the event, in UTC."""
    hour = rows.time.hour()
    weekend = rows.time.day_of_week.index() >= 5
    night = hour <= LATEST_NIGHT_HOUR
    yield computed("hour", "time", hour, "hour of the day, 0 to 23 (UTC)")
    yield computed("weekend", "time", weekend, "Saturday or Sunday")
    yield computed("night", "time", night, f"hour 0 to {LATEST_NIGHT_HOUR}")
