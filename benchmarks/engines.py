"""The same features on both engines, one after the other in one run: seconds and their ratio.

Example:
    python -m benchmarks.engines --path cards.parquet --source cards
    python -m benchmarks.engines --rows 100000
"""

import argparse
import tempfile
import time
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from vouch.engine import connect, write_parquet
from vouch.labels.issues import issues
from vouch.sources.declaration import Declaration, load_declaration
from vouch.stages.ingest import parse
from vouch.usecases import find
from vouch.usecases.fraud.features.table import features

SOURCES = Path("data/sources")
DAY = 86_400


def simulate(path: Path, rows: int) -> None:
    """Write payments in the shape of the card source: accounts with a history, 180 days."""
    draw = np.random.default_rng(0)
    start = np.datetime64("2018-04-01", "s")
    frame = pd.DataFrame(
        {
            "TRANSACTION_ID": np.arange(rows),
            "TX_DATETIME": start + np.sort(draw.integers(0, 180 * DAY, rows)),
            "CUSTOMER_ID": draw.integers(0, max(rows // 350, 1), rows),
            "TERMINAL_ID": draw.integers(0, max(rows // 175, 1), rows),
            "TX_AMOUNT": draw.gamma(1.5, 35.0, rows).round(2),
            "TX_FRAUD": (draw.random(rows) < 0.01).astype(int),
        }
    )
    frame.to_parquet(path)


def prepare(raw: Path, source: Declaration, folder: Path) -> int:
    """Make the rows and labels that both engines read."""
    with connect() as engine:
        parse.parse_file(engine.con, source, raw, "parsed", folder)
        table = engine.table("parsed")
        good = table.filter(table.reason.isnull())
        silver = good.mutate(known_at=good.time, superseded_at=ibis.null("timestamp(6)"))
        write_parquet(silver, folder / "rows.parquet")
        rows = engine.read_parquet(folder / "rows.parquet")
        write_parquet(
            issues(rows, source, find(source.usecase), ("rule", "chargeback")),
            folder / "labels.parquet",
        )
        return int(rows.count().to_pyarrow().as_py())


def measure(name: str, source: Declaration, folder: Path) -> tuple[float, float]:
    """Time the start of an engine, and its features from file to file."""
    began = time.perf_counter()
    with connect(name) as engine:
        started = time.perf_counter()
        rows, labels = (engine.read_parquet(folder / f"{n}.parquet") for n in ("rows", "labels"))
        table, _ = features(rows, source, labels)
        write_parquet(table, folder / f"{name}.parquet", scratch=True)
        ended = time.perf_counter()
    return started - began, ended - started


def differences(folder: Path) -> int:
    """Count the cells in which the two files differ; NaN and null equal themselves."""
    left, right = (
        pd.read_parquet(folder / f"{n}.parquet").set_index("id") for n in ("duckdb", "spark")
    )
    right = right.loc[left.index]
    return sum(
        int((~((left[n] == right[n]) | (left[n].isna() & right[n].isna()))).sum()) for n in left
    )


def main() -> None:
    """Print a row an engine, their ratio, and how many cells differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, help="a raw file; simulated card payments without")
    parser.add_argument("--source", default="cards", help="its declaration in data/sources")
    parser.add_argument("--rows", type=int, default=100_000, help="how many to simulate")
    options = parser.parse_args()
    source = load_declaration(SOURCES / f"{options.source}.yaml")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        raw = options.path or folder / "raw.parquet"
        if not options.path:
            simulate(raw, options.rows)
        print(
            f"{prepare(raw, source, folder):,} rows\n{'engine':10}{'start s':>9}{'features s':>12}"
        )
        seconds = {}
        for name in ("duckdb", "spark"):
            start, seconds[name] = measure(name, source, folder)
            print(f"{name:10}{start:9.1f}{seconds[name]:12.1f}", flush=True)
        print(f"spark takes {seconds['spark'] / seconds['duckdb']:.1f} times as long")
        print(f"cells that differ: {differences(folder)}")


if __name__ == "__main__":
    main()
