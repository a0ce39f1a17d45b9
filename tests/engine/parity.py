"""The same rows on both engines: payments that are odd in every way, and their labels."""

import numpy as np
import pandas as pd

from tests.stages.extract.conftest import START, declare
from vouch.usecases.fraud.features.table import features

COLUMNS = {
    "key": {"role": "id"},
    "when": {"role": "time"},
    "from": {"role": "payer"},
    "to": {"role": "payee"},
    "money": {"role": "amount"},
    "bad": {"role": "label", "optional": True},
    "kind": {"role": "category"},
    "points": {"role": "number"},
    "o1": {"role": "payer_balance_before"},
    "o2": {"role": "payer_balance_after"},
    "d1": {"role": "payee_balance_before"},
    "d2": {"role": "payee_balance_after"},
}
SHOP = declare(COLUMNS, windows=["3m", "36h", "7d"])
TEXTS = ("id", "payer", "payee", "kind")
KINDS = ["a b", "A B", "é", ""]
BALANCES = [f"{p}_balance_{w}" for p in ("payer", "payee") for w in ("before", "after")]
ODD = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e300, 3.4028235e38, 3.5e38, 1e-40, 1 / 3, 2e9 + 0.005]


def payments(size, seed=0, days=40.0, oddities=0.05):
    """Draw payments of a few parties, ties and nulls and odd numbers among them."""
    draw = np.random.default_rng(seed)
    minutes = draw.integers(0, int(days * 1440 / 5), size) * 5  # so that ties are common
    frame = pd.DataFrame(
        {
            "id": [f"r{n:06}" for n in range(size)],
            "time": START + pd.to_timedelta(minutes, "min") + pd.Timedelta("1us"),
            "payer": draw.choice([*(f"p{n}" for n in range(1 + size // 40)), None], size),
            "payee": draw.choice([*(f"q{n}" for n in range(1 + size // 60)), "", None], size),
            "amount": _numbers(draw, size, oddities),
            "kind": draw.choice([*KINDS, None], size),
            "points": _numbers(draw, size, oddities),
        }
    )
    for name in BALANCES:
        frame[name] = np.where(draw.random(size) < 0.3, frame["amount"], _numbers(draw, size, 0.1))
    # a column of nulls alone would else be saved as integers
    return frame.astype({"time": "datetime64[us]"} | dict.fromkeys(TEXTS, "string"))


def _numbers(draw, size, oddities):
    values = draw.gamma(1.5, 80.0, size).round(2) * draw.choice([1, 1, 1e4], size)
    odd = draw.random(size) < oddities
    values[odd] = draw.choice(ODD, odd.sum())
    return values


def issues(rows, seed=0):
    """Say of each row what rule, chargeback and, at times, a reviewer do."""
    draw = np.random.default_rng(seed)
    parts = []
    for source, share, delay in (("rule", 0.9, 0), ("chargeback", 0.7, 5), ("reviewer", 0.2, 9)):
        part = rows[draw.random(len(rows)) < share]
        late = pd.to_timedelta(draw.exponential(delay * 1440, len(part)).astype(int), "min")
        parts.append(
            pd.DataFrame(
                {
                    "entity": part["id"],
                    "label": (draw.random(len(part)) < 0.2).astype("int8"),
                    "source": source,
                    "issued_at": part["time"] + late,
                    "in_force": draw.random(len(part)) < 0.95,
                }
            )
        )
    return pd.concat(parts).astype({"issued_at": "datetime64[us]"})


def save(frame, path, duck):
    """Write a table as a stage would: missing strings as null, missing numbers as NaN."""
    duck.con.register("saved", frame)
    duck.con.execute(f"COPY saved TO '{path}' (FORMAT parquet)")
    duck.con.unregister("saved")
    return path


def compute(backend, rows, labels, declaration=SHOP):
    """Compute all features with one engine: a frame by id, in the order of columns."""
    issued = backend.read_parquet(labels)
    table, _ = features(backend.read_parquet(rows), declaration, issued, values={"kind": KINDS})
    return backend.to_pandas(table).set_index("id").sort_index()
