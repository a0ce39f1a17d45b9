"""People's decisions about champions: into the log, and MLflow's alias follows it."""

from functools import partial
from pathlib import Path

from vouch.register.promotions import Change, Promotion, history, record, record_rollback
from vouch.register.registry import CHAMPION, find, set_alias, versions


def promote(state: Path, name: str, which: str, why: str, who: str = "") -> tuple[Promotion, bool]:
    """Make a version the champion; where it is already, nothing changes.

    Args:
        state: The project's state folder.
        name: The registered model.
        which: A number, or an alias such as ``challenger``.
        why: The reason, not empty.
        who: Who decided; empty: the operating system's user.

    Returns:
        The log's entry that made it champion, and whether it is new.

    Raises:
        VouchError: No such model or version, a file of it is not as registered, or no reason.
    """
    version = find(state, name, which)
    _ = version.folder  # what was altered since it was registered becomes no champion
    if CHAMPION in version.aliases:
        return history(state, name)[-1], False
    change = Change(name, version.number, "manual", why, who=who)
    return record(state, change, partial(set_alias, state, name, CHAMPION)), True


def rollback(state: Path, name: str, why: str) -> Promotion:
    """Return to the champion before the present one.

    Args:
        state: The project's state folder.
        name: The registered model.
        why: The reason, not empty.

    Raises:
        VouchError: No such model, no champion before, it is no longer in MLflow, or no reason.
    """
    versions(state, name)  # raises for an unknown name
    return record_rollback(state, name, why, partial(set_alias, state, name, CHAMPION))
