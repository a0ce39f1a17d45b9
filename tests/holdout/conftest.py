"""Ledgers and questions."""

from datetime import datetime
from pathlib import Path

import pytest

from vouch.holdout.ledger import HoldoutKey, Inquiry, Ledger

KEY = HoldoutKey("fraud", "paysim", "0123456789ab", 1)
CUT = (datetime(2024, 1, 1), datetime(2024, 2, 1))


def inquiry(name: str, rival: str = "", model: str = "m", content: str = "rows", cost: int = 1):
    return Inquiry(f"{content} {model} {name}", rival, content, model, name, "mean", cost)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    book = Ledger(tmp_path / ".vouch")
    book.cut(KEY, lambda: CUT)
    return book
