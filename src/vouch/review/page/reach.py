"""Where the review page is: on this machine alone, unless something encrypts what it sends."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from vouch.core import sockets
from vouch.core.errors import VouchError

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")


class Reach(BaseModel):
    """Where the review page listens, and how browsers reach it.

    Attributes:
        host: The address it listens at; another machine reaches it at ``0.0.0.0`` or its own.
        port: The port.
        certificate: TLS certificate (PEM), with which it speaks https itself.
        key: The certificate's key (PEM).
        public: The https address that a proxy serves it at, such as
            ``https://review.example.org``.
    """

    host: str = LOOPBACK
    port: int = 8766
    certificate: Path | None = None
    key: Path | None = None
    public: str | None = None

    def check(self) -> None:
        """Check that nobody between can read passwords.

        Raises:
            VouchError: It would listen beyond this machine without TLS, or a file is missing.
        """
        if bool(self.certificate) != bool(self.key):
            raise VouchError("--review-cert and --review-key: one without the other", "give both")
        for option, path in (("--review-cert", self.certificate), ("--review-key", self.key)):
            if path and not path.is_file():
                raise VouchError(f"{option}: {path}: no such file", "check the path")
        if self.public and (urlsplit(self.public).scheme != "https" or not self._public_host):
            raise VouchError(
                f"--review-public: got {self.public!r}", "such as https://review.example.org"
            )
        if self.host != LOOPBACK and not self.certificate and not self.public:
            raise VouchError(
                f"--review-host: {self.host}: passwords would cross the network in plain",
                "give --review-cert and --review-key, or --review-public where a proxy encrypts",
            )

    @property
    def _public_host(self) -> str:
        return urlsplit(self.public or "").netloc.lower()

    @property
    def secure(self) -> bool:
        """Whether browsers speak https."""
        return bool(self.certificate or self.public)

    @property
    def url(self) -> str:
        """The address people open."""
        host = LOOPBACK if self.host == "0.0.0.0" else self.host
        own = f"http{'s' if self.certificate else ''}://{host}:{self.port}"
        return (self.public or own).rstrip("/")

    @property
    def hosts(self) -> list[str]:
        """The names, with ports, it may be called by."""
        if self.public:
            return [self._public_host.removesuffix(":443")]
        names = {*NAMES, self.host, socket.gethostname().lower(), socket.getfqdn().lower()}
        usual = 443 if self.certificate else 80  # which browsers leave out
        bare = {name for name in names if self.port == usual}
        return sorted(
            {f"[{n}]:{self.port}" if ":" in n else f"{n}:{self.port}" for n in names} | bare
        )


def listen(reach: Reach) -> socket.socket:
    """Return the socket that the page listens on.

    Raises:
        VouchError: The address cannot be listened at.
    """
    try:
        return sockets.listen(reach.host, reach.port)
    except OSError as error:
        raise VouchError(
            f"--review-port: {reach.host}:{reach.port}: {error.strerror}", "choose another one"
        ) from None
