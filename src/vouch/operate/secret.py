"""The secrets of a project's servers, kept where only the project's owner reads: ``.vouch``."""

import hashlib
import os
import secrets
import time
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.project.paths import STATE

LIFETIME = 3600.0
"""Seconds within which a link must be opened."""
TOKEN = 43
"""Letters of a link's token: 256 random bits."""


def private(folder: Path) -> Path:
    """Make a folder that only its owner enters, or close one that is there.

    Args:
        folder: Which.

    Returns:
        The folder.

    Raises:
        VouchError: It belongs to somebody else, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise VouchError(
            f"{folder}: cannot be closed to other users: {error.strerror}",
            f"let it be yours: chown -R $USER {folder}",
        ) from None
    return folder


def renew(root: Path) -> str:
    """Write a new secret for the servers that are about to start; the one before is void.

    Args:
        root: The project's folder.

    Returns:
        ``vouch:`` and 256 random bits, as basic authentication sends it.
    """
    secret = f"vouch:{secrets.token_urlsafe(32)}"
    place = _place(root)
    private(place.parent)
    draft = place.with_suffix(".new")
    draft.unlink(missing_ok=True)
    _write(draft, secret)
    draft.replace(place)
    return secret


def current(root: Path) -> str:
    """Read the secret of the servers that run.

    Args:
        root: The project's folder.

    Raises:
        VouchError: There is none.
    """
    try:
        return _place(root).read_text().strip()
    except OSError as error:
        raise VouchError(
            f"{_place(root)}: the servers' secret cannot be read: {error.strerror}",
            "start the servers again: vouch up",
        ) from None


def host(root: Path) -> str:
    """Return the name that browsers call the project's pages by, new with each secret.

    Cookies ignore ports: those of a name that nobody else serves go to nobody else. Browsers
    resolve every name that ends in ``.localhost`` to this machine.

    Args:
        root: The project's folder.
    """
    return f"vouch-{hashlib.sha256(current(root).encode()).hexdigest()[:16]}.localhost"


def new_link(root: Path) -> str:
    """Write down a token that opens the pages once, within the hour.

    Args:
        root: The project's folder.

    Returns:
        The token; only its digest is kept.
    """
    token = secrets.token_urlsafe(32)
    _write(private(_links(root)) / _digest(token), "")
    return token


def take_link(root: Path, token: str) -> bool:
    """Use up a token.

    Args:
        root: The project's folder.
        token: As it came with a request.

    Returns:
        Whether it was made within the hour and not used before.
    """
    place = _links(root) / _digest(token)
    try:
        created = place.stat().st_mtime
        place.unlink()  # of two who come at once only one succeeds
    except FileNotFoundError:
        return False
    return 0 <= time.time() - created + 1 < LIFETIME


def forget_links(root: Path) -> None:
    """Void every link that was not opened."""
    for place in _links(root).glob("*"):
        place.unlink(missing_ok=True)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _place(root: Path) -> Path:
    return root / STATE / "servers.secret"


def _links(root: Path) -> Path:
    return root / STATE / "links"


def _write(place: Path, content: str) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
