"""A fresh holdout when the old one's budget is spent, or else when there will be one."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Literal

from vouch.core.database import exists
from vouch.core.errors import VouchError
from vouch.core.settings import load_params
from vouch.holdout.ledger import HoldoutKey, Ledger
from vouch.project.inputs import INPUTS, Choice, load_inputs
from vouch.project.rotation import rotate
from vouch.project.stages import find
from vouch.results.evaluate import HoldoutStatus
from vouch.results.extract import Extracted
from vouch.usecases.params import EvaluateParams


@dataclass(frozen=True)
class Renewal:
    """The outcome of a renewal.

    Attributes:
        status: ``open`` (it still answers), ``rotated`` (the next extract cuts a fresh one) or
            ``waiting`` (it is spent, and nothing fresh is there yet).
        said: The same in a sentence, with what is missing.
        missing: How many newer rows a fresh one still needs; None if unknown.
        expected: About when they will have come (ISO, data time); None likewise.
    """

    status: Literal["open", "rotated", "waiting"]
    said: str
    missing: int | None = None
    expected: str | None = None


def renew(root: Path, state: Path, usecase: str) -> Renewal:
    """Rotate to a fresh holdout if the present one is spent and newer rows have filled one.

    A rotation that is recorded and was stopped before it was written is written.

    Args:
        root: The project's folder; extract has run on what is known by now.
        state: The project's state folder: the ledger is in it.
        usecase: Whose holdout.
    """
    choice = load_inputs(root / INPUTS).choice(usecase)
    entry = _entry(state, usecase, choice)
    if entry is None or entry["status"] == "open":
        rest = "" if entry is None or entry["left"] is None else f": {entry['left']} questions left"
        return Renewal("open", f"The holdout still answers{rest}.")
    params = root / "params.yaml"
    few = load_params(params, EvaluateParams, "evaluate", usecase).min_positives
    try:
        rotation = rotate(root, usecase, few)
    except VouchError as error:
        return _waiting(root, usecase, few, error)
    return Renewal(
        "rotated", f"The holdout was {entry['status']}: generation {rotation.generation} opens."
    )


def _entry(state: Path, usecase: str, choice: Choice) -> HoldoutStatus | None:
    if not exists(state):
        return None
    return Ledger(state).find(HoldoutKey(usecase, choice.source, choice.set, choice.generation))


def _waiting(root: Path, usecase: str, few: int, error: VouchError) -> Renewal:
    summary = root / find("extract").outputs["summary"].format(usecase=usecase)
    missing, expected = forecast(Extracted.read(summary), _newest(root, usecase), few)
    text = f"The holdout is spent and no fresh one can be opened: {error}."
    if missing is not None:
        text += f" {missing:,} newer rows are missing"
        text += f"; at the present rate they are there about {expected[:10]}." if expected else "."
    return Renewal("waiting", f"{text} Try: {error.hint}.", missing, expected)


def _newest(root: Path, usecase: str) -> datetime | None:
    """Find the newest row's time; None where rows have none."""
    from vouch.engine import connect

    path = root / find("validate").outputs["rows"].format(usecase=usecase)
    with connect() as engine:
        rows = engine.read_parquet(path)
        newest = rows.time.max().to_pyarrow().as_py() if "time" in rows.columns else None
    return newest if newest is None else newest.replace(tzinfo=None)


def forecast(
    extracted: Extracted, newest: datetime | None, few: int
) -> tuple[int | None, str | None]:
    """Return how many newer rows a fresh holdout needs yet, and about when they will have come.

    The share of positives is the training rows'; the rate of rows that since it ended, or else its
    own. Of the rows that come, the extract's reserve is kept for the fresh one.

    Args:
        extracted: Extract's result.
        newest: The newest row's time (UTC).
        few: How many positives a holdout must be expected to have.

    Returns:
        Rows (0 or more) and an ISO time; each None where unknown: rows without times,
        training rows without positives, a holdout of a single moment, or (the time) beyond the
        calendar's last year.
    """
    rows, share = extracted.rows, extracted.share()
    boundary, until = extracted.boundary, extracted.until
    if boundary is None or until is None or newest is None or not share:
        return None, None
    fresh = max(ceil(few / share) - rows["reserved"], 0)
    missing = ceil(fresh / (extracted.reserve or 1))  # only so many of them are kept
    begin, came = until, rows["newer"] + rows["reserved"]
    if not came:
        begin, came = boundary, rows["holdout"]
    span = newest - datetime.fromisoformat(begin).replace(tzinfo=None)
    if not span:
        return missing, None
    try:
        return missing, (newest + span * (missing / came)).isoformat()
    except OverflowError:  # so late that the calendar does not have it
        return missing, None
