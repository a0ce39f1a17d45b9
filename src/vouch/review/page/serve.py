"""The review page as a server of its own."""

import socket
import sys
from pathlib import Path

import uvicorn

from vouch.project.paths import STATE
from vouch.review.page.app import create
from vouch.review.page.reach import LOOPBACK, Reach


def serve(root: Path, reach: Reach, descriptor: int) -> None:
    """Serve the page on a socket that listens already.

    Args:
        root: The project's folder.
        reach: How browsers reach it.
        descriptor: The socket's number.
    """
    cookie = f"vouch_review_{reach.port}"
    page = create(root, root / STATE, reach.hosts, secure=reach.secure, cookie=cookie)
    config = uvicorn.Config(
        page,
        access_log=False,  # it would keep links
        log_level="info",
        server_header=False,
        ssl_certfile=reach.certificate,
        ssl_keyfile=reach.key,
        # who asks is what the declared proxy says, and nobody else
        proxy_headers=bool(reach.public),
        forwarded_allow_ips=LOOPBACK,
    )
    uvicorn.Server(config).run([socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    serve(Path(), Reach.model_validate_json(sys.argv[1]), int(sys.argv[2]))
