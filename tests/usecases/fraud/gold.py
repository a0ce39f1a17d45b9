"""Small gold tables as extract leaves them."""

import numpy as np
import pandas as pd

from tests.results import extracted
from tests.usecases.gold import Gold

DECLARATION = """
name: tiny
format: csv
columns:
  when: {role: time}
  paid: {role: amount}
  from: {role: payer}
"""
FEATURES = [
    ("amount", "amount", None),
    ("balance_error", "balance", None),
    ("type = TRANSFER", "category", None),
    ("hour", "time", None),
    ("payer_count_1d", "payer_windows", "1d"),
    ("payer_count_7d", "payer_windows", "7d"),
    ("payee_count_7d", "payee_windows", "7d"),
]


def gold_rows(rows=2400, seed=0, days=30, delay_hours=24.0, positives=0.04):
    random = np.random.default_rng(seed)
    hours = np.sort(random.integers(0, days * 24, rows))
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h")
    amount = random.lognormal(8, 1.5, rows)
    transfer = random.random(rows) < 0.4
    error = np.where(random.random(rows) < 0.3, np.nan, random.normal(0, 1e3, rows))
    odds = np.log(amount) + 2.0 * transfer + np.where(np.isnan(error), 1.0, error / 1e3)
    odds = odds + random.logistic(size=rows)
    label = (odds > np.quantile(odds, 1 - positives)).astype("int8")
    known = time + pd.to_timedelta(random.exponential(delay_hours, rows), unit="h")
    frame = pd.DataFrame(
        {
            "id": [f"r{i:06d}" for i in range(rows)],
            "time": time.astype("datetime64[us]"),
            "amount": amount.astype("float32"),
            "payer": [f"C{i}" for i in random.integers(0, rows // 3, rows)],
            "balance_error": error.astype("float32"),
            "type = TRANSFER": transfer.astype("float32"),
            "hour": (hours % 24).astype("float32"),
            "payer_count_1d": random.poisson(1, rows).astype("float32"),
            "payer_count_7d": random.poisson(3, rows).astype("float32"),
            "payee_count_7d": random.poisson(5, rows).astype("float32"),
            "label": label,
            "label_source": "given",
            "label_known_at": known.astype("datetime64[us]"),
            "rule": (amount > np.quantile(amount, 0.9)).astype("int8"),
            "truth": label,
            "truth_known_at": known.astype("datetime64[us]"),
        }
    )
    return frame.sort_values(["time", "id"], ignore_index=True)


def write_gold(folder, frame=None, features=FEATURES, state=None):
    folder.mkdir(parents=True, exist_ok=True)
    frame = gold_rows() if frame is None else frame
    frame.to_parquet(folder / "train.parquet", index=False)
    names = ("name", "group", "window", "description")
    listed = [dict(zip(names, (*feature, ""), strict=True)) for feature in features]
    extracted(features=listed).write(folder / "extract.json")
    (folder / "tiny.yaml").write_text(DECLARATION)
    return Gold(folder, state or folder / "state")
