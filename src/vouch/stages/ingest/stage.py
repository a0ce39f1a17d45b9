"""The ingest stage: files in force, or the simulator's rows, to bronze and rejects."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import sha256 as new_digest
from pathlib import Path

from vouch.core.cache import NOTHING_KEPT, Cache
from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.core.progress import Progress, silent
from vouch.core.scratch import scratch
from vouch.holdout.ledger import HoldoutKey
from vouch.holdout.split import Terms
from vouch.results.ingest import Ingested, RawFile
from vouch.sources.confirm import check_confirmed
from vouch.sources.declaration import Declaration, load_declaration
from vouch.sources.manifest import MANIFEST, load_manifest
from vouch.sources.readers import extra_columns
from vouch.stages.ingest import parse
from vouch.stages.ingest.door import Door
from vouch.stages.ingest.params import IngestParams
from vouch.stages.ingest.parts import Part, Work, columns_of, merge, part_of
from vouch.stages.ingest.rows import File
from vouch.usecases.needs import check


def ingest(
    *,
    declaration: Path,
    raw: Path,
    files: Sequence[str],
    held_out: Sequence[str],
    set: str,
    generation: int,
    as_of: str,
    holdout_share: float,
    reserve_share: float,
    state: Path,
    rows: Path,
    rejects: Path,
    sealed: Path,
    summary: Path,
    params: IngestParams,
    cache: Cache = NOTHING_KEPT,
    progress: Progress = silent,
) -> Ingested:
    """Parse every raw file in force by its source's declaration.

    Args:
        declaration: ``data/sources/<source>.yaml``.
        raw: The folder of raw files and their manifest; a simulator's code, which is not read.
        files: First 12 digits of the digests of the files in force; none for a simulator.
        held_out: Likewise of files whose rows are the holdout; they come after the others.
        set: Name of the set of files.
        generation: Number of the holdout of this set, from 1.
        as_of: ``latest`` or an ISO date: a first cut by time looks at no later rows.
        holdout_share: Share of the rows held out, 0.01 to 0.5.
        reserve_share: Share of the parties kept for later holdouts, 0.01 to 1.
        state: The project's state folder: the ledger and the key are in it.
        rows: Where bronze is written: sorted by time, id; one row for each readable line. Rows
            that are held out, or kept for later holdouts, are there without labels.
        rejects: Where the others are written: file, line, reason, raw.
        sealed: Where the labels of held-out rows are written, encrypted.
        summary: Where the counts are written.
        params: The stage's parameters.
        cache: Keeps each file's rows, so that a file is parsed once, and all of them together.
        progress: Called with the progress, in files.

    Returns:
        What it wrote to ``summary``: lines in = rows + rejects.

    Raises:
        VouchError: A file that is not what the declaration says, or ids that repeat.
    """
    source = load_declaration(declaration)
    key = HoldoutKey(source.usecase, source.name, set, generation)
    terms = Terms(key, holdout_share, reserve_share, tuple(held_out), raw)
    door = Door(source, terms, as_of, state)
    check(source, declaration)
    check_confirmed(source, declaration)
    arrived = [] if source.simulator else _load_files(raw, files, held_out)
    content = _write(arrived, door, rows, rejects, sealed, params, cache, progress)
    content.write(summary)
    cache.sweep()
    return content


def read(
    *,
    declaration: Path,
    raw: Path,
    files: Sequence[str],
    rows: Path,
    rejects: Path,
    params: IngestParams,
    progress: Progress = silent,
) -> Ingested:
    """Parse files as :func:`ingest` does, of which no row is held out: a study's.

    Args:
        declaration: As there, and so are the others.
        raw: The folder of raw files.
        files: Which of them.
        rows: Where bronze is written.
        rejects: Where the others are written.
        params: The stage's parameters.
        progress: Called with the progress, in files.

    Raises:
        VouchError: A file that is not what the declaration says, or ids that repeat.
    """
    source = load_declaration(declaration)
    check(source, declaration)
    arrived = [] if source.simulator else _load_files(raw, files, ())
    door, unsealed = Door.open(source), rows.with_suffix(".sealed")
    return _write(arrived, door, rows, rejects, unsealed, params, NOTHING_KEPT, progress)


def _write(
    arrived: Sequence[File],
    door: Door,
    rows: Path,
    rejects: Path,
    sealed: Path,
    params: IngestParams,
    cache: Cache,
    progress: Progress,
) -> Ingested:
    """Write the rows of files, or a simulator's where there are none, and count them."""
    source = door.source
    with _folder(door, rows.parent) as folder:
        work = Work(source, params, cache, Path(folder), progress)
        arrived = arrived or _simulated(source, work.scratch)
        parts = [
            part_of(work, file, number, len(arrived) + 1) for number, file in enumerate(arrived)
        ]
        progress(len(arrived), len(arrived) + 1, "sorting")
        count, elsewhere = merge(work, parts, door, rows, rejects, sealed)
    return _summary(source, parts, count, elsewhere)


def _folder(door: Door, beside: Path) -> AbstractContextManager[Path | str]:
    """Make a folder for parsed rows: with labels that are to be sealed it must not stay behind."""
    if door.terms is None:
        return tempfile.TemporaryDirectory(dir=beside, prefix=".ingest-")
    return scratch(door.state)


def _load_files(folder: Path, files: Sequence[str], held_out: Sequence[str]) -> list[File]:
    manifest = load_manifest(folder)
    if not files:
        raise VouchError(f"{folder}: no file is in force", "vouch run … --source S --path FILE")
    result = []
    for key in (*files, *held_out):
        entry = manifest.get(key)
        if entry is None or not (folder / entry.name).exists():
            raise VouchError(f"{folder / MANIFEST}: file {key} is not there", "dvc pull, or --path")
        if sha256(folder / entry.name) != entry.sha256:
            raise VouchError(f"{folder / entry.name}: was changed since it came", "give it again")
        path, arrived = folder / entry.name, parse.utc(entry.arrived_at)
        result.append(File(entry.name, path, entry.sha256, arrived, key in held_out))
    return result


def _simulated(source: Declaration, scratch: Path) -> list[File]:
    """Describe a simulator's rows as a file, which is written where it is parsed."""
    assert source.simulator is not None
    section = json.dumps(source.simulator.model_dump(mode="json"), sort_keys=True)
    chosen = source.simulator
    name = f"simulator {chosen.name}, {chosen.rows:,} rows, seed {chosen.seed}"
    return [
        File(name, scratch / "simulated.parquet", new_digest(section.encode()).hexdigest(), None)
    ]


def _summary(source: Declaration, parts: Sequence[Part], sealed: int, elsewhere: str) -> Ingested:
    files: list[RawFile] = [
        {
            "name": each.file.name,
            "sha256": each.file.sha256,
            "arrived_at": each.arrived_at,
            "lines": each.rows + each.rejects,
            "rows": each.rows,
            "rejects": each.rejects,
        }
        for each in parts
    ]
    extra = {c: None for each in parts for c in extra_columns(source, each.columns)}
    declared = [name for name, c in source.columns.items() if c.role == "ignore"]
    messages = [each.rejected for each in parts if each.rejected]
    if messages:
        messages.append(f"all rejected lines: data/bronze/{source.usecase}/rejects.parquet")
    unknown = [f"column {name!r} is not declared: left out" for name in extra]
    twice = [each.twice for each in parts if each.twice]
    return Ingested(
        files=files,
        columns=columns_of(source, parts),
        lines=sum(each.rows + each.rejects for each in parts),
        rows=sum(each.rows for each in parts),
        rejects=sum(each.rejects for each in parts),
        dropped=sum(each.dropped for each in parts),
        sealed=sealed,
        ignored_columns=[*declared, *extra],
        warnings=[*unknown, *twice, *messages, *filter(None, [elsewhere])],
    )
