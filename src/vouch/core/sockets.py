"""Sockets that servers inherit."""

import socket


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; a port of 0 is any free one.

    The server inherits it, so nobody can take the port between choosing and using it.

    Args:
        host: An address of this machine.
        port: From 0 to 65535.

    Raises:
        OSError: It cannot be listened at, such as where the port is taken.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening
