"""Giving cases to reviewers: chosen, explained, stored, written to a file."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from vouch import usecases
from vouch.core.errors import VouchError
from vouch.core.progress import Progress, silent
from vouch.core.settings import load_params
from vouch.holdout.ledger import now
from vouch.labels.reviews import decided
from vouch.models.predictions import Decision, decision_at, probabilities
from vouch.project.inputs import present_source
from vouch.project.stages import GOLD, REVIEWS, SILVER, TUNE, find
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.register import Registration
from vouch.review.enqueue.files import check_out, write_cases
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pending import Pending
from vouch.review.enqueue.pool import load_predictions, pool
from vouch.review.enqueue.select import select
from vouch.review.queue import Case, Queue
from vouch.sources.declaration import LATER, Declaration
from vouch.sources.readers import parquet
from vouch.usecases.classes import check_same_classes, with_classes

KILLED = "these are the cases that a killed run of enqueue chose"


@dataclass(frozen=True)
class Desk:
    """What cases are made from.

    Attributes:
        root: The project's folder.
        source: The declaration of the rows.
        queue: The review store.
        model: The registered version whose predictions they are.
        decision: What makes a class of its probabilities.
    """

    root: Path
    source: Declaration
    queue: Queue
    model: str
    decision: Decision

    @property
    def usecase(self) -> str:
        """The use case."""
        return self.source.usecase

    def path(self, template: str, name: str) -> Path:
        """Return the place of one of the use case's files."""
        return self.root / template.format(usecase=self.usecase) / name

    def decided(self) -> set[str]:
        """Return the cases that have a decision."""
        return decided(self.root / REVIEWS.format(usecase=self.usecase))


class Enqueued(TypedDict):
    """The cases that were written: counts, file, model and warnings; see :func:`enqueue`."""

    cases: int
    by_stream: dict[str, int]
    out: str
    model: str
    warnings: list[str]


def enqueue(
    root: Path, state: Path, usecase: str, n: int | None, out: Path, progress: Progress = silent
) -> Enqueued:
    """Choose cases for reviewers and write them to a file.

    Chosen are training rows, by their out-of-fold scores: never a row of the holdout, never one
    that people were asked about already, never more in a day (UTC) than the source's ``capacity``.
    The same call after a kill ends what the killed one began, with the cases that one chose.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        n: How many cases; None: as many as the day has capacity left.
        out: Where they go: ``.csv``, or ``.json`` for Label Studio; not written without cases.
        progress: Called after each case explained.

    Returns:
        ``cases``, ``by_stream``, ``out``, ``model`` and ``warnings``.

    Raises:
        VouchError: No model is registered yet, an unknown suffix, ``out`` is there already, or
            ``n`` is less than 1.
    """
    pending = Pending(state, usecase)
    if not pending.is_for(out):
        check_out(out)
    if n is not None and n < 1:
        raise VouchError(f"-n: got {n}", "ask for 1 case or more")
    params = load_params(root / "params.yaml", EnqueueParams, "enqueue", usecase)
    desk = open_desk(root, state, usecase)
    with desk.queue.alone():
        cases, warnings = pending.cases(desk.queue, out), [KILLED]
        if not cases:
            check_out(out)
            cases, warnings = _choose(desk, n, params, progress)
            pending.note(out, cases)
            # kept first: a case whose file is lost is written again (--again), never chosen twice
            desk.queue.put(cases)
        if not out.exists():  # one that a killed run wrote is whole, and may be filled in by now
            write_cases(out, cases, desk.source)
        pending.forget()
    return _summary(desk, cases, out, warnings)


def _choose(
    desk: Desk, n: int | None, params: EnqueueParams, progress: Progress
) -> tuple[list[Case], list[str]]:
    """Choose cases; return them and warnings."""
    count, warnings = _target_count(desk, n)
    cases = _cases(desk, count, params, progress)
    if len(cases) < count:
        warnings.append(f"only {len(cases)} rows are left that nobody was asked about")
    return cases, warnings


def again(root: Path, state: Path, usecase: str, out: Path) -> Enqueued:
    """Write all cases that are out to a file once more.

    Raises:
        VouchError: No model is registered yet, an unknown suffix, or ``out`` is there already.
    """
    check_out(out)
    desk = open_desk(root, state, usecase)
    with desk.queue.alone():
        cases = outstanding(desk)
        write_cases(out, cases, desk.source)
        Pending(state, usecase).forget()
    return _summary(desk, cases, out, [])


def withdraw(root: Path, state: Path, usecase: str) -> int:
    """Take back all cases that are out; they may be chosen again.

    Returns:
        How many were out.
    """
    desk = open_desk(root, state, usecase)
    with desk.queue.alone():
        cases = outstanding(desk)
        desk.queue.withdraw([case.case for case in cases])
    return len(cases)


def outstanding(desk: Desk) -> list[Case]:
    """Return the cases that nobody has decided yet, in the order they were put out."""
    done = desk.decided()
    return [case for case in desk.queue.all() if case.case not in done]


def open_desk(root: Path, state: Path, usecase: str) -> Desk:
    """Gather what a use case's cases are made from.

    Raises:
        VouchError: No model is registered yet.
    """
    source = present_source(root, usecase)
    registered = root / find("register").outputs["registration"].format(usecase=usecase)
    evaluated = root / find("evaluate").outputs["evaluation"].format(usecase=usecase)
    if not registered.exists():
        raise VouchError(f"{registered}: no model is registered yet", f"vouch run {usecase}")
    registration = Registration.read(registered)
    if registration.name != f"{usecase}-{source.name}":
        raise VouchError(
            f"{registered}: the model is {registration.name}, but the source is {source.name!r}",
            f"vouch run {usecase}",
        )
    queue, chosen = Queue(state, usecase, source.name), decision_at(Evaluation.read(evaluated).cut)
    return Desk(root, source, queue, f"{registration.name}:{registration.version}", chosen)


def _target_count(desk: Desk, n: int | None) -> tuple[int, list[str]]:
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    capacity = desk.source.capacity
    remaining = max(capacity - desk.queue.count_since(midnight), 0)
    if remaining and (n is None or n <= remaining):
        return remaining if n is None else n, []
    day = f"of the day's {capacity} (capacity in data/sources/{desk.source.name}.yaml)"
    return remaining, [f"{remaining} cases {day} are left" + (f", {n} were asked for" if n else "")]


def _cases(desk: Desk, count: int, params: EnqueueParams, progress: Progress) -> list[Case]:
    """Choose rows and gather what is shown of each."""
    train = desk.path(GOLD, "train.parquet")
    rows = load_predictions(desk.path(TUNE, "predictions.parquet"), train)
    extracted = with_classes(Extracted.read(desk.path(GOLD, "extract.json")))
    check_same_classes(extracted, desk.source, desk.model)
    queued = {case.entity for case in desk.queue.all()}
    folder = desk.root / REVIEWS.format(usecase=desk.usecase)
    excluded = queued | decided(folder, "entity", desk.source.name)
    progress(0, count + 1, "choosing")
    chosen = select(pool(rows, desk.usecase, excluded), count, params)
    return [] if chosen.empty else _explained(desk, rows, chosen, extracted, progress)


def _explained(
    desk: Desk, rows: pd.DataFrame, chosen: pd.DataFrame, extracted: Extracted, progress: Progress
) -> list[Case]:
    ids = chosen["entity"].tolist()
    facts = _facts(desk.path(SILVER, "rows.parquet"), ids)
    likely = pd.DataFrame(probabilities(rows), index=rows["id"]).loc[ids].to_numpy()
    classes = desk.decision.classes(likely)
    moment, cases = now(), []
    each = zip(chosen.to_dict("records"), likely, classes, _reasons(desk, ids), strict=True)
    for row, scores, predicted, reason in each:
        entity, chance = row["entity"], row["propensity"]
        cases.append(
            Case(
                case=name(desk.source, entity),
                usecase=desk.usecase,
                origin=desk.source.name,
                entity=entity,
                stream=row["stream"],
                propensity=None if isnan(chance) else chance,
                model=desk.model,
                scores=scores.tolist(),
                prediction=int(predicted),
                classes=extracted.classes,
                facts=facts[entity],
                reasons=list(reason.parts),
                poor=reason.poor,
                out_at=moment,
            )
        )
        progress(len(cases), len(ids) + 1, f"explaining {entity}")
    return cases


def _reasons(desk: Desk, ids: Sequence[str]) -> Any:
    usecase = usecases.find(desk.usecase)
    kind = usecase.explain_params()
    params = load_params(desk.root / "params.yaml", kind, "explain", desk.usecase)
    train, extracted = desk.path(GOLD, "train.parquet"), desk.path(GOLD, "extract.json")
    return usecase.explainer(train, extracted, desk.path(TUNE, "model"), params).reasons(ids)


def _facts(silver: Path, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read rows' values in their present version, without columns that reveal the answer.

    Raises:
        VouchError: Rows are not there, such as while a run makes them anew.
    """
    import duckdb

    query = f"""SELECT * FROM {parquet(silver)}
               WHERE superseded_at IS NULL AND list_contains(?, id)"""
    if not silver.exists():
        raise VouchError(f"{silver}: no such file", "wait for the run at work, or run the pipeline")
    with duckdb.connect() as connection:
        table = connection.execute(query, [list(ids)]).to_arrow_table()
    shown = [c for c in table.column_names if c not in LATER]
    rows = table.select(shown).to_pylist()
    facts = {row.pop("id"): {n: _plain(v) for n, v in row.items()} for row in rows}
    if missing := [entity for entity in ids if entity not in facts]:
        raise VouchError(
            f"{silver}: no row {missing[0]!r}, which the model was trained on", "run the pipeline"
        )
    return facts


def _plain(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value


def name(source: Declaration, entity: str) -> str:
    """Name a row's case: the same row is the same case."""
    digest = hashlib.sha256(f"{source.name}\n{entity}".encode()).hexdigest()
    return f"{source.usecase}-{digest[:12]}"


def _summary(desk: Desk, cases: list[Case], out: Path, warnings: list[str]) -> Enqueued:
    poor = sum(case.poor for case in cases)
    if poor:
        warnings.append(f"the reasons of {poor} cases follow the model poorly; they are marked")
    return {
        "cases": len(cases),
        "by_stream": dict(sorted(Counter(case.stream for case in cases).items())),
        "out": str(out),
        "model": desk.model,
        "warnings": warnings,
    }
