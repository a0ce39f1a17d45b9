"""Encrypting the holdout, and the offsets of blinded figures (:mod:`vouch.holdout.blind`).

Of all rooms only this one imports the module.

AES-SIV (RFC 5297) is deterministic, so the same holdout is the same bytes for DVC, and it is
authenticated, so a changed byte is noticed.

The key is made once. Its fingerprint stands in ``data/holdouts.json``, so neither another key nor a
new one takes its place unseen.
"""

import hmac
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from vouch.core.errors import PassingError, VouchError
from vouch.core.files import replacing
from vouch.holdout import witness
from vouch.results.holdouts import LOST

KEY = "holdout.key"
BITS = 512
HEADER = b"vouch sealed holdout 1\n"
PADDED = b"vouch sealed holdout 2\n"
"""Begins a sealed file whose length tells little; earlier releases wrote ``HEADER``."""
LENGTH = 8
"""Bytes before the content that tell its length."""
BLOCK = 512
"""Bytes that a sealed file has at least, and of which it has a multiple."""
SEALED = ("data/bronze/*/labels.sealed", "data/gold/*/holdout.sealed")
"""What the stages seal, below the project's folder."""
DECISIONS = "data/labels/*/reviews/*.parquet"
"""Batches of people's decisions, of which some may be sealed."""
AGAIN = "seal it again: delete the file and run the stage {stage}"


def seal(key: bytes, plain: Path, sealed: Path) -> None:
    """Encrypt a file; the same bytes and key give the same bytes.

    Args:
        key: 64 bytes of :func:`make_key`.
        plain: The file to seal, below 2 GiB.
        sealed: Where to write it.
    """
    seal_bytes(key, plain.read_bytes(), sealed)


def seal_bytes(key: bytes, plain: bytes, sealed: Path) -> None:
    """Encrypt what never was a file; see :func:`seal`."""
    whole = len(plain).to_bytes(LENGTH) + plain
    content = AESSIV(key).encrypt(whole.ljust(padded(len(whole)), b"\0"), [PADDED])
    with replacing(sealed) as draft:
        draft.write_bytes(PADDED + content)


def padded(length: int) -> int:
    """Return how many bytes a sealed content takes: how well labels compress would tell of them.

    A length keeps as many leading bits as its own number of bits needs, so it grows by 12% at most
    and tells one of a few sizes (Padmé: Nikitin et al. 2019, Reducing metadata leakage from
    encrypted files and communication with PURBs, PoPETs 2019(4)).

    Args:
        length: Bytes, at least 1.
    """
    bits = length.bit_length() - 1
    step = max(1 << max(bits - bits.bit_length(), 0), BLOCK)
    return -(-length // step) * step


def unseal(key: bytes, sealed: Path, stage: str = "extract") -> bytes:
    """Decrypt a sealed file.

    Args:
        key: The key it was sealed with.
        sealed: The file.
        stage: The stage that writes it, for messages.

    Returns:
        The plain bytes.

    Raises:
        VouchError: The file is missing, is no sealed holdout, was changed, or has another key.
    """
    try:
        content = sealed.read_bytes()
    except FileNotFoundError:
        raise VouchError(f"{sealed}: no such file", f"run the stage {stage} first") from None
    again, header = AGAIN.format(stage=stage), content[: len(HEADER)]
    if header not in (HEADER, PADDED):
        raise VouchError(f"{sealed}: not a sealed holdout", again)
    try:
        whole = AESSIV(key).decrypt(content[len(HEADER) :], [header])
    except (InvalidTag, ValueError):
        message = f"{sealed}: the file was changed, or sealed with another {KEY}"
        raise VouchError(message, f"bring back the {KEY} it was sealed with, or {again}") from None
    if header == HEADER:
        return whole
    return whole[LENGTH : LENGTH + int.from_bytes(whole[:LENGTH])]


class NotOursError(Exception):
    """What is to be decrypted was changed, or encrypted with another key or for another place."""


def encrypt(key: bytes, plain: bytes, bound: list[bytes]) -> bytes:
    """Encrypt a few bytes that belong to one place; the same ones give the same bytes.

    Args:
        key: 64 bytes of :func:`make_key`.
        plain: What to encrypt.
        bound: What the place is called: it is needed again to decrypt.
    """
    return AESSIV(key).encrypt(plain, [HEADER, *bound])


def decrypt(key: bytes, sealed: bytes, bound: list[bytes]) -> bytes:
    """Decrypt what :func:`encrypt` returned.

    Raises:
        NotOursError: It was changed, or encrypted with another key or for another place.
    """
    try:
        return AESSIV(key).decrypt(sealed, [HEADER, *bound])
    except (InvalidTag, ValueError):
        raise NotOursError from None


def seal_text(key: bytes, plain: bytes) -> str:
    """Encrypt a few bytes, as hexadecimal digits; see :func:`seal`."""
    return AESSIV(key).encrypt(plain, [HEADER]).hex()


def unseal_text(key: bytes, sealed: str, where: str) -> bytes:
    """Decrypt what :func:`seal_text` wrote.

    Args:
        key: The key it was sealed with.
        sealed: Hexadecimal digits.
        where: What it is, for the message.

    Raises:
        VouchError: It was changed, or has another key.
    """
    try:
        return AESSIV(key).decrypt(bytes.fromhex(sealed), [HEADER])
    except (InvalidTag, ValueError):
        message = f"{where}: was changed, or sealed with another {KEY}"
        raise VouchError(message, f"bring back the {KEY} it was sealed with") from None


def make_key(state: Path) -> bytes:
    """Read the project's key; make it on first use, readable by its owner alone.

    Args:
        state: The project's state folder.

    Returns:
        64 random bytes, the same on every call.

    Raises:
        VouchError: It is gone, though something was sealed with it, or is another one.
    """
    state.mkdir(parents=True, exist_ok=True)
    path, noted = state / KEY, witness.load(state).key
    if not path.exists():
        if noted != LOST:
            _check_unused(state, noted)
        _publish(path, AESSIV.generate_key(BITS))
    key = read_key(state)
    own = fingerprint(key)
    if noted in (None, LOST):
        witness.note_key(state, own)
    elif noted != own:
        raise PassingError(
            f"{path}: is another key ({own}) than the one that {witness.TRACKED} names ({noted})",
            _way_out(state),
        )
    return key


def fingerprint(key: bytes) -> str:
    """Return what tells a key from others, and nothing else of it: 16 hexadecimal digits."""
    return hmac.digest(key, b"fingerprint", "sha256").hex()[:16]


def lose_key(state: Path) -> None:
    """Note that the project's key is lost for good: the next one takes its place."""
    witness.note_key(state, LOST)


def _check_unused(state: Path, noted: str | None) -> None:
    """Check that nothing was sealed with a key that is not there."""
    sealed = (path for pattern in SEALED for path in sorted(state.parent.glob(pattern)))
    decisions = next(_sealed_decisions(state), None)
    trace = f"{witness.TRACKED} names it" if noted else ""
    if used := next(sealed, decisions):
        trace = f"{used.relative_to(state.parent)} was sealed with it"
    if trace:
        raise PassingError(f"{state / KEY}: no such file, but {trace}", _way_out(state))


def _sealed_decisions(state: Path) -> Iterator[Path]:
    for path in sorted(state.parent.glob(DECISIONS)):
        if "sealed" in pq.read_schema(path).names:
            column = pq.read_table(path, columns=["sealed"])["sealed"]
            if column.null_count < len(column):
                yield path


def _way_out(state: Path) -> str:
    more = " --decisions, as some are sealed with it" if any(_sealed_decisions(state)) else ""
    return (
        "bring the key back, from a copy or from a colleague; if it is lost for good, begin other "
        f"holdouts: vouch reset --forget-holdouts{more}"
    )


def read_key(state: Path) -> bytes:
    """Read the project's key.

    Args:
        state: The project's state folder.

    Raises:
        VouchError: There is none, or it is no key.
    """
    path = state / KEY
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        message = f"{path}: no such file, so the holdout cannot be opened"
        raise PassingError(message, _way_out(state)) from None
    if len(key) * 8 != BITS:
        raise PassingError(f"{path}: {len(key)} bytes, not {BITS // 8}", "bring back the true key")
    return key


def _publish(path: Path, key: bytes) -> None:
    """Put the whole key in place in one step; of two processes the first one's key stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
