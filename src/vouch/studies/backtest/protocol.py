"""The prequential protocol of the Fraud Detection Handbook (Le Borgne et al. 2022, ch. 5).

A fold's date is its first training day: seven days of training, seven in which labels arrive,
seven that are assessed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.metrics.ranked import average_precision, roc_auc

DAY = timedelta(days=1)
TRAIN, DELAY, ASSESS = 7 * DAY, 7 * DAY, 7 * DAY
CAPACITY = 100  # cards people can look at in a day


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        start: Its first training day, at midnight UTC.
    """

    start: datetime

    @property
    def trained(self) -> datetime:
        """Where the published training days end (exclusive)."""
        return self.start + TRAIN

    @property
    def assessed(self) -> datetime:
        """Where the assessed days begin: what was known then may be used."""
        return self.start + TRAIN + DELAY

    @property
    def end(self) -> datetime:
        """Where the assessed days end (exclusive)."""
        return self.assessed + ASSESS

    def days(self) -> Iterator[datetime]:
        """Yield each assessed day's midnight."""
        for day in range(ASSESS // DAY):
            yield self.assessed + day * DAY


def parse_folds(text: str) -> list[Fold]:
    """Read dates such as ``2018-07-11,2018-07-04``.

    Raises:
        VouchError: One is no date, or is listed twice.
    """
    folds = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            day = date.fromisoformat(word)
        except ValueError:
            raise VouchError(
                f"--folds: {word!r} is no date", "write dates as 2018-07-11,2018-07-04"
            ) from None
        folds.append(Fold(datetime(day.year, day.month, day.day)))
    if not folds:
        raise VouchError(f"--folds: no date in {text!r}", "write dates as 2018-07-11,2018-07-04")
    if len(set(folds)) < len(folds):
        raise VouchError(f"--folds: a date comes twice in {text!r}", "give each fold once")
    return folds


def check_folds(folds: Sequence[Fold], first: datetime, last: datetime, name: str) -> None:
    """Check that each fold's training and assessed days lie within the rows.

    Args:
        folds: The folds.
        first: Time of the first row.
        last: Time of the last row.
        name: The file, for messages.

    Raises:
        VouchError: A fold begins before the rows or ends after them; the message names the range.
    """
    earliest, latest = first.date(), (last - (TRAIN + DELAY + ASSESS - DAY)).date()
    for fold in folds:
        day = fold.start.date()
        if not earliest <= day <= latest:
            side = "early" if day < earliest else "late"
            allowed = (
                f"choose dates from {earliest} to {latest}"
                if earliest <= latest
                else "give a file of 21 days at least"
            )
            raise VouchError(
                f"--folds: {day} is too {side} for {name}, whose rows are of {first.date()} to "
                f"{last.date()}: a fold takes 21 days from its date",
                allowed,
            )


def assessed_rows(rows: pd.DataFrame, fold: Fold) -> NDArray[np.bool_]:
    """Choose a fold's assessed rows: those of customers not yet known for a fraud.

    As published, a customer is known on a day for a fraud from the fold's first training day on
    that happened a delay before the day began; earlier months are not looked at, so folds are the
    same whatever a model learned from.

    Args:
        rows: ``time``, ``payer`` and ``truth`` (0 or 1).
        fold: The fold.

    Returns:
        A mask over the rows.
    """
    frauds = rows.loc[(rows["truth"] == 1) & (rows["time"] >= fold.start), ["time", "payer"]]
    known_from = frauds.groupby("payer")["time"].min()
    first = rows["payer"].map(known_from).to_numpy(dtype="datetime64[us]")
    times = rows["time"].to_numpy(dtype="datetime64[us]")
    day = times.astype("datetime64[D]").astype("datetime64[us]")
    within = (times >= np.datetime64(fold.assessed)) & (times < np.datetime64(fold.end))
    fraudulent = first < day - np.timedelta64(DELAY // timedelta(microseconds=1), "us")
    return np.asarray(within & ~fraudulent)


def card_precision(rows: pd.DataFrame, capacity: int = CAPACITY) -> float:
    """Return the mean over days of the share of fraudulent cards among the riskiest ones.

    A card's score on a day is its highest; a card that was detected is not looked at again.

    Args:
        rows: ``time``, ``payer``, ``truth`` and ``score``.
        capacity: Cards looked at a day, at least 1.

    Returns:
        0 to 1; NaN without rows.
    """
    detected: set[str] = set()
    shares = []
    for _, day in rows.groupby(rows["time"].dt.floor("D"), sort=True):
        cards = day.groupby("payer", sort=True).agg({"score": "max", "truth": "max"})
        cards = cards[~cards.index.isin(detected)]
        top = cards.sort_values("score", ascending=False, kind="stable").head(capacity)
        caught = top.index[top["truth"] == 1]
        detected |= set(caught)
        shares.append(len(caught) / capacity)
    return float(np.mean(shares)) if shares else float("nan")


class Measures(TypedDict):
    """ROC AUC, average precision, and precision of the 100 riskiest cards of a day."""

    auc: float
    ap: float
    cp100: float


def measure(rows: pd.DataFrame) -> Measures:
    """Measure a fold's scores.

    Args:
        rows: The assessed rows: ``time``, ``payer``, ``truth`` and ``score``.

    Returns:
        ``auc``, ``ap`` and ``cp100``.
    """
    return {
        "auc": roc_auc(rows["truth"], rows["score"]),
        "ap": average_precision(rows["truth"], rows["score"]),
        "cp100": card_precision(rows),
    }
