"""The parts of the evaluate stage: the question to the holdout, and what is written."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import read_json, write_json
from vouch.holdout.keeper import HoldoutKey, HoldoutStatus, Keeper, Reply, ScoredModel, model_digest
from vouch.registry.versions import find_champion
from vouch.sources.declaration import load_declaration
from vouch.stages.evaluate.review import Review
from vouch.usecases import find
from vouch.usecases.contract import Candidate
from vouch.usecases.params import EvaluateParams


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


def key(extracted: dict[str, Any]) -> HoldoutKey:
    """Return the key of the holdout that an extract has sealed."""
    names = ("usecase", "source", "set", "generation")
    return HoldoutKey(**{name: extracted[name] for name in names})


def scored_model(folder: Path, usecase: str) -> ScoredModel:
    """Load a use case's model, to measure it on the holdout."""
    return ScoredModel(model_digest(folder), find(usecase).load_model(folder).predict)


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
    source = load_declaration(declaration)
    usecase = find(source.usecase)
    return usecase.candidate(source, read_json(extracted), rows, model, params)


def question(candidate: Candidate, holdout: Path, state: Path) -> HoldoutOutcome:
    """Ask the holdout about a candidate, beside the champion if there is one.

    Args:
        candidate: The candidate.
        holdout: The sealed file.
        state: The project's state folder.
    """
    which, keeper = key(candidate.extracted), Keeper(state)
    version, rival = _champion(state, which, candidate.extracted["classes"])
    challenger = scored_model(candidate.model, which.usecase)
    itself = rival is not None and rival.digest == challenger.digest
    reply = keeper.candidate(which, holdout, challenger, rival, candidate.judge)
    ledger = next((h for h in keeper.status() if _is(h, which)), None)
    return HoldoutOutcome(reply, version, itself, ledger)


def _champion(
    state: Path, which: HoldoutKey, classes: list[str]
) -> tuple[int | None, ScoredModel | None]:
    name = f"{which.usecase}-{which.source}"
    version = find_champion(state, name)
    if version is None:
        return None, None
    rival = scored_model(version.model, which.usecase)
    learned = version.evidence("extract.json").get("classes") or classes
    if learned != classes:
        rival = replace(rival, predict=partial(_refuse, learned))
    return version.number, rival


def _refuse(classes: list[str], rows: pd.DataFrame) -> NDArray[np.float64]:
    """Raise that a champion's probabilities are of other classes, in place of predicting them."""
    raise VouchError(f"it was trained for {', '.join(classes)}", "promote a newer version")


def _is(status: HoldoutStatus, which: HoldoutKey) -> bool:
    return all(status.get(name) == value for name, value in vars(which).items())


def write(
    evaluation: Path,
    candidate: Candidate,
    measured: dict[str, Any],
    reviewed: Review | None,
    outcome: HoldoutOutcome,
) -> dict[str, Any]:
    """Write ``evaluation.json``; see :func:`vouch.stages.evaluate.evaluate` for what it holds."""
    content = {
        "metric": candidate.metric,
        "kind": candidate.kind,
        "confidence": candidate.params.confidence,
        "out_of_fold": measured,
        "holdout": _answered(outcome.reply),
        **candidate.extras(),
        "review": reviewed,
        "champion": _compared(outcome),
        "ledger": outcome.ledger,
        "published": candidate.published(measured, outcome.reply.answer),
        "warnings": _warnings(measured, outcome, candidate.params),
    }
    write_json(evaluation, content)
    return content


class HoldoutPart(TypedDict):
    """The part ``holdout`` of ``evaluation.json``."""

    status: str
    question: int | None
    reason: str
    truth: dict[str, Any] | None
    rule: dict[str, Any] | None
    rule_comparison: dict[str, Any] | None
    rule_comparison_reason: str
    bootstrap: dict[str, Any] | None


class ChampionPart(TypedDict):
    """The part ``champion`` of ``evaluation.json``."""

    version: int | None
    comparison: dict[str, Any] | None
    reason: str


def _answered(reply: Reply) -> HoldoutPart:
    answer = reply.answer or {}
    against = answer.get("against_rule", {})
    return {
        "status": reply.status,
        "question": reply.question,
        "reason": reply.reason,
        "truth": answer.get("truth"),
        "rule": answer.get("rule"),
        "rule_comparison": against if against.get("difference") else None,
        "rule_comparison_reason": against.get("reason", ""),
        "bootstrap": answer.get("bootstrap"),
    }


def _compared(outcome: HoldoutOutcome) -> ChampionPart:
    """Return the champion's part; the answer that made a candidate champion compares another."""
    if outcome.itself:
        reason = "the candidate is the champion itself"
        return {"version": outcome.version, "comparison": None, "reason": reason}
    against = (outcome.reply.answer or {}).get("against_champion", {})
    return {
        "version": outcome.version,
        "comparison": against if against.get("difference") else None,
        "reason": against.get("reason", outcome.reply.reason),
    }


def _warnings(
    measured: dict[str, Any], outcome: HoldoutOutcome, params: EvaluateParams
) -> list[str]:
    sentences = [
        f"out of fold, against the {kind}: {measured[kind]['reason']}"
        for kind in ("truth", "rule")
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


def summary(content: dict[str, Any]) -> dict[str, Any]:
    """Return the evaluation in a few figures: the measure that decides, holdout status."""
    kind, metric = content["kind"], content["metric"]
    holdout = content["holdout"][kind]
    return {
        "kind": kind,
        f"{metric}_out_of_fold": content["out_of_fold"][kind][metric],
        f"{metric}_holdout": holdout and holdout[metric],
        **({"threshold": content["threshold"]["value"]} if "threshold" in content else {}),
        "holdout": content["holdout"]["status"],
        "question": content["holdout"]["question"],
        "warnings": content["warnings"],
    }
