"""Blinded figures: one hidden offset a metric, so that differences are true and values are not.

As in particle physics (Klein and Roodman 2005, Blind analysis in nuclear and particle physics,
Annual Review of Nuclear and Particle Science 55; MacCoun and Perlmutter 2015, Hide results to seek
the truth, Nature 526): while an analysis is developed its result carries an offset that nobody
knows, and nobody can steer by the value. Candidates can still be compared, since all figures of a
metric carry the same offset.

The exact ends of an interval would tell the offset: those of a share follow from the value and the
number of rows, which is no secret, so either end's distance determines the value. So a blinded
interval lies evenly around its value; its width is taken on the scale of the arcsine of the root,
on which that of a share does not depend on the share (Anscombe 1948, The transformation of Poisson,
binomial and negative-binomial data, Biometrika 35), and rounded up to a power of two.
"""

import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from vouch.metrics.figures import Figure

REACH = 32.0
"""Offsets are drawn evenly from -REACH to REACH: what lies between 0 and 1 could lie anywhere."""
NARROWEST = 2.0**-10
"""Half the width of the narrowest blinded interval."""
NONCE = 32
"""Bytes from which a period's offsets follow."""
BLOCK = 512
"""Bytes of which the length of sealed figures is a multiple: those of a trial fit into one."""
SHARES = frozenset(
    [
        *("average_precision", "roc_auc", "precision_at_capacity"),
        *("macro_recall", "macro_f1", "accuracy"),
    ]
)
"""Metrics between 0 and 1, which an offset hides; of money and counts it would hide nothing."""


@dataclass(frozen=True)
class Blinding:
    """A blind period of a use case.

    Attributes:
        usecase: Whose figures are hidden.
        nonce: Random bytes from which the offsets follow; a secret until the period is over.
    """

    usecase: str
    nonce: bytes = field(repr=False)

    @property
    def period(self) -> str:
        """What the period is called: the first 12 digits of its commitment."""
        return self.commitment[:12]

    @property
    def commitment(self) -> str:
        """SHA-256 of the nonce: it tells nothing of it, and that it was this one all along."""
        return sha256(self.nonce).hexdigest()

    def offset(self, metric: str) -> float:
        """Return the offset of a metric's figures, from -REACH to REACH."""
        code = hmac.digest(self.nonce, f"offset {self.usecase} {metric}".encode(), "sha256")
        return (int.from_bytes(code[:8], "big") / 2**63 - 1) * REACH

    def value(self, metric: str, value: float) -> float:
        """Return a value of a metric with its offset."""
        return value + self.offset(metric)

    def interval(self, metric: str, value: float, ends: Sequence[float]) -> list[float]:
        """Return an interval around a blinded value that covers the true one, shifted.

        A share changes by no more than the arcsine of its root, so what covers the one covers both.

        Args:
            metric: Of what.
            value: The true value, 0 to 1.
            ends: The true interval, likewise.
        """
        reach = max(abs(_angle(end) - _angle(value)) for end in ends)
        half = 2.0 ** math.ceil(math.log2(max(reach, NARROWEST)))
        middle = self.value(metric, value)
        return [middle - half, middle + half]

    def figure(self, metric: str, figure: Figure) -> Figure:
        """Return a figure with its offset; what is undefined stays so."""
        value, ends = figure["value"], figure["interval"]
        if value is None:
            return {"value": None, "interval": None}
        interval = None if ends is None else self.interval(metric, value, ends)
        return {"value": self.value(metric, value), "interval": interval}

    def seal(self, content: object) -> str:
        """Encrypt true figures beside blinded ones: what JSON holds, as hexadecimal digits.

        They are padded to a multiple of ``BLOCK`` bytes: 1.0 has fewer digits than other figures,
        and the length would tell it.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        plain = json.dumps(content).encode()
        padded = plain.ljust(math.ceil(len(plain) / BLOCK) * BLOCK)  # spaces, which JSON ignores
        return AESSIV(self._key()).encrypt(padded, None).hex()

    def open(self, sealed: str) -> Any:
        """Decrypt what :meth:`seal` wrote.

        Raises:
            InvalidTag: It was changed, or sealed in another period.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        return json.loads(AESSIV(self._key()).decrypt(bytes.fromhex(sealed), None))

    def _key(self) -> bytes:
        return hmac.digest(self.nonce, f"true figures {self.usecase}".encode(), "sha512")


def _angle(share: float) -> float:
    return math.asin(math.sqrt(min(max(share, 0.0), 1.0)))


@dataclass(frozen=True)
class Periods:
    """All blind periods of a use case.

    Attributes:
        now: The one in force; None: figures are shown as they are.
        known: Every period by its name, the one in force among them.
    """

    now: Blinding | None = None
    known: Mapping[str, Blinding] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        """The name of the period in force; None where there is none."""
        return self.now.period if self.now else None
