"""This machine's own addresses: listening on them, and asking them without any proxy."""

import importlib.util
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from vouch.core import sockets
from vouch.core.errors import VouchError

ADDRESS = "127.0.0.1"
HERE = (ADDRESS, "localhost", "::1")


def direct(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which this machine is never asked through a proxy.

    Args:
        environment: Variables of a process, such as ``HTTP_PROXY`` and ``NO_PROXY``.

    Returns:
        The same with this machine's names in ``NO_PROXY`` and ``no_proxy``; without SOCKS proxies
        where no library can use them, since httpx fails at the mere sight of one.
    """
    names = [
        name.strip()
        for key in ("no_proxy", "NO_PROXY")
        for name in environment.get(key, "").split(",")
        if name.strip()
    ]
    spared = ",".join(dict.fromkeys([*names, *HERE]))
    return {
        **{k: v for k, v in environment.items() if not _unusable(k, v)},
        "NO_PROXY": spared,
        "no_proxy": spared,
    }


def _unusable(name: str, value: str) -> bool:
    is_socks = name.lower().endswith("_proxy") and value.lower().startswith("socks")
    return is_socks and importlib.util.find_spec("socksio") is None


def spare() -> None:
    """Exempt this machine's addresses from the proxy, for this process and those it starts."""
    environment = direct(os.environ)
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone; a port of 0 is any free one.

    Args:
        port: From 0 to 65535.

    Raises:
        OSError: The port is taken.
    """
    return sockets.listen(ADDRESS, port)


def listen_at(option: str, port: int) -> socket.socket:
    """Return a socket that listens on the port that an option names.

    Args:
        option: The option, for the error.
        port: From 1 to 65535.

    Raises:
        VouchError: The port is taken, or not for this user.
    """
    try:
        return listen(port)
    except PermissionError:
        raise VouchError(
            f"{option}: port {port} is not for every user", f"name one from 1024: {option} N"
        ) from None
    except OSError:
        raise VouchError(
            f"{option}: something listens on port {port} already",
            f"end it, or name another port: {option} N",
        ) from None


def listens(path: str) -> bool:
    """Return whether a server listens at a socket file.

    Args:
        path: The file, as short as it can be said: the system takes 107 letters.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def trouble(url: str) -> str:
    """Return why a server does not answer that all is well; empty if it does.

    Args:
        url: The address, asked through a proxy only if it is not this machine's.
    """
    try:
        with _opener(url).open(url, timeout=5) as reply:
            return "" if reply.status == 200 else f"it answers with status {reply.status}"
    except urllib.error.HTTPError as error:
        return f"it answers with status {error.code}{_way(url)}"
    except urllib.error.URLError as error:
        return f"{error.reason}{_way(url)}"
    except (OSError, ValueError) as error:  # an answer that stops halfway or is no HTTP
        return f"{error or type(error).__name__}{_way(url)}"


def is_here(url: str) -> bool:
    """Return whether an address is this machine's own."""
    return urlsplit(url).hostname in HERE


def _opener(url: str) -> urllib.request.OpenerDirector:
    if is_here(url):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def _way(url: str) -> str:
    """Return which proxy of the environment stands between, for an error."""
    name = urlsplit(url).hostname or ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(urlsplit(url).scheme)
    if is_here(url) or not proxy or urllib.request.proxy_bypass(name):
        return ""
    parts = urlsplit(proxy)
    return f", asked through the proxy {parts.hostname}:{parts.port} (HTTP_PROXY, NO_PROXY)"
