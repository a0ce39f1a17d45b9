from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from vouch.sources.declaration import Declaration

FIRST = datetime(2018, 4, 1)


@pytest.fixture(scope="session")
def shop():
    columns = {
        "no": {"role": "id"},
        "when": {"role": "time"},
        "card": {"role": "payer"},
        "till": {"role": "payee"},
        "money": {"role": "amount"},
        "bad": {"role": "label", "optional": True},
    }
    base = {"name": "shop", "format": "parquet", "columns": columns, "windows": ["1d", "7d"]}
    truth = {"truth": {"delay": {"mean": "7d"}}, "rule": {"where": "amount > 220"}}
    return Declaration.model_validate(base | truth)


@pytest.fixture(scope="session")
def payments():
    """36 days of 80 payments by 60 cards; large amounts are often frauds."""
    generator = np.random.default_rng(5)
    size = 36 * 80
    amount = generator.gamma(2.0, 40.0, size).round(2)
    bad = generator.random(size) < np.where(amount > 180, 0.7, 0.01)
    return pd.DataFrame(
        {
            "no": np.arange(size),
            "when": [FIRST + timedelta(minutes=18 * n + 1) for n in range(size)],
            "card": generator.integers(0, 60, size),
            "till": generator.integers(0, 20, size),
            "money": amount,
            "bad": bad.astype(int),
        }
    ).astype({"when": "datetime64[us]"})


@pytest.fixture
def file(payments, tmp_path):
    path = tmp_path / "shop.parquet"
    payments.to_parquet(path)
    return path
