"""Making cases of rows: which are chosen, and what is shown of each."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vouch import usecases
from vouch.core.errors import VouchError, described
from vouch.core.progress import Progress
from vouch.core.settings import load_params
from vouch.holdout.ledger import now
from vouch.labels.reviews import decided
from vouch.models.predictions import (
    Decision,
    in_order,
    numbers_in_order,
    probabilities,
    score_columns,
)
from vouch.models.strength import SOURCE, TRUTH
from vouch.models.surrogate import Reasons
from vouch.project.stages import GOLD, REVIEWS, SILVER, TUNE, find
from vouch.registry.versions import Version
from vouch.results.context import Context
from vouch.results.extract import Extracted
from vouch.review.collect.batch import recorded
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pool import load_predictions, pool, recent, settled
from vouch.review.enqueue.select import select
from vouch.review.enqueue.similar import similar
from vouch.review.names import identity
from vouch.review.queue import Case, Queue
from vouch.serve.arrived import score_arrived
from vouch.sources.declaration import LATER, Declaration
from vouch.sources.readers import parquet
from vouch.usecases.classes import check_same_classes, class_names

TRAINING, NEW = "training", "new"
"""Parts of the rows: those a model was trained on, and those that came since."""


@dataclass(frozen=True)
class Desk:
    """What cases are made from.

    Attributes:
        root: The project's folder.
        state: The project's state folder.
        source: The declaration of the rows.
        queue: The review store.
        version: The newest version, whose out-of-fold predictions are there.
        decision: What makes a class of its probabilities.
    """

    root: Path
    state: Path
    source: Declaration
    queue: Queue
    version: Version
    decision: Decision

    @property
    def usecase(self) -> str:
        """The use case."""
        return self.source.usecase

    def path(self, template: str, name: str) -> Path:
        """Return the place of one of the use case's files."""
        return self.root / template.format(usecase=self.usecase) / name

    def result(self, stage: str, output: str) -> Path:
        """Return the place of one of a stage's outputs."""
        return self.root / find(stage).outputs[output].format(usecase=self.usecase)

    @property
    def reviews(self) -> Path:
        """The folder of people's decisions."""
        return self.root / REVIEWS.format(usecase=self.usecase)

    def asked_about(self) -> set[str]:
        """Return the rows of all cases, and those decided in cases that were taken back."""
        queued = {case.entity for case in self.queue.all()}
        return queued | decided(self.reviews, "entity", self.source.name)

    def decided(self) -> "Counter[str]":
        """Count the reviewers who decided each case: in batches, or on the page by now."""
        rows = recorded(self.reviews, self.source.name)
        people = set(zip(rows["case"], rows["actor"].map(identity), strict=True))
        people |= {(case, identity(person)) for case, person in self.queue.decided()}
        return Counter(case for case, _ in people)


@dataclass(frozen=True)
class Part:
    """Rows that one model scored.

    Attributes:
        name: ``training`` or ``new``.
        rows: ``id``, ``rule``, scores in the order of the classes as declared now, and ``chosen``,
            the model's class.
        version: The model.
    """

    name: str
    rows: pd.DataFrame
    version: Version


def make_cases(
    desk: Desk, count: int, params: EnqueueParams, progress: Progress
) -> tuple[list[Case], list[str]]:
    """Choose rows and gather what is shown of each.

    Args:
        desk: What cases are made from.
        count: How many cases, at most.
        params: The streams' shares.
        progress: Called after each case explained.

    Returns:
        The cases, and warnings.
    """
    parts, warnings = _parts(desk, params.novelty > 0)
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    excluded = desk.asked_about()
    progress(0, count + 1, "choosing")
    rows["similar"] = _similar(desk, rows, excluded, params)
    chosen = select(pool(rows, desk.usecase, excluded, params.recent_days), count, params)
    facts = facts_of(desk.path(SILVER, "rows.parquet"), chosen["entity"].tolist())
    around = contexts_of(desk, chosen["entity"].tolist(), desk.version.extracted)
    cases: dict[str, Case] = {}
    for part in parts:
        for case in _explained(desk, part, chosen, facts, around):
            cases[case.entity] = case
            progress(len(cases), len(chosen) + 1, f"explaining {case.entity}")
    return [cases[entity] for entity in chosen["entity"]], warnings


def _parts(desk: Desk, novelty: bool) -> tuple[list[Part], list[str]]:
    """Return the rows that were trained on, those that came since, and why the latter are not."""
    parts, warnings = [_trained(desk)], list[str]()
    try:
        arrived = score_arrived(desk.root, desk.state, desk.usecase, novelty)
    except VouchError as error:  # people can be asked about the others all the same
        warnings.append(f"nobody is asked about the rows that came since: {described(error)}")
    else:
        if arrived is not None and len(arrived.rows):
            parts.append(Part(NEW, arrived.rows, arrived.version))
    return parts, warnings


def _trained(desk: Desk) -> Part:
    train = desk.path(GOLD, "train.parquet")
    rows = load_predictions(desk.path(TUNE, "predictions.parquet"), train)
    extracted = desk.version.extracted
    check_same_classes(extracted, desk.source, str(desk.version))
    likely, names = probabilities(rows), class_names(desk.source)
    chosen = numbers_in_order(desk.decision.classes(likely), extracted.classes, names)
    scores = in_order(likely, extracted.classes, names)
    rows = _with_late_truth(rows, usecases.find(desk.usecase).truth).assign(
        chosen=chosen, **dict(zip(score_columns(len(names)), scores.T, strict=True))
    )
    return Part(TRAINING, rows, desk.version)


def _with_late_truth(rows: pd.DataFrame, truth: str) -> pd.DataFrame:
    """Give rows whose truth came too late to train its source: nobody need be asked about them."""
    if SOURCE not in rows:
        return rows
    late = rows[TRUTH].notna() & ~settled(rows)
    return rows.assign(**{SOURCE: rows[SOURCE].mask(late, truth)})


def _similar(
    desk: Desk, rows: pd.DataFrame, excluded: set[str], params: EnqueueParams
) -> "pd.Series[float]":
    """Return how like what people found the rows are that can be asked about; NaN of others."""
    values = pd.Series(np.nan, rows.index)
    if not params.similar or usecases.find(desk.usecase).raw_features:  # texts are no numbers
        return values
    wanted = recent(rows, params.recent_days) & ~settled(rows) & ~rows["id"].isin(excluded)
    extracted = Extracted.read(desk.path(GOLD, "extract.json"))
    features = [feature["name"] for feature in extracted.features]
    values[wanted] = similar(desk.path(GOLD, "train.parquet"), features, rows["id"][wanted])
    return values


def _explained(
    desk: Desk,
    part: Part,
    chosen: pd.DataFrame,
    facts: dict[str, dict[str, Any]],
    around: dict[str, Context | None],
) -> Iterator[Case]:
    """Yield a part's cases."""
    names = class_names(desk.source)
    mine = chosen.merge(part.rows, left_on="entity", right_on="id")
    reasons = _reasons(desk, part.version, mine["entity"].tolist()) if len(mine) else iter(())
    moment, scores = now(), score_columns(len(names))
    for row, reason in zip(mine.to_dict("records"), reasons, strict=True):
        yield Case(
            case=name_of(desk.source, row["entity"]),
            usecase=desk.usecase,
            origin=desk.source.name,
            entity=row["entity"],
            stream=row["stream"],
            propensity=None if isnan(row["propensity"]) else row["propensity"],
            model=str(part.version),
            scores=[row[score] for score in scores],
            prediction=int(row["chosen"]),
            classes=list(names),
            part=part.name,
            facts=facts[row["entity"]],
            reasons=list(reason.parts),
            poor=reason.poor,
            stability=reason.stability,
            unstable=reason.unstable,
            context=None if (own := around[row["entity"]]) is None else own.content(),
            out_at=moment,
        )


def _reasons(desk: Desk, version: Version, ids: Sequence[str]) -> Iterator[Reasons]:
    usecase = usecases.find(desk.usecase)
    kind = usecase.explain_params()
    params = load_params(desk.root / "params.yaml", kind, "explain", desk.usecase)
    train, extracted = desk.path(GOLD, "train.parquet"), desk.path(GOLD, "extract.json")
    return usecase.explainer(train, extracted, version.model, params).reasons(ids)


def facts_of(silver: Path, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
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
        raise VouchError(f"{silver}: no row {missing[0]!r}, which gold has", "run the pipeline")
    return facts


def contexts_of(desk: Desk, ids: Sequence[str], extracted: Extracted) -> dict[str, Context | None]:
    """Gather what rows stood among when they would have been scored.

    Args:
        desk: What cases are made from.
        ids: Rows of silver.
        extracted: How long after a row is known it is scored.
    """
    if not ids:
        return {}
    usecase, silver = usecases.find(desk.usecase), desk.path(SILVER, "rows.parquet")
    lag = timedelta(seconds=extracted.lag_seconds or 0)
    return dict(zip(ids, usecase.context(desk.source, silver, ids, lag), strict=True))


def _plain(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value


def name_of(source: Declaration, entity: str) -> str:
    """Name a row's case: the same row is the same case."""
    digest = hashlib.sha256(f"{source.name}\n{entity}".encode()).hexdigest()
    return f"{source.usecase}-{digest[:12]}"
