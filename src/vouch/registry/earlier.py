"""Settings of registered versions, from which the next search begins."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.registry.digests import dvc_digest
from vouch.registry.versions import CHAMPION, names, versions


def earlier_settings(state: Path, name: str, train: Path, count: int) -> dict[str, dict[str, Any]]:
    """Return the settings that won earlier searches: the champion's, then the newest others'.

    Args:
        state: The project's state folder.
        name: The registered model.
        train: Gold training rows; versions that learned from the same ones are left out, so that a
            stage that runs again on its rows begins as it did before.
        count: How many distinct ones, at most.

    Returns:
        By version, such as ``fraud-simulated:3``, the candidate as JSON. A version whose files
        cannot be read is left out.
    """
    if name not in names(state):
        return {}
    newest, rows = versions(state, name)[::-1], dvc_digest(train)
    settings: dict[str, dict[str, Any]] = {}
    for version in sorted(newest, key=lambda each: CHAMPION not in each.aliases):
        with suppress(VouchError):
            candidate = read_json(version.model / "candidate.json")["candidate"]
            same_rows = rows in version.lineage.digests.values()
            if not same_rows and candidate not in settings.values() and len(settings) < count:
                settings[str(version)] = candidate
    return settings
