"""What a search begins with: the settings of registered versions."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from vouch.core.files import read_json, write_json
from vouch.models.search_data import SearchData
from vouch.registry.earlier import earlier_settings

WINNERS = 3
"""How many settings of registered versions a search begins with, at most."""
Starts = dict[str, dict[str, Any]]
"""Choices by the version whose settings they make, in the order they are tried."""


def starts_of(journal: Path, state: Path, name: str, data: SearchData[Any]) -> Starts:
    """Return the choices a search begins with; noted beside its journal when it is first begun.

    Who is champion is no dependency of the stage: a search that goes on, or that is asked for
    again, begins as it did; the leaderboard says with what.

    Args:
        journal: The search's journal.
        state: The project's state folder.
        name: The registered model.
        data: The rows of the search and where it looks.
    """
    note = journal.with_suffix(".starts.json")
    if note.exists():
        return dict(read_json(note))
    starts: Starts = {}
    if not journal.exists():  # an earlier release's search began with none
        starts = _earlier(state, name, data)
    write_json(note, starts)
    return starts


def _earlier(state: Path, name: str, data: SearchData[Any]) -> Starts:
    starts: Starts = {}
    for version, candidate in earlier_settings(state, name, _most(data)).items():
        # settings of an earlier release, or of a learner that is not searched now, have none
        with suppress(LookupError):
            if candidate["algorithm"] in data.search.algorithms and (
                choices := data.space.choices(candidate)
            ):
                starts[version] = choices
    return starts


def _most(data: SearchData[Any]) -> int:
    """Return how many leave the budget room for each algorithm's default, but at least one."""
    trials = data.search.budget.trials
    room = WINNERS if trials is None else trials - len(data.search.algorithms)
    return max(min(room, WINNERS), 1)
