"""The keeper: the only one who opens the sealed holdout."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from vouch.files import sha256
from vouch.holdout import sealed as box
from vouch.holdout.ledger import Cut, HoldoutKey, Ledger

__all__ = ["Cut", "HoldoutKey", "Keeper"]


class Keeper:
    """Cuts, seals and asks the holdout.

    Args:
        state: The project's state folder: key and ledger are in it.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._ledger = Ledger(state)

    def cut(self, key: HoldoutKey, propose: Callable[[], tuple[datetime, datetime] | None]) -> Cut:
        """Give the recorded cut, or record the proposed one: a holdout is cut once.

        Args:
            key: Which holdout.
            propose: Computes boundary and until (UTC, both inclusive), or None where rows have no
                time and are split by hash; called only if nothing is recorded.
        """
        return self._ledger.cut(key, propose)

    def seal(self, plain: Path, sealed: Path) -> str:
        """Encrypt the holdout; the same rows are the same bytes. Removing ``plain`` is up to you.

        Args:
            plain: The holdout's rows, Parquet, in the columns of ``train.parquet``.
            sealed: Where to write the sealed file.

        Returns:
            The ``holdout_id``: digest of the sealed file, 64 hexadecimal digits.
        """
        box.seal(box.make_key(self._state), plain, sealed)
        return sha256(sealed)
