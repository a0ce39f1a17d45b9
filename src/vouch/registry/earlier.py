"""Settings of registered versions, from which the next search begins."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.registry.versions import CHAMPION, versions_if_any


def earlier_settings(state: Path, name: str, count: int) -> dict[str, dict[str, Any]]:
    """Return the settings that won earlier searches: the champion's, then the newest others'.

    Args:
        state: The project's state folder.
        name: The registered model.
        count: How many distinct ones, at most.

    Returns:
        By version, such as ``fraud-simulated:3``, the candidate as JSON. A version whose files
        cannot be read is left out.
    """
    newest = versions_if_any(state, name)[::-1]
    settings: dict[str, dict[str, Any]] = {}
    for version in sorted(newest, key=lambda each: CHAMPION not in each.aliases):
        if len(settings) == count:
            break
        with suppress(VouchError):
            candidate = read_json(version.model / "candidate.json")["candidate"]
            if candidate not in settings.values():
                settings[str(version)] = candidate
    return settings
