"""The parts of the evaluate stage: the question to the holdout, and what is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vouch.evaluate.candidate import Candidate
from vouch.evaluate.published import side_by_side
from vouch.files import write_json
from vouch.holdout.keeper import Contestant, HoldoutKey, Keeper, Reply, model_digest
from vouch.register.promotions import champion, champion_version


@dataclass(frozen=True)
class Asked:
    """The holdout's reply, and whom the candidate was compared with.

    Attributes:
        reply: What the keeper said.
        version: The champion's version, or None.
        itself: Whether the candidate is the champion.
        ledger: The holdout's status after the question, or None if the ledger has none.
    """

    reply: Reply
    version: int | None
    itself: bool
    ledger: dict[str, Any] | None


def key(extracted: dict[str, Any]) -> HoldoutKey:
    """Say which holdout an extract has sealed."""
    names = ("usecase", "source", "set", "generation")
    return HoldoutKey(**{name: extracted[name] for name in names})


def contestant(folder: Path) -> Contestant:
    """Load a model to stand before the holdout."""
    from vouch.tune.models import load

    return Contestant(model_digest(folder), load(folder).predict)


def question(candidate: Candidate, holdout: Path, state: Path) -> Asked:
    """Ask the holdout about a candidate, beside the champion if there is one.

    Args:
        candidate: The candidate.
        holdout: The sealed file.
        state: The project's state folder.
    """
    which, keeper = key(candidate.extracted), Keeper(state)
    version, rival = _champion(state, f"{which.usecase}-{which.source}")
    challenger = contestant(candidate.model)
    itself = rival is not None and rival.digest == challenger.digest
    reply = keeper.candidate(which, holdout, challenger, rival, candidate.terms)
    ledger = next((h for h in keeper.status() if _is(h, which)), None)
    return Asked(reply, version, itself, ledger)


def _champion(state: Path, name: str) -> tuple[int | None, Contestant | None]:
    version, folder = champion_version(state, name), champion(state, name)
    return version, contestant(folder) if folder else None


def _is(status: dict[str, Any], which: HoldoutKey) -> bool:
    return all(status[name] == value for name, value in vars(which).items())


def write(
    evaluation: Path, candidate: Candidate, measured: dict[str, Any], asked: Asked
) -> dict[str, Any]:
    """Write ``evaluation.json``; see :func:`vouch.evaluate.evaluate` for what it holds."""
    threshold = dict(candidate.threshold)
    content = {
        "out_of_fold": measured,
        "holdout": _holdout(asked.reply),
        "cost_curve": threshold.pop("curve"),
        "threshold": threshold | {"kind": candidate.kind},
        "curves": candidate.curves(),
        "champion": _compared(asked),
        "ledger": asked.ledger,
        "published": side_by_side(candidate.declaration.name, measured, asked.reply.answer),
        "warnings": _warnings(candidate, measured, asked),
    }
    write_json(evaluation, content)
    return content


def _holdout(reply: Reply) -> dict[str, Any]:
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


def _compared(asked: Asked) -> dict[str, Any]:
    """Tell of the champion; the answer that made a candidate champion compares it with another."""
    if asked.itself:
        reason = "the candidate is the champion itself"
        return {"version": asked.version, "comparison": None, "reason": reason}
    against = (asked.reply.answer or {}).get("against_champion", {})
    return {
        "version": asked.version,
        "comparison": against if against.get("difference") else None,
        "reason": against.get("reason", asked.reply.reason),
    }


def _warnings(candidate: Candidate, measured: dict[str, Any], asked: Asked) -> list[str]:
    said = [
        f"out of fold, against the {kind}: {measured[kind]['reason']}"
        for kind in ("truth", "rule")
        if "reason" in measured[kind]
    ]
    if asked.reply.reason:
        said.append(f"holdout {asked.reply.status}: {asked.reply.reason}")
    budget = asked.ledger and asked.ledger["budget"]
    if budget and budget != candidate.params.budget:
        said.append(
            f"the holdout's budget stays {budget}, as when it was first asked; "
            f"evaluate.budget {candidate.params.budget} counts from the next generation"
        )
    return said


def summary(content: dict[str, Any]) -> dict[str, Any]:
    """Say the evaluation in a few figures: average precision, threshold, holdout status."""
    kind = content["threshold"]["kind"]
    held = content["holdout"][kind]
    return {
        "kind": kind,
        "average_precision_out_of_fold": content["out_of_fold"][kind]["average_precision"],
        "average_precision_holdout": held and held["average_precision"],
        "threshold": content["threshold"]["value"],
        "holdout": content["holdout"]["status"],
        "question": content["holdout"]["question"],
        "warnings": content["warnings"],
    }
