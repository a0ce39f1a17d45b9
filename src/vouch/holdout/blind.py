"""Blind analysis: until the pipeline is frozen, development figures carry a hidden offset.

A period begins with random bytes (:class:`vouch.metrics.blinding.Blinding`), of which the ledger
gets a commitment, and the bytes themselves encrypted with the project's key. It ends with the
bytes in plain, beside a digest of the pipeline that is frozen by then. Both are rows of the hash
chain.

What leaves a stage passes through two places: a search's figures through
:class:`vouch.models.veil.Veil`, an evaluation through :func:`blinded`.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from vouch.core.database import exists, place
from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.holdout import sealed as box
from vouch.holdout.ledger import Ledger
from vouch.holdout.tables import Blindness
from vouch.metrics.blinding import NONCE, SHARES, Blinding, Periods
from vouch.metrics.figures import Figure
from vouch.results.blind import Blind
from vouch.results.evaluate import (
    KINDS,
    Evaluation,
    Figures,
    Kind,
    OutOfFold,
    Review,
    Threshold,
)

FACTS = ("rows", "positives", "too_few", "reason", "evidence", "by_class")
"""What an evaluation holds of the rows themselves: of no model, so it tells no offset."""
PROJECT = "project"
"""The file in the state folder that says whose the periods are."""
ABANDONED = ""
"""The nonce of a period that was abandoned: it is unknown."""
WITHHELD = (
    "What would tell the offset is withheld: curves, calibration, confusion, costs, slices, folds, "
    "the rule's figures, those of people's decisions, and published ones."
)
SEEN = (
    "Figures were seen before. Anyone who noted one can compute the offset when the same model is "
    "shown again."
)
"""What a reader must know where figures had been seen when the period began."""


@dataclass(frozen=True)
class Status:
    """Whether a use case is blind.

    Attributes:
        usecase: Which one.
        blind: Whether it is.
        period: The name of the present or last period; None: it never was.
        since: Since when it is as it is; None likewise.
        actor: Who decided so; None likewise.
        seen: Whether figures had been seen when the period began; None likewise.
        pipeline: Digest of the pipeline that was frozen when the last period ended; None: none
            has, or a later one is in force.
        git_commit: The commit of its code; None likewise.
        abandoned: Whether the last period ended without its offset, whose key was lost.
    """

    usecase: str
    blind: bool
    period: str | None = None
    since: datetime | None = None
    actor: str | None = None
    seen: bool | None = None
    pipeline: str | None = None
    git_commit: str | None = None
    abandoned: bool = False

    def describe(self) -> Blind | None:
        """Return what results carry of a period in force; None where there is none."""
        if not self.blind or self.period is None or self.since is None:
            return None
        return {
            "period": self.period,
            "since": self.since.isoformat(timespec="seconds"),
            "by": self.actor or "",
            "seen": bool(self.seen),
        }


def status(state: Path, usecase: str) -> Status:
    """Return whether a use case is blind; a project without a ledger is not."""
    return _status(usecase, _rows(state, usecase))


def blind_usecases(state: Path) -> list[str]:
    """Return the names of the use cases that are blind in any project which shares the ledger."""
    return Ledger(state).usecases_blind_anywhere() if exists(state) else []


def project_of(state: Path) -> str | None:
    """Return what tells a project's periods from those of others that share its ledger.

    It follows from the project's key, which every clone of it has, and is kept beside the key from
    the first period on: where the key is lost, the period can still be abandoned.

    Args:
        state: The project's state folder.

    Returns:
        64 hexadecimal digits; None: there is no key, so no period can have begun.
    """
    path = state / PROJECT
    if path.exists():
        return path.read_text().strip()
    if not (state / box.KEY).exists():
        return None
    return hmac.digest(box.read_key(state), PROJECT.encode(), "sha256").hex()


def _claimed(state: Path) -> str:
    """Return :func:`project_of` of a project that is about to have a row of its own; keep it."""
    if not (state / PROJECT).exists():  # else the key may be lost: a period can be abandoned then
        box.make_key(state)
    project = project_of(state)
    assert project is not None
    with replacing(state / PROJECT) as draft:
        draft.write_text(f"{project}\n")
    return project


def _rows(state: Path, usecase: str) -> list[Blindness]:
    """Return when a project's use case became blind and was unblinded; nothing without a ledger."""
    return Ledger(state).blindness(usecase, project_of(state)) if exists(state) else []


def begin(state: Path, usecase: str, *, seen: bool) -> bool:
    """Make a use case blind.

    Args:
        state: The project's state folder.
        usecase: Which one.
        seen: Whether development figures have been seen.

    Returns:
        Whether it was not blind before.

    Raises:
        TamperedError: The ledger was changed; nothing is recorded.
    """
    key = box.make_key(state)

    def propose(rows: Sequence[Blindness]) -> Blindness | None:
        if _status(usecase, rows).blind:
            return None
        blinding = Blinding(usecase, secrets.token_bytes(NONCE))
        return Blindness(
            usecase=usecase,
            state="on",
            commitment=blinding.commitment,
            nonce=box.seal_text(key, blinding.nonce),
            seen=seen,
        )

    return Ledger(state).blind(usecase, _claimed(state), propose) is not None


def end(state: Path, usecase: str, pipeline: str, git_commit: str) -> bool:
    """Unblind a use case: what makes its figures is frozen.

    Args:
        state: The project's state folder.
        usecase: Which one.
        pipeline: Digest of what is frozen.
        git_commit: The commit of the code.

    Returns:
        Whether it was blind before.

    Raises:
        VouchError: The project's key is not the one the period was sealed with.
        TamperedError: The ledger was changed; nothing is recorded.
    """

    def propose(rows: Sequence[Blindness]) -> Blindness | None:
        if not _status(usecase, rows).blind:
            return None
        blinding = _opened(state, rows[-1])
        return Blindness(
            usecase=usecase,
            state="off",
            commitment=blinding.commitment,
            nonce=blinding.nonce.hex(),
            pipeline=pipeline,
            git_commit=git_commit,
        )

    return Ledger(state).blind(usecase, project_of(state), propose) is not None


def abandon(state: Path, usecase: str) -> bool:
    """End a period whose offset cannot be decrypted any more: the project's key was lost.

    Nothing is frozen by it, and what was shown in the period stays blinded for ever.

    Args:
        state: The project's state folder.
        usecase: Which use case.

    Returns:
        Whether it was blind before.

    Raises:
        VouchError: The project's key still opens the offset.
        TamperedError: The ledger was changed; nothing is recorded.
    """

    def propose(rows: Sequence[Blindness]) -> Blindness | None:
        if not _status(usecase, rows).blind:
            return None
        if _opens(state, rows[-1]):
            raise VouchError(
                f"the blind period of {usecase} is not abandoned: {box.KEY} opens its offset",
                f"freeze the pipeline: vouch blind off {usecase}",
            )
        return Blindness(
            usecase=usecase, state="off", commitment=rows[-1].commitment, nonce=ABANDONED
        )

    if not status(state, usecase).blind:
        return False
    abandoned = Ledger(state).blind(usecase, _claimed(state), propose) is not None
    if abandoned:  # who says so has no copy of the key: the next run may make another
        box.lose_key(state)
    return abandoned


def periods(state: Path, usecase: str) -> Periods:
    """Return a use case's blind periods.

    Raises:
        VouchError: The project's key is not the one that the period in force was sealed with.
    """
    rows = _rows(state, usecase)
    known = [_opened(state, row) for row in rows if row.state == "off" and row.nonce != ABANDONED]
    now = _opened(state, rows[-1]) if _status(usecase, rows).blind else None
    everything = [*known, now] if now else known
    return Periods(now, {blinding.period: blinding for blinding in everything})


def declared(state: Path, usecase: str, blind: str | None) -> Periods:
    """Return a use case's blind periods, if the one that is declared is in force.

    Args:
        state: The project's state folder.
        usecase: Which one.
        blind: The period that ``data/inputs.yaml`` names; None: none.

    Raises:
        VouchError: The ledger says otherwise.
    """
    known = periods(state, usecase)
    if known.name != blind:
        raise VouchError(
            f"data/inputs.yaml: usecases.{usecase}.blind: the ledger says "
            f"{known.name or 'that it is not blind'} (got {blind or 'null'})",
            f"vouch run {usecase} writes what the ledger says",
        )
    return known


def in_force(state: Path, usecase: str, before: str | None) -> str | None:
    """Return the period that ``data/inputs.yaml`` is to name: the one in force.

    A copy of a project without its state folder has no ledger, and must not become unblinded by
    that alone: what a search of it measures would be shown as it is.

    Args:
        state: The project's state folder.
        usecase: Which use case.
        before: The period that the file names now; None: none.

    Returns:
        Its name; None where the use case is not blind.

    Raises:
        VouchError: The ledger does not know the period that the file names.
    """
    rows = _rows(state, usecase)
    if before is not None and before not in {row.commitment[:12] for row in rows}:
        raise VouchError(
            f"data/inputs.yaml: usecases.{usecase}.blind: the ledger, {place(state)}, has no blind "
            f"period {before}",
            "bring the ledger back, with its holdout.key; or, to show true figures, set blind: "
            "null yourself",
        )
    now = _status(usecase, rows)
    return now.period if now.blind else None


def refusal(state: Path, usecase: str) -> str:
    """Return why nothing is promoted and the holdout is not asked; nothing where it is not blind.

    Args:
        state: The project's state folder.
        usecase: Whose model.
    """
    now = status(state, usecase)
    if not now.blind:
        return ""
    return (
        f"{usecase} is blind since {now.since:%Y-%m-%d %H:%M} UTC, until its pipeline is frozen "
        f"(vouch blind off {usecase})"
    )


def sentence(blind: Blind) -> str:
    """Return what a reader must know of blinded figures."""
    since = blind["since"][:16].replace("T", " ")
    return (
        f"blinded since {since} UTC: all figures of a metric carry one hidden offset, so "
        f"differences are true and values mean nothing; intervals are wider. {WITHHELD}"
        f"{f' {SEEN}' * blind['seen']}"
    )


def blinded(evaluation: Evaluation, blinding: Blinding, blind: Blind) -> Evaluation:
    """Return an evaluation as it may be seen: its figures with their offsets, others withheld.

    Against what the model is not judged first, nothing of it is shown: a model that has learned
    the rule reaches its exact maximum, 1.

    Args:
        evaluation: The evaluation.
        blinding: The period in force.
        blind: The same for those who read it.
    """
    metric, kind = evaluation.metric, evaluation.kind
    shown = SHARES | {metric}
    update = {
        "out_of_fold": out_of_fold(evaluation.out_of_fold, kind, blinding, shown),
        "threshold": _threshold(evaluation.threshold),
        "cost_curve": [],
        "curves": None,
        "review": _review(evaluation.review),
        "published": [],
        "warnings": [sentence(blind), *evaluation.warnings],
        "blind": blind,
    }
    return evaluation.model_copy(update=update)


def out_of_fold(
    measured: OutOfFold, kind: Kind, blinding: Blinding, shown: frozenset[str]
) -> OutOfFold:
    """Return figures on out-of-fold rows as they may be seen.

    Args:
        measured: The figures.
        kind: Against what the model is judged first.
        blinding: The period in force.
        shown: The metrics that an offset hides; all others are withheld.
    """
    truth, rule = (
        figures(measured[each], blinding, shown if each == kind else frozenset()) for each in KINDS
    )
    the_rule = figures(measured["the_rule"]["truth"], blinding, frozenset())
    return {"truth": truth, "rule": rule, "the_rule": {"truth": the_rule}}


def figures(measured: Figures, blinding: Blinding, shown: frozenset[str]) -> Figures:
    """Return a model's figures as they may be seen; see :func:`out_of_fold`."""
    everything = cast("Mapping[str, Any]", measured)
    facts = {name: everything[name] for name in FACTS if name in everything}
    offset = {
        name: blinding.figure(name, cast("Figure", figure))
        for name, figure in everything.items()
        if name in shown and isinstance(figure, Mapping)
    }
    # what a random model reaches: a fact of the rows, and no model's figure
    return cast("Figures", {**facts, "chance": everything["chance"], **offset})


def _threshold(threshold: Threshold | None) -> Threshold | None:
    """Return where decisions change, without what that was measured to cost."""
    if threshold is None:
        return None
    return {
        "value": threshold["value"],
        "interval": None,
        "cost": None,
        "kind": threshold["kind"],
        "reason": "blinded: what decisions at the threshold cost is withheld",
    }


def _review(review: Review | None) -> Review | None:
    """Return what people decided, without what that says of the model."""
    return None if review is None else {**review, "metrics": {}}


def _status(usecase: str, rows: Sequence[Blindness]) -> Status:
    if not rows:
        return Status(usecase, blind=False)
    last = rows[-1]
    began = [row for row in rows if row.state == "on"][-1]
    return Status(
        usecase,
        last.state == "on",
        last.commitment[:12],
        last.at,
        last.actor,
        began.seen,
        last.pipeline,
        last.git_commit,
        last.nonce == ABANDONED,
    )


def _opened(state: Path, row: Blindness) -> Blinding:
    if row.state == "off":
        return Blinding(row.usecase, bytes.fromhex(row.nonce))
    where = f"the ledger's offset of {row.usecase}, period {row.commitment[:12]}"
    try:
        return Blinding(row.usecase, box.unseal_text(box.read_key(state), row.nonce, where))
    except VouchError as error:
        raise VouchError(
            f"{where}: cannot be decrypted: {error}",
            f"bring back the {box.KEY} of the project that began the period; if it is lost: "
            f"vouch blind off {row.usecase} --abandon",
        ) from None


def _opens(state: Path, row: Blindness) -> bool:
    with suppress(VouchError):
        return bool(_opened(state, row))
    return False
