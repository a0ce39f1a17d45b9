"""Every stage's seconds and peak memory on many simulated payments, DVC's hashing apart.

Example:
    python -m benchmarks.stages --rows 6362620 --until extract
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.project import ENVIRONMENT, copy_checkout
from vouch.project.stages import STAGES

ONE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from vouch.project.stages import find
from vouch.project.versions import reproduce
outcome = reproduce(Path(), find(sys.argv[1]), "fraud", force=sys.argv[2:] == ["force"])
print(json.dumps(asdict(outcome), default=str))
"""


def measure(project: Path, stage: str, *, force: bool = False) -> dict[str, float]:
    """Run one stage in a process of its own: seconds without DVC's share, DVC's, peak memory."""
    command = [sys.executable, "-c", ONE, stage, *["force"] * force]
    with tempfile.TemporaryFile("w+") as out:
        run = subprocess.Popen(command, cwd=project, env=ENVIRONMENT, stdout=out)
        _, code, used = os.wait4(run.pid, 0)
        if code:
            raise SystemExit(f"stage {stage} failed")
        out.seek(0)
        outcome = json.loads(out.read().splitlines()[-1])
    own = outcome["seconds"] - outcome["hashing"]
    return {"seconds": own, "dvc_seconds": outcome["hashing"], "peak_gb": used.ru_maxrss / 2**20}


def prepare(folder: Path, rows: int) -> Path:
    """Make a project whose input is a CSV file of simulated payments."""
    from vouch.project.request import Request
    from vouch.project.training import choose_input
    from vouch.sources.paysim import write

    project = copy_checkout(folder / "project")
    raw = folder / "payments.csv"
    write(raw, rows, 1)
    choose_input(project, Request(source="paysim", path=raw))
    return project


def main() -> None:
    """Print a table, a row a stage, and its sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--until", default="report", choices=[s.name for s in STAGES])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        project = prepare(Path(folder), options.rows)
        print(f"{options.rows:,} rows\n{'stage':10}{'seconds':>9}{'DVC':>8}{'peak GB':>9}")
        for stage in STAGES:
            result[stage.name] = row = measure(project, stage.name)
            print(
                f"{stage.name:10}{row['seconds']:9.1f}{row['dvc_seconds']:8.1f}"
                f"{row['peak_gb']:9.2f}",
                flush=True,
            )
            if stage.name == options.until:
                break
    total = sum(row["seconds"] for row in result.values())
    print(f"{'together':10}{total:9.1f}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
