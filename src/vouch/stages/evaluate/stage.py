"""The parts of the evaluate stage: the question to the holdout, and what is written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from vouch.core.errors import VouchError
from vouch.core.settings import describe
from vouch.engine import connect
from vouch.holdout.decisions import open_issues
from vouch.holdout.judge import Outlook
from vouch.holdout.keeper import HoldoutKey, Keeper, Reply, ScoredModel, model_digest
from vouch.holdout.mechanisms.comparison import scaled
from vouch.labels.held import known_by, votes
from vouch.labels.issues import HELD
from vouch.metrics.intervals import CONFIDENCE
from vouch.models.predictions import score_columns
from vouch.registry.versions import find_champion
from vouch.results.evaluate import (
    KINDS,
    Answer,
    Champion,
    Evaluation,
    Holdout,
    HoldoutStatus,
    OutOfFold,
    Review,
    compared,
    figure_of,
)
from vouch.results.extract import Extracted
from vouch.sources.declaration import Declaration, load_declaration
from vouch.usecases import find
from vouch.usecases.classes import reviewed_words, with_classes
from vouch.usecases.contract import Candidate
from vouch.usecases.params import EvaluateParams

ANSWER: TypeAdapter[Answer | None] = TypeAdapter(Answer | None)


@dataclass(frozen=True)
class HoldoutOutcome:
    """The holdout's reply, and the champion the candidate was compared with.

    Attributes:
        reply: The keeper's reply.
        version: The champion's version, or None.
        itself: Whether the candidate is the champion.
        ledger: The holdout's status after the question, or None if the ledger has none.
    """

    reply: Reply
    version: int | None
    itself: bool
    ledger: HoldoutStatus | None


def scored_model(folder: Path, usecase: str, state: Path) -> ScoredModel:
    """Load a use case's model, to measure it on the holdout."""
    return ScoredModel(model_digest(folder), find(usecase).load_model(folder, state).predict)


def load_candidate(
    declaration: Path, extracted: Path, predictions: Path, model: Path, params: EvaluateParams
) -> Candidate:
    """Read a candidate and its out-of-fold rows.

    Raises:
        VouchError: A file is missing or there are no rows.
    """
    try:
        rows = pd.read_parquet(predictions)
    except FileNotFoundError:
        raise VouchError(f"{predictions}: no such file", "run the stage tune first") from None
    if rows.empty:
        raise VouchError(f"{predictions}: no out-of-fold rows", "run the stage tune on more rows")
    source, result = load_declaration(declaration), Extracted.read(extracted)
    if not result.classes:  # an earlier release wrote none
        raise VouchError(f"{extracted}: classes: none are there", f"vouch run {source.usecase}")
    return find(source.usecase).candidate(source, result, rows, model, params)


def question(
    candidate: Candidate, source: Declaration, holdout: Path, labels: Path, state: Path
) -> HoldoutOutcome:
    """Ask the holdout about a candidate, beside the champion if there is one.

    Args:
        candidate: The candidate.
        source: What people's words mean.
        holdout: The sealed file.
        labels: Issued labels: where no truth comes by itself, people's decisions tell it.
        state: The project's state folder.
    """
    which, keeper = HoldoutKey.of(candidate.extracted), Keeper(state)
    version, rival = champion(state, which, candidate.extracted)
    challenger = scored_model(candidate.model, which.usecase, state)
    itself = rival is not None and rival.digest == challenger.digest
    word = _votes(labels, candidate.extracted, source, state)
    outlook = _outlook(candidate, state) if word is None else None
    reply = keeper.candidate(which, holdout, challenger, rival, candidate.judge, word, outlook)
    status = keeper.find(which)
    ledger = status and status | {"head": reply.head}
    return HoldoutOutcome(reply, version, itself, ledger)


def _votes(
    labels: Path, extracted: Extracted, source: Declaration, state: Path
) -> pd.DataFrame | None:
    """Count people's votes on rows of the holdout; None where truth comes by itself."""
    if extracted.arrives is not False:
        return None
    with connect() as engine:
        known = known_by(engine.read_parquet(labels), extracted.as_of)
        held = engine.to_pyarrow(known.filter(known.source == HELD))
    issues = open_issues(state, held, reviewed_words(source)).to_pandas()
    return votes(issues, len(extracted.classes), held["entity"].to_pylist())


def _outlook(candidate: Candidate, state: Path) -> Outlook | None:
    """Return what out-of-fold rows say of a candidate, beside the champion's where both have any.

    The champion's cannot be had of other classes or where its files are gone: then its errors are
    taken to be independent of the candidate's, which makes the outlook more careful.
    """
    alone = candidate.judge.outlook(candidate.rows, None)
    which = HoldoutKey.of(candidate.extracted)
    version = find_champion(state, f"{which.usecase}-{which.source}")
    if version is None or alone is None:
        return alone
    careful = replace(alone, gap=0.0, difference=sqrt(2) * alone.error)
    trained = with_classes(version.extracted)
    if trained.differing(candidate.extracted) or not version.predictions.exists():
        return careful
    order = [trained.classes.index(name) for name in candidate.extracted.classes]
    columns = [score_columns(len(order))[place] for place in order]
    theirs = pd.read_parquet(version.predictions)
    if not {"id", *columns} <= {*theirs.columns}:
        return careful
    both = candidate.rows.merge(theirs[["id", *columns]], on="id", suffixes=("", " champion"))
    beside = candidate.judge.outlook(
        both[list(candidate.rows.columns)],
        both[[f"{name} champion" for name in columns]].to_numpy(np.float64),
    )
    if beside is None:
        return careful
    difference = scaled(beside.difference, beside.units, alone.units)
    return replace(alone, gap=beside.gap, difference=difference)


def champion(
    state: Path, which: HoldoutKey, extracted: Extracted
) -> tuple[int | None, ScoredModel | None]:
    """Return the champion's version and model, its classes in the order of an extract.

    Args:
        state: The project's state folder.
        which: The holdout it is measured on.
        extracted: What sealed it: a champion of other classes refuses to predict.

    Returns:
        None and None where there is none.
    """
    version = find_champion(state, f"{which.usecase}-{which.source}")
    if version is None:
        return None, None
    rival = scored_model(version.model, which.usecase, state)
    trained = with_classes(version.extracted)
    if reason := trained.differing(extracted):
        return version.number, replace(rival, predict=partial(_refuse, reason))
    order = [trained.classes.index(name) for name in extracted.classes]
    return version.number, replace(rival, predict=partial(_ordered, rival.predict, order))


def _refuse(reason: str, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Raise that a champion's probabilities are of other classes, in place of predicting them."""
    raise VouchError(f"{reason}; a person decides, with vouch promote", "vouch promote")


def _ordered(
    predict: Callable[[pd.DataFrame], NDArray[np.float64]], order: list[int], rows: pd.DataFrame
) -> NDArray[np.float64]:
    """Return a champion's probabilities in the candidate's order of classes."""
    return predict(rows)[:, order]


def gather(
    candidate: Candidate,
    measured: OutOfFold,
    reviewed: Review | None,
    outcome: HoldoutOutcome,
) -> Evaluation:
    """Return all figures of a candidate."""
    answer = _answer(outcome.reply)
    return Evaluation(
        metric=candidate.metric,
        kind=candidate.kind,
        confidence=CONFIDENCE,
        out_of_fold=measured,
        holdout=_answered(outcome.reply, answer),
        **candidate.extras(),
        review=reviewed,
        champion=_compared(outcome, answer),
        ledger=outcome.ledger,
        published=candidate.published(measured, answer),
        warnings=_warnings(measured, outcome, candidate.params),
    )


def _answer(reply: Reply) -> Answer | None:
    """Return the figures of a reply, which may have been recorded by an earlier release.

    Raises:
        VouchError: They are not what an answer holds by now.
    """
    try:
        return ANSWER.validate_python(reply.answer)
    except ValidationError as error:
        raise VouchError(
            f"the ledger's answer to question {reply.question}: {describe(error)}",
            "it is of another release: vouch holdout rotate",
        ) from None


def _answered(reply: Reply, answer: Answer | None) -> Holdout:
    against = answer["against_rule"] if answer else None
    return {
        "status": reply.status,
        "question": reply.question,
        "reason": reply.reason,
        "truth": answer["truth"] if answer else None,
        "rule": answer["rule"] if answer else None,
        "rule_comparison": against if against and compared(against) else None,
        "rule_comparison_reason": against.get("reason", "") if against else "",
        "bootstrap": answer["bootstrap"] if answer else None,
        "mechanism": answer.get("mechanism", "exact") if answer else "exact",
        "guarantee": answer.get("guarantee", "none") if answer else "none",
    }


def _compared(outcome: HoldoutOutcome, answer: Answer | None) -> Champion:
    """Return the champion's part; the answer that made a candidate champion compares another."""
    if outcome.itself:
        reason = "the candidate is the champion itself"
        return {"version": outcome.version, "comparison": None, "reason": reason}
    if answer is None:
        return {"version": outcome.version, "comparison": None, "reason": outcome.reply.reason}
    against = answer["against_champion"]
    return {
        "version": outcome.version,
        "comparison": against if compared(against) else None,
        "reason": against.get("reason", outcome.reply.reason),
    }


def _warnings(measured: OutOfFold, outcome: HoldoutOutcome, params: EvaluateParams) -> list[str]:
    sentences = [
        f"out of fold, against the {kind}: {measured[kind]['reason']}"
        for kind in KINDS
        if "reason" in measured[kind]
    ]
    if outcome.reply.reason:
        sentences.append(f"holdout {outcome.reply.status}: {outcome.reply.reason}")
    budget = outcome.ledger and outcome.ledger["budget"]
    if budget and budget != params.budget:
        sentences.append(
            f"the holdout's budget stays {budget}, as when it was first asked; "
            f"evaluate.budget {params.budget} counts from the next generation"
        )
    return sentences


def summary(content: Evaluation) -> dict[str, object]:
    """Return the evaluation in a few figures: the measure that decides, holdout status."""
    kind, metric = content.kind, content.metric
    return {
        "kind": kind,
        f"{metric}_out_of_fold": figure_of(content.out_of_fold[kind], metric),
        f"{metric}_holdout": figure_of(content.holdout[kind], metric),
        **({} if content.cut is None else {"threshold": content.cut}),
        "holdout": content.holdout["status"],
        "question": content.holdout["question"],
        "warnings": content.warnings,
        **({"blind": content.blind["period"]} if content.blind else {}),
    }
