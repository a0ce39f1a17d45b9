"""How many column roles `vouch source draft` gets right: `python -m benchmarks.draft`.

Goes over tables made here and, where VOUCH_REAL_DATA names a folder, the inputs in it.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.draft_tables import HELD_OUT, SHARED, TABLES, right, right_important
from vouch.core.errors import VouchError
from vouch.sources.draft import draft_source


def inputs(folder: Path) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """Yield each table's group, file and true roles."""
    for group, tables in (("made", TABLES), ("held out", HELD_OUT)):
        for table in tables:
            table.write(folder / table.file)
            yield group, folder / table.file, table.roles
    real = os.environ.get("VOUCH_REAL_DATA")
    for file, roles in SHARED.items() if real else ():
        yield "shared", Path(str(real)) / file, roles


def drafted_roles(root: Path, file: Path) -> dict[str, str]:
    """Draft a file and give each column's role; none where it is refused."""
    try:
        drafted = draft_source(root, file, "drafted", root / f"{file.name}.yaml")
    except VouchError as error:
        print(f"    {error}")
        return {}
    return {guess.column: guess.role for guess in drafted.guesses}


def main() -> int:
    totals: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory() as name:
        for group, file, roles in inputs(Path(name)):
            got = drafted_roles(Path(name), file)
            counts = [*right(roles, got), *right_important(roles, got)]
            print(f"{group:9} {file.name:34} {counts[0]:3} of {counts[1]:3}   "
                  f"{counts[2]} of {counts[3]} that matter")  # fmt: skip
            for column, role in roles.items():
                if got and got.get(column) not in role.split("|"):
                    print(f"    {column!r}: {got.get(column)}, not {role}")
            so_far = totals.setdefault(group, [0, 0, 0, 0])
            totals[group] = [a + b for a, b in zip(so_far, counts, strict=True)]
    for group, (hits, total, important, questions) in totals.items():
        print(f"{group}: {hits} of {total} roles ({hits / total:.1%}), "
              f"{important} of {questions} that matter ({important / questions:.1%})")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
