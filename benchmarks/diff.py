"""What comparing two versions of silver and of the labels takes: seconds and peak memory.

A process each, so that a peak is one comparison's own. Beside it the same counts with pandas.

Example:
    python -m benchmarks.diff --rows 1000000 --memory 1GB
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import ibis

from vouch.engine import connect, write_parquet
from vouch.labels.issues import issues
from vouch.sources.declaration import load_declaration
from vouch.sources.paysim import write
from vouch.stages.ingest import parse
from vouch.usecases import find

OURS = """
import json, sys, time
from pathlib import Path
from vouch.studies.diff import diff
began = time.perf_counter()
found = diff(Path(), Path(), *sys.argv[1:3], memory=sys.argv[3])
print(json.dumps({"rows": found["rows"], "seconds": time.perf_counter() - began}))
"""
PANDAS = """
import json, sys, time
import pandas as pd
began = time.perf_counter()
a, b = (pd.read_parquet(path) for path in sys.argv[1:3])
key = ["id"] if "id" in a else ["entity", "source", "actor", "issued_at"]
met = a.merge(b, on=key, how="outer", indicator=True)
both = met[met["_merge"] == "both"]
same = pd.Series(True, index=both.index)
for c in a.columns.difference(key):
    x, y = both[f"{c}_x"], both[f"{c}_y"]
    same &= (x == y) | (x.isna() & y.isna())
print(json.dumps({"rows": {"changed": int((~same).sum())}, "seconds": time.perf_counter() - began}))
"""


def prepare(folder: Path, rows: int) -> list[tuple[str, Path, Path]]:
    """Write two versions of silver and of the labels: 1 % gone, 1 % new, 2 % changed."""
    raw, source = folder / "raw.csv", load_declaration(Path("data/sources/paysim.yaml"))
    write(raw, rows, 1)
    with connect() as engine:
        parse.parse_file(engine.con, source, raw, "parsed", folder)
        table = engine.table("parsed")
        good = table.filter(table.reason.isnull()).drop("reason")
        ids = good.line.cast("string")
        silver = good.mutate(id=ids, known_at=good.time, superseded_at=ibis.null("timestamp(6)"))
        pairs = []
        first, second = folder / "silver_a.parquet", folder / "silver_b.parquet"
        write_parquet(silver.filter(silver.line % 100 != 0), first)
        changed = ibis.ifelse(silver.line % 50 == 7, silver.amount + 1, silver.amount)
        write_parquet(silver.filter(silver.line % 100 != 1).mutate(amount=changed), second)
        pairs.append(("silver", first, second))
        for path in (first, second):
            issued = issues(
                engine.read_parquet(path), source, find(source.usecase), ("rule", "chargeback")
            )
            write_parquet(issued, folder / path.name.replace("silver", "labels"))
    pairs.append(("labels", folder / "labels_a.parquet", folder / "labels_b.parquet"))
    return pairs


MEASURED = """
import os, resource, subprocess, sys
done = subprocess.run([sys.executable, "-c", *sys.argv[1:]], capture_output=True, text=True)
print(done.stdout.strip().splitlines()[-1] if done.returncode == 0 else "null")
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.stderr.write(done.stderr[-800:])
"""


def measure(code: str, *words: str) -> tuple[dict | None, float]:
    """Run code in a process of its own: what it told and its peak in GB."""
    command = [sys.executable, "-c", MEASURED, code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer, peak = done.stdout.split("\n")[:2]
    if answer == "null":
        print(done.stderr, file=sys.stderr)
    return json.loads(answer), int(peak) / 2**20


def main() -> None:
    """Print a table, a row a comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--no-pandas", action="store_true")
    options = parser.parse_args()
    ways = {"vouch": OURS} | ({} if options.no_pandas else {"pandas": PANDAS})
    with tempfile.TemporaryDirectory() as folder:
        print(f"2 x {options.rows:,} rows, DuckDB held to {options.memory}")
        for name, a, b in prepare(Path(folder), options.rows):
            for way, code in ways.items():
                answer, peak = measure(code, str(a), str(b), options.memory)
                seconds = f"{answer['seconds']:6.1f} s" if answer else "failed"
                rows = answer and answer["rows"]
                print(f"{name:8}{way:8}{seconds:>10}{peak:7.2f} GB  {rows}", flush=True)


if __name__ == "__main__":
    main()
