from datetime import datetime, timedelta

import ibis
import pandas as pd
import pytest

from vouch.engine import connect
from vouch.labels import issues as labels
from vouch.sources.declaration import Declaration
from vouch.usecases import find

START = datetime(2024, 1, 1)


@pytest.fixture(scope="session")
def engine():
    with connect(threads=1) as backend:
        yield backend


def declare(**changes):
    columns = {
        "key": {"role": "id"},
        "when": {"role": "time"},
        "money": {"role": "amount"},
        "bad": {"role": "label", "optional": True},
    }
    return Declaration.model_validate(
        {"name": "shop", "format": "csv", "columns": columns} | changes
    )


def silver(rows):
    """Rows of id, minutes after the start, amount, label; others may follow as a mapping."""
    frame = pd.DataFrame(
        [
            {
                "id": row[0],
                "time": START + timedelta(minutes=row[1]),
                "amount": row[2],
                "label": row[3],
                "known_at": START + timedelta(minutes=row[1]),
                "superseded_at": None,
                **(row[4] if len(row) > 4 else {}),
            }
            for row in rows
        ]
    )
    schema = ibis.schema(
        {
            "id": "string",
            "time": "timestamp(6)",
            "amount": "float64",
            "label": "int8",
            "known_at": "timestamp(6)",
            "superseded_at": "timestamp(6)",
        }
    )
    frame["superseded_at"] = pd.to_datetime(frame["superseded_at"])
    return ibis.memtable(frame[list(schema)], schema=schema)


def issues(rows, declaration, *rest):
    """Issue labels as the declaration's use case does."""
    return labels.issues(rows, declaration, find(declaration.usecase), *rest)
