"""What one more day of payments costs, from ingest to extract, beside all days from scratch.

Example:
    python -m benchmarks.adding --rows 6362620
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from benchmarks.stages import measure
from tests.project import copy_checkout
from vouch.project.paths import KEPT
from vouch.project.request import Request
from vouch.project.stages import STAGES
from vouch.project.training import choose_input

DAY = 24
"""Steps of an hour in a day."""
UNTIL = "extract"
MEASURED = STAGES[: [stage.name for stage in STAGES].index(UNTIL) + 1]
Row = dict[str, float]


def write_days(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write simulated payments as two CSV files: all days but the last, and the last."""
    import duckdb

    from vouch.sources.paysim import write

    whole, before, last = (folder / f"{name}.csv" for name in ("whole", "before", "last"))
    write(whole, rows, 1)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW payments AS FROM read_csv('{whole}', all_varchar = true)")
        day = f"CAST(step AS INT) > (SELECT max(CAST(step AS INT)) FROM payments) - {DAY}"
        for path, which in ((before, f"NOT {day}"), (last, day)):
            connection.execute(f"COPY (FROM payments WHERE {which}) TO '{path}'")
    whole.unlink()
    return before, last


def run(project: Path, what: str, *, force: bool = False) -> dict[str, Row]:
    """Run the stages, each in a process of its own."""
    result = {}
    for stage in MEASURED:
        result[stage.name] = row = measure(project, stage.name, force=force)
        print(f"{what}: {stage.name} {row['seconds']:.1f} s", flush=True)
    return result


def outputs(project: Path) -> dict[str, str]:
    """Return the digest of every output of the stages."""
    paths = [p.format(usecase="fraud") for s in MEASURED for p in s.outputs.values()]
    return {p: hashlib.sha256((project / p).read_bytes()).hexdigest() for p in paths}


def show(added: dict[str, Row], scratch: dict[str, Row], same: dict[str, bool]) -> None:
    """Print the table, its sums, their ratio, and which outputs differ."""
    print(f"{'':10}{'one day more':>20}{'from scratch':>20}")
    print(f"{'stage':10}{'seconds':>10}{'peak GB':>10}{'seconds':>10}{'peak GB':>10}{'ratio':>8}")
    for name in added:
        cells = "".join(
            f"{m[name]['seconds']:10.1f}{m[name]['peak_gb']:10.2f}" for m in (added, scratch)
        )
        print(f"{name:10}{cells}{added[name]['seconds'] / scratch[name]['seconds']:8.2f}")
    sums = [sum(row["seconds"] for row in each.values()) for each in (added, scratch)]
    print(f"{'together':10}{sums[0]:10.1f}{'':10}{sums[1]:10.1f}{'':10}{sums[0] / sums[1]:8.2f}")
    differing = [name for name, equal in same.items() if not equal]
    print("all outputs are the same bytes" if not differing else f"outputs differ: {differing}")


def main() -> None:
    """Measure, and print a table, a row a stage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = copy_checkout(Path(folder) / "project")
        before, last = write_days(Path(folder), options.rows)
        choose_input(project, Request(source="paysim", path=before))
        print(f"{options.rows:,} rows", flush=True)
        run(project, "all days but the last")
        choose_input(project, Request(source="paysim", add=last))
        added, first = run(project, "one day more"), outputs(project)
        shutil.rmtree(project / KEPT)
        scratch, again = run(project, "from scratch", force=True), outputs(project)
        same = {name: first[name] == again[name] for name in first}
    show(added, scratch, same)
    if options.json:
        content = {"added": added, "scratch": scratch, "same": same}
        options.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
