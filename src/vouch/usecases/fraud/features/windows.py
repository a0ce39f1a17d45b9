"""Features of a party's own past: how often and how much it pays, and what is unusual for it.

Sums run over whole millionths: sums of fractions would depend on the order in which an engine
adds. Floats hold whole numbers exactly up to 2**53, so each is split in two parts, added apart.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import ibis

from vouch.engine import span, whole
from vouch.usecases.fraud.features.feature import Computed, brief, computed, ratio

if TYPE_CHECKING:
    from ibis import Table

Party = Literal["payer", "payee"]
MILLIONTHS = 1e6
PART = 2.0**26
TOO_LARGE = 1e32
USUAL = timedelta(days=90)
RECENT = (timedelta(days=7), timedelta(days=14))


def earlier(party: str, window: timedelta) -> Any:
    """Return the frame of a party's strictly earlier rows, back to but without ``at - window``."""
    return ibis.range_window(preceding=(span(window) - 1, 1), group_by=party, order_by="at")


def exact(value: Any) -> Any:
    """Convert a number to whole millionths, summable in any order; null if NaN or too large."""
    millionths = whole(value.cast("float64") * MILLIONTHS)
    return ibis.ifelse(value.abs() < TOO_LARGE, millionths, ibis.null("float64"))


def total(millionths: Any, frame: Any, own: Any = 0.0) -> Any:
    """Sum what :func:`exact` returned; the result is the same in any order.

    Args:
        millionths: What to sum over the frame.
        frame: Which rows; a sum of none is 0.
        own: Millionths to add to that sum.

    Returns:
        The sum as float64, in units; exact while all parts stay below 2**53.
    """
    low, own_low = millionths % PART, own % PART
    lows = low.sum().over(frame).fill_null(0.0) + own_low
    highs = (millionths - low).sum().over(frame).fill_null(0.0) + (own - own_low)
    return (highs + lows) / MILLIONTHS


def windows(rows: "Table", party: Party, lengths: tuple[timedelta, ...]) -> Iterator[Computed]:
    """Compute count, sum and mean of a party's payments in each window, its own row included.

    Args:
        rows: Rows with ``at`` (microseconds), the party and, where the source has it, ``amount``.
        party: Whose payments.
        lengths: How far back.
    """
    group: Any = f"{party}_windows"
    for length in lengths:
        name, frame = brief(length), earlier(party, length)
        count = 1 + rows.count().over(frame)
        counted = _of(rows[party], count)
        yield computed(f"{party}_count_{name}", group, counted, f"{party}'s payments", length)
        if "amount" in rows.columns:
            own = exact(rows.amount)
            summed = _of(rows[party], total(own, frame, own))
            mean = ratio(summed, count)
            yield computed(f"{party}_sum_{name}", group, summed, f"{party}'s sum", length)
            yield computed(f"{party}_mean_{name}", group, mean, f"{party}'s mean amount", length)


def _of(party: Any, value: Any) -> Any:
    """Return a value, undefined where the party is missing and so has no history."""
    return ibis.ifelse(party.notnull(), value, ibis.null())


def with_usual(rows: "Table") -> "Table":
    """Add ``ratio`` and ``zscore`` of each amount to the payer's payments of 90 days before."""
    frame = earlier("payer", USUAL)
    own = exact(rows.amount)
    usual = rows.mutate(
        usual_count=own.count().over(frame),
        usual_sum=total(own, frame),
        usual_squares=total(exact(rows.amount * rows.amount), frame),
    )
    count, mean = usual.usual_count, ratio(usual.usual_sum, usual.usual_count)
    variance = ratio(usual.usual_squares - usual.usual_sum * mean, count - 1).clip(lower=0.0)
    deviation = variance.sqrt()
    return usual.mutate(
        ratio=_of(usual.payer, ratio(usual.amount, mean)),
        zscore=_of(usual.payer, ratio(usual.amount - mean, deviation)),
    )


def habits(rows: "Table") -> Iterator[Computed]:
    """Compute how unusual a payment, and the payer's latest ones, are for the payer.

    Args:
        rows: Rows made by :func:`with_usual`.
    """
    yield computed("payer_ratio", "habits", rows.ratio, "amount / payer's mean before", USUAL)
    yield computed("payer_zscore", "habits", rows.zscore, "deviations from that mean", USUAL)
    for length in RECENT:
        yield from _recent(rows, length)


def _recent(rows: "Table", length: timedelta) -> Iterator[Computed]:
    name, frame, own = brief(length), earlier("payer", length), exact(rows.ratio)
    count = own.notnull().cast("int64") + own.count().over(frame)
    mean = ratio(total(own, frame, own.fill_null(0.0)), count)
    yield computed(
        f"payer_ratio_mean_{name}", "habits", _of(rows.payer, mean), "mean ratio", length
    )
    for value, text in (("ratio", "greatest ratio"), ("amount", "greatest amount")):
        peak = _greatest(rows[value], rows[value].max().over(frame))
        label = f"payer_{value}_max_{name}"
        yield computed(label, "habits", _of(rows.payer, peak), text, length)


def _greatest(own: Any, before: Any) -> Any:
    return ibis.coalesce(ibis.greatest(own, before), own, before)
