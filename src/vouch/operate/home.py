"""How things stand: what the start page of ``vouch up`` shows of each use case."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vouch.core.clock import midnight
from vouch.core.database import exists
from vouch.core.errors import VouchError, described
from vouch.core.settings import load_params
from vouch.holdout.ledger import HoldoutKey, Ledger, now
from vouch.metrics.agreement import in_words
from vouch.operate.folders import CASES, NEW_ROWS, REVIEWS, ROWS, SCORES, TO_SCORE, arrived
from vouch.pages import formats
from vouch.pages.cards import headline_part
from vouch.project.inputs import Choice, present_source
from vouch.project.paths import STATE
from vouch.project.stages import REVIEWS as REVIEWS_KEPT
from vouch.project.stages import SILVER, find
from vouch.registry.approval import waiting
from vouch.registry.promotions import Promotion, champion_entry
from vouch.registry.versions import find_champion
from vouch.results.evaluate import Evaluation, HoldoutStatus
from vouch.results.ingest import Ingested
from vouch.results.register import Registration
from vouch.results.validate import Validated
from vouch.review.collect.by_file import file_decisions
from vouch.review.collect.page import held_back
from vouch.review.oversight import brief
from vouch.review.page.params import ReviewParams
from vouch.review.queue import Queue
from vouch.review.queue.seats import Seats

PAGES = {
    "report": "data/report/{usecase}/report.html",
    "validation": f"{SILVER}/validation.html",
}
"""What can be read of each use case."""
FILES = {"cases": CASES, "scores": SCORES}
"""Folders of each use case whose files can be fetched."""
JUDGED = {"gate": "by the gate", "manual": "by hand", "rollback": "by a rollback"}


@dataclass(frozen=True)
class Need:
    """What waits for a person: a sentence, and where it is settled.

    Attributes:
        message: What it is.
        command: By which it is settled, if there is one.
        link: The page on which it is settled, if there is one.
        on_review_page: Whether that is one of the review page's.
    """

    message: str
    command: str = ""
    link: str = ""
    on_review_page: bool = False


@dataclass(frozen=True)
class Fact:
    """A figure on the page: what it is, its value, and a note."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """What the page shows of a use case.

    Attributes:
        usecase: The use case.
        source: What it runs on.
        pages: Those of ``PAGES`` that are there.
        files: Names of the files in each folder of ``FILES``, newest first.
        waiting: How many files lie in each of its inbox's folders.
        blind: The period in which its figures are blinded; None: they are not.
        facts: How it stands.
        needs: What waits for a person.
    """

    usecase: str
    source: str
    pages: list[str]
    files: dict[str, list[str]]
    waiting: dict[str, int]
    blind: str | None
    facts: list[Fact] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)

    @property
    def count_of_needs(self) -> int:
        """How many things wait for a person."""
        return len(self.needs)


def section(root: Path, usecase: str, choice: Choice) -> Section:
    """Gather what the page shows of a use case; what cannot be read is among its needs."""
    facts: list[Fact] = []
    needs: list[Need] = []
    for part in (_champion, _holdout, _people, _rows):
        try:
            part(root, usecase, choice, facts, needs)
        except VouchError as error:
            needs.append(Need(described(error)))
    return Section(
        usecase,
        choice.source,
        [name for name, path in PAGES.items() if (root / path.format(usecase=usecase)).exists()],
        {name: _newest(root / path.format(usecase=usecase)) for name, path in FILES.items()},
        {
            path.format(usecase=usecase): len(arrived(root / path.format(usecase=usecase)))
            for path in (ROWS, TO_SCORE, REVIEWS)
        },
        choice.blind,
        facts,
        needs,
    )


def _newest(folder: Path) -> list[str]:
    files = sorted(arrived(folder), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.name for path in files]


def _result(root: Path, stage: str, output: str, usecase: str) -> Path:
    return root / find(stage).outputs[output].format(usecase=usecase)


def _champion(
    root: Path, usecase: str, choice: Choice, facts: list[Fact], needs: list[Need]
) -> None:
    registered = _result(root, "register", "registration", usecase)
    if not registered.exists():
        run = f"vouch run {usecase}"
        needs.append(Need("Nothing has run yet.", run, "/prefect/deployments"))
        return
    name = f"{usecase}-{choice.source}"
    entry = champion_entry(root / STATE, name)
    if entry is None:
        facts.append(Fact("Champion", "none yet", "the rule decides"))
    else:
        facts.append(_standing(root, usecase, entry, Registration.read(registered)))
    if challenger := waiting(registered, root / STATE):
        needs.append(
            Need(
                f"Version {challenger.version} proved better and waits for approval.",
                f"vouch promote {name}:{challenger.version}",
                "/prefect/runs?state=Paused",
            )
        )


def _standing(root: Path, usecase: str, entry: Promotion, newest: Registration) -> Fact:
    """Return the champion with its figure: that of the last evaluation, or its own of then."""
    since = f"since {formats.when(entry.at)}, {JUDGED.get(entry.kind, entry.kind)}"
    version = f"version {entry.to_version}"
    if newest.version == entry.to_version:
        evaluation = Evaluation.read(_result(root, "evaluate", "evaluation", usecase))
    elif champion := find_champion(root / STATE, entry.name):
        evaluation = champion.evaluation
    else:  # MLflow lost it
        return Fact("Champion", version, f"{since}: {entry.why}")
    part, where = headline_part(evaluation)
    figures: Any = part.get("truth") or part.get("rule") or {}
    figure = formats.figure(figures.get(evaluation.metric))
    measured = f"{formats.words(evaluation.metric)} {figure} {where}"
    return Fact("Champion", version, f"{measured}; {since}")


def _holdout(
    root: Path, usecase: str, choice: Choice, facts: list[Fact], needs: list[Need]
) -> None:
    if not exists(root / STATE):
        return
    key = HoldoutKey(usecase, choice.source, choice.set, choice.generation)
    status = Ledger(root / STATE).find(key)
    if status is None:
        return
    facts.append(_questions(status))
    if status["status"] == "spent":
        needs.append(
            Need(
                "The holdout is spent: nothing new is promoted.", f"vouch holdout rotate {usecase}"
            )
        )


def _questions(status: HoldoutStatus) -> Fact:
    left, budget = status["left"], status["budget"]
    if budget is None:
        return Fact("Questions left", "all", "the holdout was not asked yet")
    return Fact("Questions left", f"{left} of {budget}", f"holdout {status['generation']}")


def _people(root: Path, usecase: str, choice: Choice, facts: list[Fact], needs: list[Need]) -> None:
    if not exists(root / STATE):
        return
    work = Queue(root / STATE, usecase, choice.source).work(midnight(now()), now())
    oldest = f"oldest of {formats.when(work.oldest)}" if work.oldest else ""
    facts.append(Fact("Cases waiting", formats.count(work.waiting), oldest))
    facts.append(Fact("Decided today", formats.count(work.today), "on the review page"))
    _agreement(root, usecase, facts, needs)


def _agreement(root: Path, usecase: str, facts: list[Fact], needs: list[Need]) -> None:
    """Say how far reviewers agree, and which of their decisions wait for a lead."""
    source, folder = present_source(root, usecase), root / REVIEWS_KEPT.format(usecase=usecase)
    params = load_params(root / "params.yaml", ReviewParams, "review", usecase)
    seats = Seats(root / STATE, usecase, source.name, params.leased)
    short = brief(seats, file_decisions(folder, source))
    if short.together["value"] is None:
        facts.append(Fact("Agreement", "–", "too few cases that two people decided"))
    else:
        note = "of all reviewers, beyond chance: Fleiss’ kappa (95 %)"
        facts.append(Fact("Agreement", in_words(short.together), note))
    if count := short.conflicts:
        cases = "1 case waits" if count == 1 else f"{formats.count(count)} cases wait"
        message = f"{cases} for a lead: reviewers differ."
        needs.append(Need(message, "", f"/lead/{usecase}#conflicts", on_review_page=True))
    doubtful = Counter(a.person for a in held_back(root / STATE, seats, source, folder, params))
    for person, count in sorted(doubtful.items()):
        decisions = "1 decision waits" if count == 1 else f"{formats.count(count)} decisions wait"
        message = f"{person} is flagged: {decisions} for a second person or a lead."
        needs.append(Need(message, "", f"/lead/{usecase}#people", on_review_page=True))


def _rows(root: Path, usecase: str, choice: Choice, facts: list[Fact], needs: list[Need]) -> None:
    validated = _result(root, "validate", "summary", usecase)
    ingested = _result(root, "ingest", "summary", usecase)
    if not validated.exists() or not ingested.exists():
        return
    counts, came = Validated.read(validated).counts, Ingested.read(ingested)
    last = max((file["arrived_at"] for file in came.files), default=None)
    aside = counts["quarantine"] + came.rejects - came.dropped
    note = f"last file of {formats.when(last)}" if last else ""
    facts.append(Fact("Rows", formats.count(counts["silver"]), note))
    facts.append(Fact("Set aside", formats.count(aside), "rows that failed a check"))
    fresh = root / NEW_ROWS.format(usecase=usecase)
    if fresh.exists():
        with fresh.open("rb") as file:
            scored = max(sum(1 for _ in file) - 1, 0)
        facts.append(Fact("New rows scored", formats.count(scored), "no model learned from them"))


@dataclass(frozen=True)
class Run:
    """A run of a flow: its name, state, when, and its page."""

    name: str
    state: str
    when: str
    link: str


def asked_runs() -> dict[str, dict[str, Any]]:
    """Return the questions for Prefect: the newest runs, and those that come next."""
    ended = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
    return {
        "last": _query(ended, "START_TIME_DESC", 5),
        "at work": _query(["RUNNING", "PENDING", "PAUSED"], "EXPECTED_START_TIME_DESC", 5),
        "next": _query(["SCHEDULED"], "EXPECTED_START_TIME_ASC", 5),
    }


def _query(types: list[str], sort: str, limit: int) -> dict[str, Any]:
    states = {"type": {"any_": types}}
    return {"sort": sort, "limit": limit, "flow_runs": {"state": states}}


def runs(answer: bytes) -> list[Run]:
    """Return the runs of Prefect's answer."""
    return [
        Run(
            str(run.get("name")),
            str(run.get("state_name")),
            formats.when(run.get("start_time") or run.get("expected_start_time")),
            f"/prefect/runs/flow-run/{run.get('id')}",
        )
        for run in json.loads(answer)
    ]


def failed(last: list[Run]) -> Iterator[Need]:
    """Yield the newest run of each name that failed."""
    seen = set[str]()
    for run in last:
        if run.name not in seen and run.state in ("Failed", "Crashed"):
            yield Need(f"{run.name} {run.state.lower()} on {run.when}.", link=run.link)
        seen.add(run.name)
