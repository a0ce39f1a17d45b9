"""A desk with cases on it."""

from datetime import datetime

import pytest

from vouch.review.queue import Case


def make_case(number: int = 1, **changes) -> Case:
    values = {
        "case": f"fraud-{number:012x}",
        "usecase": "fraud",
        "origin": "simulated",
        "entity": f"row-{number}",
        "stream": "margin",
        "propensity": None,
        "model": "fraud-simulated:1",
        "scores": [0.4, 0.6],
        "prediction": 1,
        "classes": None,
        "facts": {"amount": 12.5, "type": "TRANSFER"},
        "reasons": [("amount is 12.5", 0.3), ("type is TRANSFER: yes", -0.1)],
        "poor": False,
        "out_at": datetime(2026, 1, 1),
    }
    return Case(**(values | changes))


@pytest.fixture
def case():
    return make_case
