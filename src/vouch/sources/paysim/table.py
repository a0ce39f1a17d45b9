"""The simulated table: genuine payments and frauds, hour by hour, in pieces of bounded size."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.core.progress import Progress, silent
from vouch.sources.patterns import Regulars
from vouch.sources.paysim.accounts import Cents
from vouch.sources.paysim.arrays import Ints
from vouch.sources.paysim.frauds import frauds, in_order
from vouch.sources.paysim.parameters import (
    CASH_OUT,
    DAYS,
    FIRST_HOURS,
    HOURS,
    PAYMENT,
    PHASES,
    STEPS,
    TRANSFER,
    TYPES,
)
from vouch.sources.paysim.payees import NAMES, Payees
from vouch.sources.paysim.payers import Payments, genuine
from vouch.sources.paysim.regulars import FIRST_CLIENT, Rows, draw, names

LEAST_ROWS, MOST_ROWS = 10_000, 6_400_000
PIECE = 250_000  # rows in memory at a time, and at most one hour more
MONTH = (1, len(DAYS))
"""The first and the last day there is."""
FIRST_PHASES_END = PHASES[-2].until

COLUMNS = pa.schema(
    [
        ("step", pa.int32()),
        ("type", pa.string()),
        ("amount", pa.float64()),
        ("nameOrig", pa.string()),
        ("oldbalanceOrg", pa.float64()),
        ("newbalanceOrig", pa.float64()),
        ("nameDest", pa.string()),
        ("oldbalanceDest", pa.float64()),
        ("newbalanceDest", pa.float64()),
        ("isFraud", pa.int8()),
        ("isFlaggedFraud", pa.int8()),
    ]
)


def simulate(
    rows: int, seed: int, progress: Progress = silent, regulars: Regulars | None = None
) -> pa.Table:
    """Simulate payments.

    Args:
        rows: How many, 10,000 to 6,400,000; 0.129 % of PaySim's own are frauds.
        seed: The same one gives the same table.
        progress: Called with the rows made so far.
        regulars: Clients with a history, beside PaySim's own; None: there are none.

    Returns:
        The eleven published columns (``COLUMNS``), sorted by step (hour, 1 to 743); money in
        currency units, rounded to cents.

    Raises:
        VouchError: ``rows`` or ``seed`` is out of range.
    """
    return pa.Table.from_batches(batches(rows, seed, progress, regulars), COLUMNS)


def write(
    path: Path,
    rows: int,
    seed: int,
    progress: Progress = silent,
    regulars: Regulars | None = None,
    days: tuple[int, int] = MONTH,
) -> int:
    """Simulate payments into a file; memory does not grow with PaySim's own rows.

    Args:
        path: ``.parquet`` or ``.csv``; written whole or not at all.
        rows: How many, 10,000 to 6,400,000.
        seed: The same one gives the same bytes.
        progress: Called with the rows written so far.
        regulars: Clients with a history, beside PaySim's own; None: there are none.
        days: The first and the last day to write, 1 to 31; the other days' rows are left out.

    Returns:
        How many rows were written.

    Raises:
        VouchError: The suffix is another one, or ``rows``, ``seed`` or ``days`` is out of range.
    """
    written = 0
    pieces = _of_days(batches(rows, seed, progress, regulars), days)
    with replacing(path) as draft, _writer(draft, path.suffix) as writer:
        for piece in pieces:
            writer.write_batch(piece)
            written += len(piece)
    return written


def _of_days(pieces: Iterator[pa.RecordBatch], days: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some days."""
    first, last = days
    if not MONTH[0] <= first <= last <= MONTH[1]:
        raise VouchError(
            f"days: got {first} to {last}", f"give days from {MONTH[0]} to {MONTH[1]}, in order"
        )
    begin, end = (first - 1) * len(HOURS), last * len(HOURS)
    hours = pa.array(range(begin + 1, end + 1), pa.int32())
    return (piece.filter(pc.is_in(piece["step"], hours)) for piece in pieces)


def batches(
    rows: int, seed: int, progress: Progress = silent, regulars: Regulars | None = None
) -> Iterator[pa.RecordBatch]:
    """Simulate payments piece by piece, each of whole hours.

    Args:
        rows: How many in all, 10,000 to 6,400,000.
        seed: The same one gives the same pieces.
        progress: Called with the rows made so far.
        regulars: Clients with a history, beside PaySim's own; None: there are none.

    Returns:
        The pieces in order of time, made as they are asked for.

    Raises:
        VouchError: ``rows`` or ``seed`` is out of range.
    """
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise VouchError(
            f"rows: got {rows:,}", f"ask for {LEAST_ROWS:,} to {MOST_ROWS:,} simulated rows"
        )
    if seed < 0:
        raise VouchError(f"seed: got {seed}", "give a whole number of at least 0")
    if regulars is None:
        return _batches(rows, seed, progress)
    return _joined(rows, seed, progress, regulars)


def _joined(
    rows: int, seed: int, progress: Progress, regulars: Regulars
) -> Iterator[pa.RecordBatch]:
    """Yield PaySim's own rows together with those of clients with a history."""
    rng = np.random.default_rng([seed, 1])
    theirs = draw(rng, rows, regulars)
    steps, done = theirs.acts.step, 0
    for piece in _batches(rows - len(steps), seed, silent):
        last = piece["step"][len(piece) - 1].as_py()
        until = int(np.searchsorted(steps, last, side="right"))
        yield _merged(rng, piece, _regular_batch(theirs, slice(done, until)))
        done = until
        progress(min(int(rows * last / STEPS), rows), rows, f"hour {last} of {STEPS}")
    if done < len(steps):
        yield _regular_batch(theirs, slice(done, None))


def _merged(
    rng: np.random.Generator, own: pa.RecordBatch, regular: pa.RecordBatch
) -> pa.RecordBatch:
    """Return the rows of both by their hours, within an hour at random but each in its order."""
    steps = [part["step"].to_numpy() for part in (own, regular)]
    drawn = [rng.random(len(hours)) for hours in steps]
    # both are sorted by hour; sorted within each hour, the draws keep a part's rows in their order
    places = [draws[np.lexsort((draws, hours))] for draws, hours in zip(drawn, steps, strict=True)]
    order = np.lexsort((np.concatenate(places), np.concatenate(steps)))
    return pa.Table.from_batches([own, regular]).take(order).combine_chunks().to_batches()[0]


def _regular_batch(rows: Rows, part: slice) -> pa.RecordBatch:
    acts = rows.acts
    shop = acts.type[part] == PAYMENT
    client = acts.client[part]
    payer = np.where(client >= 0, client + FIRST_CLIENT, -client)
    columns = [
        pa.array(acts.step[part], pa.int32()),
        pa.array(TYPES).take(pa.array(acts.type[part])),
        _units(rows.amount[part]),
        _named("C", names(payer)),
        _units(rows.before[part]),
        _units(rows.after[part]),
        _named(_letters(shop), names(acts.payee[part])),
        _units(rows.payee_before[part]),
        _units(rows.payee_after[part]),
        pa.array((acts.pattern[part] > 0).astype(np.int8)),
        pa.array(np.zeros(len(client), np.int8)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COLUMNS)


def _batches(rows: int, seed: int, progress: Progress) -> Iterator[pa.RecordBatch]:
    rng = np.random.default_rng(seed)
    crimes = frauds(rng, rows)
    payees = Payees(rng)
    counts = rows_per_step(rows - len(crimes.step))
    done = 0
    for first, last in _pieces(counts):
        payments = _together(rng, _genuine(rng, counts, first, last), _between(crimes, first, last))
        yield _batch(rng, payees, payments)
        done += len(payments.step)
        progress(done, rows, f"hour {last} of {STEPS}")


def rows_per_step(rows: int) -> Ints:
    """Distribute genuine rows over the hours.

    Args:
        rows: How many.

    Returns:
        Rows of step 1, 2, … 743, shape (743,); they add up to ``rows``.
    """
    hour = np.arange(1, STEPS + 1)
    weight = np.array(DAYS)[hour // 24] * np.array(HOURS)[hour % 24] / sum(HOURS)
    opening = len(FIRST_HOURS)
    weight[opening:] *= (sum(DAYS) - sum(FIRST_HOURS)) / weight[opening:].sum()
    weight[:opening] = FIRST_HOURS
    edges = np.round(rows * np.cumsum(weight) / weight.sum()).astype(np.int64)
    return np.diff(edges, prepend=0)


def _pieces(counts: Ints) -> Iterator[tuple[int, int]]:
    """Yield first and last step of each piece; the first hours are never split."""
    piece = np.cumsum(counts) // PIECE
    piece[:FIRST_PHASES_END] = piece[FIRST_PHASES_END]
    starts = np.flatnonzero(np.diff(piece, prepend=-1)) + 1
    return ((int(a), int(b) - 1) for a, b in pairwise([*starts, STEPS + 1]))


def _genuine(rng: np.random.Generator, counts: Ints, first: int, last: int) -> Payments:
    parts, start = [], first
    for phase in PHASES:
        hours = np.arange(start, min(phase.until, last) + 1)
        if counts[hours - 1].any():
            parts.append(genuine(rng, phase, np.repeat(hours, counts[hours - 1])))
        start = max(start, phase.until + 1)
    return in_order(*parts)


def _between(crimes: Payments, first: int, last: int) -> Payments:
    return crimes.part(slice(*np.searchsorted(crimes.step, [first, last + 1])))


def _together(rng: np.random.Generator, payments: Payments, crimes: Payments) -> Payments:
    """Place frauds at random within their hours; a transfer and its cash-out stay side by side."""
    low = np.searchsorted(payments.step, crimes.step, side="left")
    high = np.searchsorted(payments.step, crimes.step, side="right")
    place = low + (rng.random(len(low)) * (high - low + 1)).astype(np.int64)
    second = np.flatnonzero(crimes.type == CASH_OUT)
    second = second[second > 0]
    paired = second[
        (crimes.type[second - 1] == TRANSFER) & (crimes.step[second - 1] == crimes.step[second])
    ]
    place[paired] = place[paired - 1]
    return Payments(
        *(
            np.insert(getattr(payments, name), place, getattr(crimes, name))
            for name in Payments.__dataclass_fields__
        )
    )


def _batch(rng: np.random.Generator, payees: Payees, payments: Payments) -> pa.RecordBatch:
    n = len(payments.step)
    merchant = payments.type == PAYMENT
    mule = payments.fraud & (payments.type == TRANSFER)
    name, before, after = rng.integers(0, NAMES, n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    rows = np.flatnonzero(~merchant & ~mule)
    name[rows], before[rows], after[rows] = payees.receive(payments.part(rows))
    columns = [
        pa.array(payments.step, pa.int32()),
        pa.array(TYPES).take(pa.array(payments.type)),
        _units(payments.amount),
        _named("C", rng.integers(0, NAMES, n)),
        _units(payments.before),
        _units(payments.after),
        _named(_letters(merchant), name),
        _units(before),
        _units(after),
        pa.array(payments.fraud.astype(np.int8)),
        pa.array(payments.flagged.astype(np.int8)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COLUMNS)


def _units(cents: Cents) -> pa.Array:
    return pa.array(cents / 100)


def _letters(merchant: NDArray[np.bool_]) -> pa.Array:
    return pa.array(["C", "M"]).take(pa.array(merchant.astype(np.int8)))


def _named(letter: Any, number: Ints) -> pa.Array:
    return pc.binary_join_element_wise(letter, pa.array(number).cast(pa.string()), "")


def _writer(path: Path, suffix: str) -> Any:
    from pyarrow import csv, parquet

    if suffix == ".parquet":
        return parquet.ParquetWriter(path, COLUMNS)
    if suffix == ".csv":
        return csv.CSVWriter(path, COLUMNS)
    raise VouchError(f"--out: cannot write a {suffix!r} file", "name it .parquet or .csv")
