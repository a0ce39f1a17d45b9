"""Mutated files through draft, ingest and validate: `python -m benchmarks.fuzz --files 10000`.

Each file has a number; number and seed make the same file again, so that one that fails is
repeated by `python -m benchmarks.fuzz --seed 1 --only NUMBER --keep FOLDER`. Nothing but a
VouchError may be raised, and the counts must add up. The work is done in processes of their own: a
crash or a hang is one more failure, with its number.
"""

import argparse
import bz2
import gzip
import io
import json
import lzma
import multiprocessing as mp
import os
import random
import re
import shutil
import sys
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.draft_tables import HELD_OUT, TABLES
from vouch.core.errors import VouchError

LIMIT = 90
"""Seconds after which a file is said to hang."""
LARGEST = 20_000
"""Tables of text beyond so many bytes are cut to whole lines: small ones are checked sooner."""
Mutation = Callable[[bytes, random.Random], bytes]


def seeds(folder: Path) -> list[Path]:
    """Make the files to begin with: each table made here in each format, and the shared ones."""
    for table in (*TABLES, *HELD_OUT):
        table.write(folder / table.file)
    for text in (file for file in folder.iterdir() if file.suffix in (".csv", ".tsv")):
        text.write_bytes(_cut(text.read_bytes()))
    _other_formats(folder)
    real = os.environ.get("VOUCH_REAL_DATA")
    for file in sorted(Path(real).glob("cases/*")) if real else ():
        if file.suffix not in (".md", ".sh", ".yaml"):
            (folder / f"case_{file.name}").write_bytes(_cut(file.read_bytes()))
    return sorted(folder.iterdir())


def _cut(content: bytes) -> bytes:
    return content if len(content) < LARGEST else content[: content.rfind(b"\n", 0, LARGEST) + 1]


def _other_formats(folder: Path) -> None:
    import duckdb

    source = folder / "orders.csv"
    for name, ending in (("parquet", "parquet"), ("json", "jsonl"), ("json", "json")):
        more = ", ARRAY true" if ending == "json" else ""
        duckdb.sql(f"COPY (FROM '{source}') TO '{folder}/orders.{ending}' (FORMAT {name}{more})")
    content = source.read_bytes()
    (folder / "orders.csv.gz").write_bytes(gzip.compress(content))
    (folder / "orders.csv.bz2").write_bytes(bz2.compress(content))
    (folder / "orders.csv.xz").write_bytes(lzma.compress(content))
    with zipfile.ZipFile(folder / "orders.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", content)
    _workbook(content.decode(), folder / "orders.xlsx")


def _workbook(text: str, path: Path) -> None:
    """Write a table as an Excel workbook, each cell a text in place."""
    cells = [
        "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in line.split(","))
        for line in text.splitlines()
    ]
    sheet = "".join(f"<row>{row}</row>" for row in cells)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="orders" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{part}')


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice([1, 3, 20, 200])):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _shorten(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _drop_piece(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.randrange(2000) :]


def _repeat_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    start = chance.randrange(len(lines) + 1)
    return b"".join([*lines[:start], *lines[start : start + 30] * 2, *lines[start:]])


def _shuffle_lines(content: bytes, chance: random.Random) -> bytes:
    first, *lines = content.splitlines(keepends=True) or [b""]
    chance.shuffle(lines)
    return b"".join([first, *lines])


def _insert(content: bytes, chance: random.Random) -> bytes:
    odd = [b'"', b"'", b"\x00", b"\r", b"\n", b"\t", b";", b",", b"\\", b"\xff", b"\xef\xbb\xbf",
           b"{", b"[", b"\x1a", "\u2028".encode(), "𝔘".encode(), b"NaN", b"1e999"]  # fmt: skip
    for _ in range(chance.choice([1, 5, 50])):
        place = chance.randrange(len(content) + 1)
        content = content[:place] + chance.choice(odd) + content[place:]
    return content


def _line_ends(content: bytes, chance: random.Random) -> bytes:
    return content.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\n\r", b"\x0b"]))


def _encoding(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    name = chance.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32", "cp1252",
                          "utf-7", "cp500"])  # fmt: skip
    return text.encode(name, "replace")


def _separator(content: bytes, chance: random.Random) -> bytes:
    return content.replace(chance.choice([b",", b";"]), chance.choice([b";", b"\t", b"|", b":"]))


def _cells(content: bytes, change: Callable[[list[list[bytes]]], None]) -> bytes:
    """Change a table's cells, split at its commonest separator without regard to quotes."""
    separator = max((b",", b";", b"\t", b"|"), key=content.count)
    rows = [line.split(separator) for line in content.split(b"\n")]
    change(rows)
    return b"\n".join(separator.join(row) for row in rows)


def _swap_columns(content: bytes, chance: random.Random) -> bytes:
    def swap(rows: list[list[bytes]]) -> None:
        a, b = chance.randrange(len(rows[0])), chance.randrange(len(rows[0]))
        for row in rows[chance.randrange(2) :]:
            if max(a, b) < len(row):
                row[a], row[b] = row[b], row[a]

    return _cells(content, swap)


ODD_VALUES = (
    b"", b"NULL", b"nan", b"inf", b"-1", b"0", b"1e308", b"9" * 400, b"12:61", b"2024-13-45",
    b"31.02.2024", b"0001-01-01", b"9999-12-31", b"true", b"\xc3\xa4" * 9, b'"', b'a"b',
    b"=1+1", b"-0.0", b"1,5", b"1.234,5", b"$5", b"(3)", b"x" * 70_000, b"{}",
    b"-9223372036854775809",
)  # fmt: skip


def _types(content: bytes, chance: random.Random) -> bytes:
    """Put other values into a column, or into some of its cells."""
    share, values = chance.choice([0.01, 0.2, 1.0]), chance.sample(ODD_VALUES, 3)

    def change(rows: list[list[bytes]]) -> None:
        place = chance.randrange(len(rows[0]))
        for row in rows[1:]:
            if place < len(row) and chance.random() < share:
                row[place] = chance.choice(values)

    return _cells(content, change)


def _header(content: bytes, chance: random.Random) -> bytes:
    """Rename, repeat or empty a name, or take the whole header away."""
    names = [b"", b"id", b"amount", b"reason", b"source", b"line", b"a b", b"[/b]", b"'; --", b'""',
             b"text", b"label", b"time", b"x" * 5000, b"\xf0\x9f\x98\x80", b"1", b"$",
             b"file"]  # fmt: skip

    def change(rows: list[list[bytes]]) -> None:
        kind = chance.randrange(4)
        if kind == 0 and len(rows) > 1:
            del rows[0]
        for _ in range(kind):
            rows[0][chance.randrange(len(rows[0]))] = chance.choice([*names, *rows[0]])

    return _cells(content, change)


def _widen(content: bytes, chance: random.Random) -> bytes:
    count = chance.choice([1, 3, 100])

    def change(rows: list[list[bytes]]) -> None:
        for number, row in enumerate(rows):
            row += [b"c%d" % n if number == 0 else b"%d" % (n % 3) for n in range(count)]

    return _cells(content, change)


def _preamble(content: bytes, chance: random.Random) -> bytes:
    return chance.choice([b"\n\n", b"Report;2024\n\n", b"sep=;\n", b"# note\n", b" "]) + content


def _packed(content: bytes, chance: random.Random) -> bytes:
    packed = chance.choice([gzip.compress, bz2.compress, lzma.compress, _zipped])(content)
    return packed if chance.random() < 0.5 else _shorten(packed, chance)


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    return out.getvalue()


def _deep(content: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([50, 5000])
    return content.replace(b'"card"', b"[" * depth + b"]" * depth, 3) + b'{"a":' * depth


ANY: tuple[Mutation, ...] = (_flip, _shorten, _drop_piece, _insert)
LINES: tuple[Mutation, ...] = (
    *ANY, _repeat_lines, _shuffle_lines, _line_ends, _encoding, _separator, _swap_columns, _types,
    _types, _header, _widen, _preamble, _packed, _deep,
)  # fmt: skip


def mutated(file: Path, chance: random.Random) -> bytes:
    """Return a file's content after one to three mutations."""
    content = file.read_bytes()
    for _ in range(chance.randint(1, 3)):
        binary = content[:4] in (b"PAR1", b"PK\x03\x04") or content[:2] in (b"\x1f\x8b", b"BZ")
        content = chance.choice(ANY if binary else LINES)(content, chance)
    return content


def ingested(root: Path, declaration: Path, choice: Any, out: Path) -> dict[str, Any]:
    """Ingest a choice of input into a folder."""
    from vouch.stages.ingest import ingest
    from vouch.stages.ingest.params import IngestParams
    from vouch.usecases.params import SplitParams

    return dict(
        ingest(
            declaration=declaration,
            raw=root / choice.raw,
            files=choice.files,
            held_out=choice.held_out,
            set=choice.set,
            generation=choice.generation,
            as_of=choice.as_of,
            holdout_share=SplitParams().holdout_share,
            reserve_share=SplitParams().reserve_share,
            state=out / "state",
            rows=out / "bronze.parquet",
            rejects=out / "rejects.parquet",
            sealed=out / "labels.sealed",
            summary=out / "ingest.json",
            params=IngestParams(),
        )
    )


def validated(root: Path, declaration: Path, out: Path) -> dict[str, Any]:
    """Validate what :func:`ingested` wrote, against the source's own suite."""
    from vouch.stages.validate import validate
    from vouch.stages.validate.params import ValidateParams

    return dict(
        validate(
            declaration=declaration,
            suite=root / f"expectations/{declaration.stem}.json",
            bronze=out / "bronze.parquet",
            rows=out / "rows.parquet",
            quarantine=out / "quarantine.parquet",
            summary=out / "validate.json",
            page=out / "page.html",
            params=ValidateParams(),
        )
    )


def check(file: Path, root: Path) -> str:
    """Take a file through draft, ingest and validate.

    Returns:
        What became of it: the stage that refused it, or ``validated``.

    Raises:
        AssertionError: Counts that do not add up.
        Exception: Anything but a VouchError is a fault.
    """
    from vouch.project.inputs import choose
    from vouch.sources.confirm import settle
    from vouch.sources.draft import draft_source

    stage, out = "draft", root / "out"
    out.mkdir()
    try:
        drafted = draft_source(root, file, "drafted")
        settle(drafted.path, drafted.doubts)
        stage = "choose"
        choice = choose(root, drafted.usecase, "drafted", path=file, say=lambda _: None)
        stage = "ingest"
        ingest = ingested(root, drafted.path, choice, out)
        assert ingest["lines"] == ingest["rows"] + ingest["rejects"], ingest
        stage = "validate"
        counts = validated(root, drafted.path, out)["counts"]
        parts = ("silver", "superseded", "duplicates", "quarantine")
        assert ingest["rows"] == sum(counts[part] for part in parts), (ingest["rows"], counts)
    except VouchError:
        return f"refused by {stage}"
    return "validated"


def make(files: list[Path], seed: int, number: int, folder: Path) -> Path:
    """Make mutated file ``number``."""
    chance = random.Random(f"{seed}/{number}")
    file = chance.choice(files)
    path = folder / file.name
    path.write_bytes(mutated(file, chance))
    return path


def one(files: list[Path], seed: int, number: int) -> str:
    """Make and check one file; return what became of it, or the fault's traceback."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        root = Path(name)
        (root / "in").mkdir()
        file = make(files, seed, number, root / "in")
        try:
            return check(file, root)
        except BaseException:
            return f"FAULT {file.name}\n{traceback.format_exc()}"


def _work(pipe: Connection, files: list[Path], seed: int, numbers: list[int]) -> None:
    for number in numbers:
        pipe.send((number, None))
        pipe.send((number, one(files, seed, number)))
    pipe.close()


def run(files: list[Path], seed: int, numbers: list[int]) -> dict[int, str]:
    """Check files in a process that is started again after a crash or a hang.

    Args:
        files: The files to begin with.
        seed: The seed.
        numbers: Which files to make.

    Returns:
        What became of each.
    """
    results: dict[int, str] = {}
    context = mp.get_context("spawn")
    while remaining := [n for n in numbers if n not in results]:
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(sender, files, seed, remaining))
        worker.start()
        sender.close()
        current = remaining[0]
        try:
            while receiver.poll(LIMIT):
                current, became = receiver.recv()
                if became is not None:
                    results[current] = became
                    if len(results) % 100 == 0:
                        print(f"{len(results):,} of {len(numbers):,} files", flush=True)
                    if became.startswith("FAULT"):
                        print(f"{current}: {became}", flush=True)
            results.setdefault(current, f"FAULT hangs for {LIMIT} s")
            worker.kill()
        except EOFError:
            worker.join()
            results.setdefault(current, f"FAULT crashed with exit code {worker.exitcode}")
        worker.join()
    return results


def _kind(became: str) -> str:
    lines = became.strip().splitlines()
    places = re.findall(r'src/vouch/(\S+)", line (\d+)', became)
    place = ":".join(places[-1]) if places else ""
    return became if len(lines) == 1 else f"FAULT {place} {lines[-1][:110]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="the first file's number")
    parser.add_argument("--only", type=int, help="make this file alone")
    parser.add_argument("--keep", type=Path, help="with --only: copy the file into this folder")
    parser.add_argument("--json", type=Path, help="write what became of each file here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as name:
        files = seeds(Path(name))
        numbers = list(range(args.start, args.start + args.files))
        if args.only is not None:
            numbers = [args.only]
            if args.keep:
                args.keep.mkdir(parents=True, exist_ok=True)
                print(shutil.copy(make(files, args.seed, args.only, Path(name)), args.keep))
        results: dict[int, str] = run(files, args.seed, numbers)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    return summary(results, args.seed)


def summary(results: dict[int, Any], seed: int) -> int:
    """Print how often each thing happened, and how to repeat what should not have."""
    kinds = Counter(_kind(became) for became in results.values())
    for kind, count in kinds.most_common():
        print(f"{count:6}  {kind}")
    faults = [n for n, became in results.items() if became.startswith("FAULT")]
    print(f"{len(results)} files, {len(faults)} faults")
    if faults:
        print(f"repeat: python -m benchmarks.fuzz --seed {seed} --only {faults[0]} --keep /tmp/f")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
