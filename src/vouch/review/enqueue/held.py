"""Cases from the holdout, where people alone know its truth: drawn, blind, some decided twice."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from vouch import usecases
from vouch.core.errors import VouchError
from vouch.holdout.keeper import HoldoutKey, Keeper, ScoredModel
from vouch.holdout.ledger import now
from vouch.labels.issues import HELD
from vouch.labels.permanent import permanent
from vouch.metrics.crowd import believe
from vouch.models.predictions import Floats
from vouch.project.stages import GOLD, SILVER
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.register import Registration
from vouch.review.collect.batch import recorded
from vouch.review.enqueue.cases import Desk, contexts_of, facts_of, name_of
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.queue import Case
from vouch.stages.evaluate.stage import champion, scored_model
from vouch.usecases.classes import class_names, reviewed_words

MOST = 7
"""Reviewers of a row of the holdout, at most."""
AGAIN = 0.6
"""Share of the cases wanted that goes to rows decided before, at most."""

SECOND = "second reviewer"
"""Names the random numbers by which rows are drawn that two reviewers decide."""


def held_cases(desk: Desk, count: int, params: EnqueueParams) -> list[Case]:
    """Choose the cases of the holdout that people are asked about next.

    First those that want another reviewer, then new ones, as many as the gate misses.

    Args:
        desk: What cases are made from.
        count: The most cases wanted.
        params: The share of the holdout, and how many rows are decided twice.

    Returns:
        The cases; none where truth comes by itself, or the holdout answers no more.
    """
    summary = desk.path(GOLD, "extract.json")
    if not summary.exists():
        return []  # what else is missing is told by the others
    extracted, keeper = Extracted.read(summary), Keeper(desk.state)
    if extracted.arrives is not False:
        return []
    which = HoldoutKey.of(extracted)
    status = keeper.find(which)
    if status and status["status"] != "open":
        return []
    wanted = _wanted(desk, count, params)
    again = _waiting(desk, set(keeper.drawn(which)), params)[: math.ceil(AGAIN * wanted)]
    # the weightiest are asked about again, in an order that tells no weight
    again.sort(key=lambda case: case.case)
    return again + _new(desk, keeper, extracted, wanted - len(again))


def _wanted(desk: Desk, count: int, params: EnqueueParams) -> int:
    """Return how many new rows to ask about: none once the gate could tell."""
    share = math.ceil(count * params.holdout)
    truth = Evaluation.read(desk.result("evaluate", "evaluation")).holdout["truth"]
    missing = Registration.read(desk.result("register", "registration")).gate.get("missing", 0)
    told = truth is not None and truth.get("people", {}).get("decided")
    return min(share, missing) if missing or told else share


def _new(desk: Desk, keeper: Keeper, extracted: Extracted, wanted: int) -> list[Case]:
    """Return cases of rows that were drawn and not put out yet; draw more where they are few."""
    which, queued = HoldoutKey.of(extracted), desk.asked_about()
    waiting = [entity for entity in keeper.drawn(which) if entity not in queued]
    if len(waiting) < wanted:
        models = list(_models(desk, which, extracted))
        sealed = desk.path(GOLD, "holdout.sealed")
        more = wanted - len(waiting)
        keeper.draw(which, sealed, lambda rows: _sizes(desk, rows, models), more)
    chances = keeper.drawn(which)
    chosen = [entity for entity in chances if entity not in queued][:wanted]
    return list(_blind(desk, chosen, chances, extracted))


def _models(desk: Desk, which: HoldoutKey, extracted: Extracted) -> Iterator[ScoredModel]:
    """Yield the models that are to be compared: the newest version and the champion."""
    yield scored_model(desk.version.model, desk.usecase, desk.state)
    number, rival = champion(desk.state, which, extracted)
    if rival is not None and number != desk.version.number:
        yield rival


def _sizes(desk: Desk, rows: pd.DataFrame, models: Sequence[ScoredModel]) -> Floats:
    likely = []
    for model in models:
        try:
            likely.append(model.predict(rows))
        except (VouchError, KeyError):  # made for other features: it is not compared either
            continue
    return usecases.find(desk.usecase).sizes(rows, likely)


def _blind(
    desk: Desk, entities: Sequence[str], chances: dict[str, float], extracted: Extracted
) -> Iterator[Case]:
    """Yield cases that show what the row says and nothing of what a model or the rule thinks."""
    facts, moment = facts_of(desk.path(SILVER, "rows.parquet"), entities), now()
    around = contexts_of(desk, entities, extracted)
    for entity in entities:
        yield Case(
            case=name_of(desk.source, entity),
            usecase=desk.usecase,
            origin=desk.source.name,
            entity=entity,
            stream=HELD,
            propensity=chances[entity],
            model="",
            scores=[],
            prediction=0,
            classes=None,
            part=HELD,
            facts=facts[entity],
            reasons=[],
            poor=False,
            context=None if (own := around[entity]) is None else own.blind.content(),
            out_at=moment,
        )


def _waiting(desk: Desk, drawn: set[str], params: EnqueueParams) -> list[Case]:
    """Return the cases that want another reviewer and are not out to one, the weightiest first.

    Only those of the present holdout's rows, ``drawn``: the others count no more.
    """
    rows = recorded(desk.reviews, desk.source.name, reviewed_words(desk.source), desk.state)
    rows = rows[rows["entity"].isin(drawn)]
    ended = set(rows["case"][rows["final"].fillna(False).astype(bool)])
    words = rows[rows["stream"] == HELD].groupby(["case", "actor"])["label"].last()
    votes = words.groupby("case").value_counts().unstack(fill_value=0)
    votes = votes.reindex(columns=range(len(class_names(desk.source))), fill_value=0)
    cases, asked = {case.case: case for case in desk.queue.all()}, desk.queue.asked()
    votes = votes[votes.index.isin(cases)]
    chances = np.array([cases[str(case)].propensity for case in votes.index], np.float64)
    rare = usecases.find(desk.usecase).rare
    return [
        cases[case]
        for case in wanting(votes, chances, params.second, rare=rare)
        if case not in ended and asked[case] <= votes.loc[case].sum()
    ]


def wanting(votes: pd.DataFrame, chances: Floats, second: float, *, rare: bool) -> list[str]:
    """Return the decided rows of the holdout that want another reviewer, the weightiest first.

    Args:
        votes: Reviewers of each case (the index) by the class they chose, a column a class.
        chances: The chance each was drawn with, shape (cases,).
        second: Share of all cases that two reviewers decide.
        rare: Whether the second of two classes is rare: then no reviewer's word for it stands
            alone, and a case wants more until what all say together is nearly sure.
    """
    cast = votes.sum(axis=1).to_numpy()
    twice = (cast == 1) & (permanent(votes.index.to_series(), SECOND) < second)
    if not rare or votes.empty:
        tied = (cast == 2) & (votes.max(axis=1) == 1).to_numpy()
        return [str(case) for case in votes.index[twice | tied]]
    twice |= (cast == 1) & (votes[1] > 0).to_numpy()
    belief = believe(votes.to_numpy(np.int64), np.log(chances)[:, None])
    weight = np.where(belief.unsure & (cast < MOST), belief.positive * (1 - belief.positive), 0)
    order = np.argsort(-weight / chances, kind="stable")
    return [str(votes.index[row]) for row in order if weight[row] or twice[row]]
