"""The extract stage: silver rows and labels to a training table and a sealed holdout."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from vouch.core.cache import NOTHING_KEPT, Cache
from vouch.core.progress import Progress, silent
from vouch.core.scratch import scratch
from vouch.core.settings import Engine
from vouch.engine import connect
from vouch.holdout.decisions import open_issues
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.holdout.labels import open_labels
from vouch.holdout.split import Terms
from vouch.labels.held import truth_arrives
from vouch.labels.known import moment_of, resolve_as_of
from vouch.results.extract import Extracted
from vouch.sources.declaration import load_declaration
from vouch.stages.extract import again
from vouch.stages.extract.late import warning
from vouch.stages.extract.parts import Divided, divide
from vouch.stages.extract.released import open_earlier, released
from vouch.stages.extract.truth import HeldTruth
from vouch.usecases import find
from vouch.usecases.classes import listed_values, mapped_values, reviewed_words
from vouch.usecases.job import Job
from vouch.usecases.params import SplitParams

STEPS = 2
FEW = 50  # positives; with fewer, figures are mostly chance


def extract(
    *,
    declaration: Path,
    rows: Path,
    labels: Path,
    sealed: Path,
    train: Path,
    holdout: Path,
    summary: Path,
    set: str,
    generation: int,
    as_of: str,
    engine: Engine,
    held_out: Sequence[str],
    use: tuple[str, ...],
    state: Path,
    params: SplitParams,
    cache: Cache = NOTHING_KEPT,
    progress: Progress = silent,
) -> Extracted:
    """Compute features and labels as of a time, and seal the holdout away.

    Args:
        declaration: The source's YAML.
        rows: Silver rows (Parquet), every version.
        labels: Issued labels (Parquet).
        sealed: Labels of held-out rows, as ingest sealed them.
        train: Where the training table goes (Parquet, sorted by time and id).
        holdout: Where the sealed holdout goes.
        summary: Where features, boundary and counts go (JSON).
        set: Name of the set of files the rows came from.
        generation: Number of the holdout of this set, from 1.
        as_of: ``latest`` or an ISO date: what became known later is left out. ``latest`` is the
            newest moment that is not sealed; of sealed truth it leaves out none.
        engine: Where tables are computed and Spark's models trained; both engines make the same
            rows.
        held_out: Files whose rows are the holdout; none: the latest rows are.
        use: Sources of labels that are in force.
        state: The project's state folder.
        params: What features to make, the holdout's share, and what is kept for the next one.
        cache: Keeps gold, so that only rows that may be others are computed.
        progress: Called after each step.

    Returns:
        What it wrote to ``summary``.

    Raises:
        VouchError: No labelled rows, too few distinct times to cut a holdout off, or an engine
            that is not there.
    """
    source = load_declaration(declaration)
    key = HoldoutKey(source.usecase, source.name, set, generation)
    usecase = find(source.usecase)
    with scratch(state) as private:
        whole, reserved = Path(private) / "whole.parquet", Path(private) / again.RESERVED
        keeper = Keeper(state)
        progress(0, STEPS, "computing features")
        # models that read the rows' own columns need no features from Spark
        with connect("duckdb" if usecase.raw_features else engine) as computing:
            silver, issues = computing.read_parquet(rows), computing.read_parquet(labels)
            opened, until = open_labels(state, sealed), moment_of(as_of)
            held = HeldTruth(computing, silver, opened, source, use, until, Path(private))
            earlier = Path(private) / "earlier.parquet"
            opener = partial(open_issues, state, words=reviewed_words(source))
            open_earlier(labels, keeper.drawn_anywhere(key), opener, earlier)
            issued = partial(released, labels=labels, opened=earlier, used="reviewer" in use)
            shares = params.holdout_share, params.reserve_share
            terms = Terms(key, *shares, tuple(held_out), rows)
            place = again.key(source, params, terms, as_of, engine, sealed, use)
            entry = cache.get(place) if place else None
            kept = again.grown(computing.con, entry, terms, labels, keeper) if entry else None
            moment = resolve_as_of(as_of, silver, issues, rows)
            held_arrives = kept.arrives if kept else held.arrives()
            arrives = held_arrives or truth_arrives(issues.filter(issues.issued_at <= moment))
            job = Job(source, held.rows, issued(computing), moment, terms, params)
            if kept:
                some = again.narrowed(computing, job, kept.since, Path(private))
                computed = usecase.extract(some, whole)
                kept = kept if again.fits(kept, computed) else None
            if not kept:
                computed = usecase.extract(replace(job, sealed=held.issues), whole)
        progress(1, STEPS, "cutting off and sealing the holdout")
        if kept:
            divided = again.divide(kept, job, whole, train, holdout, keeper, reserved)
        else:
            kept_for_next = reserved if place else None
            divided = divide(job, whole, issued, train, holdout, keeper, kept_for_next)
        if place:
            files = {again.TRAIN: train, again.HOLDOUT: holdout, again.RESERVED: reserved}
            made = again.Made(computed, divided, held_arrives)
            again.keep(cache, place, terms, labels, made, files, keeper, Path(private))
        cache.sweep()
    result = Extracted(
        **asdict(job.key),
        as_of=job.as_of.isoformat(),
        lag_seconds=params.lag.total_seconds(),
        **computed,
        **divided,
        engine=engine if usecase.raw_features else None,
        listed=list(listed_values(source)),
        mapped=mapped_values(source),
        arrives=arrives,
        warnings=[*filter(None, [keeper.inherited(key).sentence()]), *_warnings(divided)],
    )
    result.write(summary)
    progress(STEPS, STEPS, "features extracted")
    return result


def _warnings(divided: Divided) -> list[str]:
    warnings = []
    if divided["unsealed"]:
        warnings.append(
            f"{divided['unsealed']:,} rows of the holdout came in with their labels, as it was cut "
            "by what validation left: the next ingest seals them"
        )
    if changed := warning(divided["late"], divided["rows"]["train"]):
        warnings.append(changed)
    counts = divided["positives"]["train"]
    positives = counts["truth"] or counts["rule"]
    if positives < FEW:
        counted = "rows of the rarest class" if len(divided["classes"]) > 2 else "positives"
        warnings.append(f"train: only {positives} {counted}, its figures are mostly chance")
    return warnings
