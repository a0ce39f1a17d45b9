from datetime import datetime, timedelta

import ibis
import pandas as pd
import pytest

from vouch.engine import connect
from vouch.sources.declaration import Declaration

START = datetime(2024, 1, 1)
HISTORY = {
    "id": "string",
    "time": "timestamp(6)",
    "payer": "string",
    "payee": "string",
    "amount": "float64",
}
LABELS = {
    "entity": "string",
    "label": "int8",
    "source": "string",
    "issued_at": "timestamp(6)",
    "in_force": "boolean",
}


@pytest.fixture(scope="session")
def engine():
    with connect(threads=1) as backend:
        yield backend


def at(minutes):
    return START + timedelta(minutes=minutes)


def declare(columns=None, **changes):
    standard = {
        "key": {"role": "id"},
        "when": {"role": "time"},
        "from": {"role": "payer"},
        "to": {"role": "payee"},
        "money": {"role": "amount"},
        "bad": {"role": "label", "optional": True},
    }
    base = {"name": "shop", "format": "csv", "columns": columns or standard}
    return Declaration.model_validate(base | {"windows": ["3m", "10m"]} | changes)


def history(rows):
    """Rows of id, minute, payer, payee, amount."""
    moved = [(key, at(minute), *rest) for key, minute, *rest in rows]
    return ibis.memtable(pd.DataFrame(moved, columns=list(HISTORY)), schema=ibis.schema(HISTORY))


def labels(issues):
    """Issues of entity, label, source, minute issued, in force."""
    moved = [(*row[:3], at(row[3]), row[4]) for row in issues]
    return ibis.memtable(pd.DataFrame(moved, columns=list(LABELS)), schema=ibis.schema(LABELS))


def compute(engine, table, found):
    frame = engine.to_pandas(table).set_index("id")
    return frame[[feature.name for feature in found]].sort_index()
