"""People's decisions about champions: into the log, and MLflow's alias follows it."""

from functools import partial
from pathlib import Path
from typing import Literal

from vouch.core.errors import VouchError
from vouch.holdout.blind import refusal
from vouch.registry.promotions import (
    Change,
    Promotion,
    by_hand,
    history,
    is_of,
    record,
    record_rollback,
    standing,
)
from vouch.registry.versions import CHAMPION, find, set_alias, versions


def promote(
    state: Path,
    name: str,
    which: str,
    why: str,
    who: str = "",
    instead_of: int | Literal["any"] | None = "any",
) -> tuple[Promotion, bool]:
    """Make a version the champion; nothing changes if it already is.

    Args:
        state: The project's state folder.
        name: The registered model.
        which: A number, or an alias such as ``challenger``.
        why: The reason, not empty.
        who: Who decided; empty: the operating system's user.
        instead_of: The champion the decision was made against, see :class:`Change`.

    Returns:
        The log's entry that made it champion, and whether it is new.

    Raises:
        VouchError: No such model or version, a file of it is not as registered, another champion
            meanwhile, or no reason; or its use case is blind, or it was registered blind.
    """
    version = find(state, name, which)
    _ = version.folder  # what was altered since it was registered becomes no champion
    if version.lineage.blind and not refusal(state, version.lineage.usecase):
        raise VouchError(
            f"{version} is not promoted: it was registered while blind, with blinded figures",
            f"vouch run {version.lineage.usecase} registers it with its true ones",
        )
    change = Change(
        name,
        version.number,
        "manual",
        why,
        who=who,
        model_id=version.model_id,
        instead_of=instead_of,
    )
    return record(state, version.lineage.usecase, change, partial(set_alias, state, name, CHAMPION))


def rollback(state: Path, name: str, why: str, leave: int | None = None) -> Promotion:
    """Return to the champion before the present one.

    Args:
        state: The project's state folder.
        name: The registered model.
        why: The reason, not empty.
        leave: The champion to be left; with it the same call twice goes back once.

    Raises:
        VouchError: No such model, no champion before, it is no longer in MLflow or not as
            registered, another champion than ``leave``, or no reason.
    """
    versions(state, name)  # raises for an unknown name
    stack = standing(history(state, name))
    if len(stack) > 1 and leave in (None, stack[-1].to_version):
        leave = stack[-1].to_version
        _check_files(state, stack[-2])
    follow = partial(set_alias, state, name, CHAMPION)
    return record_rollback(state, name, why, follow, leave)


def _check_files(state: Path, entry: Promotion) -> None:
    """Check that the version an entry made champion exists, with its own files."""
    version = find(state, entry.name, str(entry.to_version))
    if not is_of(entry, version.number, version.model_id):
        raise VouchError(
            f"{version}, the champion before, was model {entry.model_id}; MLflow's version "
            f"{version.number} is another one",
            f"promote the version you want: {by_hand(entry.name)}",
        )
    _ = version.folder
