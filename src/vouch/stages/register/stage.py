"""The register stage."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vouch import usecases
from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256
from vouch.core.progress import Progress, silent
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.holdout.rows import CONTENT, Identities, count_shared
from vouch.holdout.rows import read as read_rows
from vouch.holdout.rows import write as write_rows
from vouch.holdout.witness import TAG
from vouch.registry import lineage
from vouch.registry.compare import decisions
from vouch.registry.digests import digests, git_commit
from vouch.registry.packaging import EVIDENCE
from vouch.registry.promotions import Change, champion_entry, entries_of, history, is_of, record
from vouch.registry.versions import (
    CHALLENGER,
    CHAMPION,
    FINGERPRINT,
    Package,
    Version,
    champion_number,
    find,
    find_champion,
    publish,
    set_alias,
)
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.label import Labelled
from vouch.results.lineage import Lineage
from vouch.results.register import Gate, Otherwise, Registration
from vouch.results.tune import Leaderboard
from vouch.sources.declaration import Declaration, load_declaration
from vouch.stages.register.gate import Verdict, judge
from vouch.stages.register.params import RegisterParams

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Dataset

EXAMPLES = 5
LEARNED = "training_rows.npz"
"""Beside a version's evidence: the identities of the rows it learned from."""
LONGEST = 36  # characters of a digest MLflow keeps; DVC's of a folder has just as many


def register(
    *,
    declaration: Path,
    raw: Path,
    rows: Path,
    labels: Path,
    labelled: Path,
    train: Path,
    holdout: Path,
    extracted: Path,
    ingested: Path,
    leaderboard: Path,
    model: Path,
    predictions: Path,
    evaluation: Path,
    explanations: Path,
    registration: Path,
    state: Path,
    params: RegisterParams,
    progress: Progress = silent,
) -> Registration:
    """Register the model with its lineage, and let the gate decide on a champion.

    The same model of the same data gives the same version, however often it is registered.

    Args:
        declaration: The source's declaration.
        raw: The source's folder of raw files; a simulator's code.
        rows: Silver rows.
        labels: Label issues.
        labelled: Label's summary.
        train: Training rows.
        holdout: The sealed holdout; only its digest is taken.
        extracted: Extract's summary.
        ingested: Ingest's summary.
        leaderboard: Tune's result.
        model: The best candidate's folder.
        predictions: Its out-of-fold predictions.
        evaluation: Evaluate's result.
        explanations: Explain's result.
        registration: Where to write what was registered, JSON.
        state: The project's state folder: MLflow and the promotion log are in it.
        params: What the gate may do.
        progress: Called with what is being done.

    Returns:
        What it wrote to ``registration``.
    """
    root = state.parent
    source = load_declaration(declaration)
    progress(0, 3, "digests")
    model_digests = digests(root, (train, holdout, rows, labels, model, predictions))
    measured = Evaluation.read(evaluation)
    facts = lineage.collect(
        train=train,
        labels=labels,
        reviews=Labelled.read(labelled).reviews,
        extracted=Extracted.read(extracted),
        ingested=Ingested.read(ingested),
        model=model,
        evaluation=measured,
        digests=model_digests | _raw_digests(root, source, raw),
        git_commit=git_commit(root),
    )
    evidence = {
        "declaration.yaml": declaration,
        "extract.json": extracted,
        "ingest.json": ingested,
        "leaderboard.json": leaderboard,
        "predictions.parquet": predictions,
        "evaluation.json": evaluation,
        "explanations.parquet": explanations,
    }
    progress(1, 3, "registering")
    keeper, key = Keeper(state), HoldoutKey.of(facts)
    declared = source.column("id") is not None
    learned = keeper.identities(rows, train, declared=declared)
    name = f"{source.usecase}-{source.name}"
    fingerprint = _fingerprint(name, model_digests, declaration, facts)
    run = Leaderboard.read(leaderboard).run_id
    with tempfile.TemporaryDirectory() as scratch:
        evidence[LEARNED] = Path(scratch) / LEARNED
        write_rows(evidence[LEARNED], learned, keeper.ledger())
        version = _publish(state, name, model, train, run, fingerprint, facts, evidence)
    progress(2, 3, "gate")
    gate = _decide(state, version, measured, params, partial(_learned, state, name, key, learned))
    set_alias(state, name, CHALLENGER, version.number)
    otherwise = _otherwise(state, version, measured.champion["version"])
    result = _result(state, version, facts, gate, otherwise)
    result.write(registration)
    progress(3, 3, "registered")
    return result


def _raw_digests(root: Path, source: Declaration, raw: Path) -> dict[str, str]:
    """Return the raw folder's digest, which also covers files that are not in force.

    A simulator's rows follow from its section of the declaration, whose digest ingest gives.
    """
    return {} if source.simulator else digests(root, (raw,))


def _fingerprint(
    name: str, model_digests: dict[str, str], declaration: Path, facts: Lineage
) -> str:
    """Return what identifies a version: costs and capacity, declared, decide its threshold.

    One with blinded figures is another version than one with true figures.
    """
    content = [name, model_digests, sha256(declaration), facts.threshold]
    content += [facts.blind["period"]] if facts.blind else []
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _publish(
    state: Path,
    name: str,
    model: Path,
    train: Path,
    tuned: str | None,
    fingerprint: str,
    facts: Lineage,
    evidence: dict[str, Path],
) -> Version:
    mlflow = tracking.client(state)
    run_id = _run(state, mlflow, name, tuned, fingerprint)
    _log(mlflow, run_id, facts)
    tags = {
        "vouch.as_of": facts.as_of,
        "vouch.git_commit": facts.git_commit,
        "vouch.ledger_question": str(facts.ledger_question),
        "vouch.algorithm": facts.candidate["algorithm"],
    }
    if facts.ledger_head:
        tags[TAG] = facts.ledger_head
    if facts.blind:
        tags["vouch.blind"] = facts.blind["period"]
    with tempfile.TemporaryDirectory() as scratch:
        gathered = Path(scratch) / "lineage.json"
        facts.write(gathered)
        files = {**evidence, gathered.name: gathered}
        example = _example(train, model)
        package = usecases.find(facts.usecase).package
        return publish(
            state,
            Package(
                name, run_id, model, example, files, fingerprint, tags, facts.candidate, package
            ),
        )


def _example(train: Path, model: Path) -> "pd.DataFrame":
    import pyarrow.parquet as pq

    features = read_json(model / "candidate.json")["features"]
    with pq.ParquetFile(train) as file:
        batch = next(file.iter_batches(batch_size=EXAMPLES, columns=features), None)
    if batch is None:
        raise VouchError(f"{train}: no rows", "run extract on more data")
    return batch.to_pandas()[features]


def _run(
    state: Path, mlflow: "MlflowClient", name: str, tuned: str | None, fingerprint: str
) -> str:
    """Return tune's run where it is known, else one of our own, found again by its fingerprint."""
    from mlflow.exceptions import MlflowException

    try:
        if tuned:
            return str(mlflow.get_run(tuned).info.run_id)
    except MlflowException:
        pass  # tuned elsewhere: this store does not know that run
    experiment = tracking.experiment(state, name)
    query = f"tags.`{FINGERPRINT}` = '{fingerprint}'"
    if runs := mlflow.search_runs([experiment], query, max_results=1):
        return str(runs[0].info.run_id)
    run = mlflow.create_run(experiment, tags={FINGERPRINT: fingerprint}, run_name="register")
    mlflow.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def _log(mlflow: "MlflowClient", run_id: str, facts: Lineage) -> None:
    from mlflow.entities import DatasetInput, InputTag, Metric

    start = mlflow.get_run(run_id).info.start_time  # not the clock: logged twice it is one point
    measured = [Metric(name, value, start, 0) for name, value in facts.metrics.items()]
    mlflow.log_batch(run_id, metrics=measured)
    files = {**facts.digests, **{f["name"]: f["sha256"] for f in facts.raw_files}}
    inputs = [
        DatasetInput(_dataset(path, digest), [InputTag("mlflow.data.context", "training")])
        for path, digest in files.items()
    ]
    mlflow.log_inputs(run_id, datasets=inputs)


def _dataset(path: str, digest: str) -> "Dataset":
    """Describe a file by name and digest alone: MLflow's own hashing would read it all again."""
    from mlflow.entities import Dataset

    source = json.dumps({"uri": path})
    return Dataset(path, digest[:LONGEST], source_type="local", source=source)


def _learned(state: Path, name: str, key: HoldoutKey, mine: Identities) -> tuple[str, ...]:
    """Return which of the compared models learned from rows of the holdout, in sentences.

    Args:
        state: The project's state folder.
        name: The registered model, whose champion is looked at: of one of an earlier release
            nothing is known.
        key: Which holdout.
        mine: The rows the challenger learned from.
    """
    keeper = Keeper(state)
    held = keeper.rows(key)
    size, models = len(held[CONTENT]), {"it": mine}
    with suppress(VouchError):  # its files are gone or damaged: nothing is known of it
        if champion := find_champion(state, name):
            place = champion.folder / EVIDENCE / LEARNED
            models[f"the champion, version {champion.number},"] = read_rows(place, keeper.ledger())
    counts = {name: count_shared(held, rows) for name, rows in models.items() if rows}
    return tuple(
        f"No promotion: {name} learned from {count:,} of the {size:,} rows of the holdout; a fresh "
        "one can tell (vouch holdout rotate), or a person decides (vouch promote)."
        for name, count in counts.items()
        if count
    )


def _decide(
    state: Path,
    version: Version,
    evaluation: Evaluation,
    params: RegisterParams,
    learned: Callable[[], tuple[str, ...]],
) -> Gate:
    """Ask the gate and, if it may, promote."""
    entry = champion_entry(state, version.name)
    if is_of(entry, version.number, version.model_id):
        return _gate(params, Verdict(True, _standing(state, version)), promoted=True)
    logged = entry.to_version if entry else None
    before = champion_number(state, version.name)
    verdict = judge(evaluation, before)
    if logged != before:
        gone = f"Version {logged}, the champion, is no longer in MLflow: there is none."
        verdict = replace(verdict, reasons=(*verdict.reasons, gone))
    if verdict.better and _rolled_back(state, version):
        verdict = Verdict(False, (*verdict.reasons, "No promotion: a person rolled it back."))
    if reasons := learned():
        verdict = Verdict(False, (*verdict.reasons, *reasons))
    if not verdict.better or params.gate != "enabled":
        return _gate(params, verdict, promoted=False)
    change = Change(
        version.name,
        version.number,
        "gate",
        "the gate: proved better on the holdout",
        verdict.reasons,
        model_id=version.model_id,
        instead_of=logged,
    )
    record(
        state, version.lineage.usecase, change, partial(set_alias, state, version.name, CHAMPION)
    )
    return _gate(params, verdict, promoted=True)


def _gate(params: RegisterParams, verdict: Verdict, *, promoted: bool) -> Gate:
    sentences = list(verdict.reasons)
    if not promoted and params.gate != "enabled":
        decision = "a person decides, with vouch promote or in Prefect, where a retraining asks"
        asks = verdict.better and params.gate == "approval"
        sentences.append(
            f"The gate is set to {params.gate!r}: {decision if asks else 'it promotes nothing'}."
        )
    gate: Gate = {
        "better": verdict.better,
        "promoted": promoted,
        "reasons": sentences,
        "mode": params.gate,
    }
    return gate | {"missing": verdict.missing} if verdict.missing else gate


def _standing(state: Path, version: Version) -> tuple[str, ...]:
    """Return why the version is champion already; a run killed after the promotion comes here."""
    last = [e for e in history(state, version.name) if e.to_version == version.number][-1]
    return (*last.reasons, f"It is the champion since {last.at:%Y-%m-%d %H:%M} UTC: {last.why}.")


def _rolled_back(state: Path, version: Version) -> bool:
    log = history(state, version.name)
    kinds = [entry.kind for entry in entries_of(log, version.number, version.model_id)]
    return bool(kinds) and kinds[-1] == "rollback"


def _otherwise(state: Path, version: Version, champion: int | None) -> Otherwise | None:
    """Count the out-of-fold rows that the previous champion decides otherwise."""
    if champion is None or champion == version.number:
        return None
    try:
        differences = decisions(find(state, version.name, str(champion)), version)
    except VouchError:  # its files are gone: no reason not to register
        return None
    return {
        "champion": champion,
        "rows_in_both": differences["rows_in_both"],
        "decided_differently": differences["decided_differently"],
        "higher_by_a": differences["higher_by_a"],
        "higher_by_b": differences["higher_by_b"],
    }


def _result(
    state: Path, version: Version, facts: Lineage, gate: Gate, otherwise: Otherwise | None
) -> Registration:
    return Registration(
        name=version.name,
        version=version.number,
        model_id=version.model_id,
        run_id=version.run_id,
        aliases=list(find(state, version.name, str(version.number)).aliases),
        gate=gate,
        digests=facts.digests,
        git_commit=facts.git_commit,
        reviews=facts.reviews,
        as_of=facts.as_of,
        ledger_question=facts.ledger_question,
        model_uri=f"models:/{version.name}/{version.number}",
        otherwise=otherwise,
    )
