"""People's decisions about champions: the log first, then MLflow's alias follows it."""

from pathlib import Path

from vouch.register.promotions import Change, Promotion, record, record_rollback
from vouch.register.registry import CHAMPION, find, set_alias, versions


def promote(state: Path, name: str, which: str, why: str, who: str = "") -> Promotion:
    """Make a version the champion.

    Args:
        state: The project's state folder.
        name: The registered model.
        which: A number, or an alias such as ``challenger``.
        why: The reason, not empty.
        who: Who decided; empty: the operating system's user.

    Raises:
        VouchError: No such model or version, it is champion already, or no reason.
    """
    version = find(state, name, which)
    entry = record(state, Change(name, version.number, "manual", why, who=who))
    set_alias(state, version, CHAMPION)
    return entry


def rollback(state: Path, name: str, why: str) -> Promotion:
    """Return to the champion before the present one.

    Args:
        state: The project's state folder.
        name: The registered model.
        why: The reason, not empty.

    Raises:
        VouchError: No such model, no champion before, or no reason.
    """
    versions(state, name)  # an unknown name is told before the log is asked
    entry = record_rollback(state, name, why)
    set_alias(state, find(state, name, str(entry.to_version)), CHAMPION)
    return entry
