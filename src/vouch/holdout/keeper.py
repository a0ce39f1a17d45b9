"""The keeper: the only one who opens the sealed holdout, and who answers for it.

**Budget.** A generation of the holdout answers ``budget`` questions, fixed when it is first asked.
Each new question costs one, charged before anything is computed. The same question (the same
sealed rows, model, metric, threshold, capacity and prices) gets its recorded answer for nothing,
however often and by whomever it is asked. Two kinds of question:

- ``candidate``: whether a model beats the champion, or else the rule, or else chance: one bit, and
  of a promoted model a rounded figure (:mod:`vouch.holdout.mechanisms.comparison`).
- ``mean``: one bounded mean of one model, through Thresholdout or with Gaussian noise. It is free
  where the training estimate holds.

Figures of a model that both would spoil are not told, whatever is asked. What a question must reach
follows from everything that was told before, in the ledger.

**Blind.** While a use case is blind (:mod:`vouch.holdout.blind`), everything about its models is
refused: an answer would tell what is hidden.

**People.** Where no truth comes by itself, people decide some rows of the holdout, drawn with
unequal chances that are recorded. A row has one random number for ever, which nobody can compute
without the key, and is drawn once this number is at most its chance (Ohlsson 1998, Sequential
Poisson sampling, Journal of Official Statistics 14). So over several waves, each with chances of
its own, a row's chance is its greatest one.
"""

import hashlib
import hmac
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256 as new_digest
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.holdout import blind
from vouch.holdout import sealed as box
from vouch.holdout.judge import Contest, Judge, Outlook, People, ScoredModel
from vouch.holdout.ledger import (
    Charge,
    Cut,
    Entry,
    HoldoutKey,
    Inquiry,
    Ledger,
    RefusedError,
)
from vouch.holdout.mechanisms import comparison, thresholdout
from vouch.holdout.mechanisms import gaussian as gaussian_noise
from vouch.holdout.mechanisms.comparison import Expectation, Rounded, Standard
from vouch.holdout.mechanisms.gaussian import gaussian
from vouch.holdout.mechanisms.history import History
from vouch.holdout.mechanisms.limits import FREE, LEAST, MOST_QUESTIONS
from vouch.holdout.mechanisms.thresholdout import Mean, Thresholdout, noise
from vouch.holdout.rows import Hashes, Identities, among, identities
from vouch.holdout.spending import Inherited
from vouch.metrics.figures import Figure
from vouch.metrics.intervals import CONFIDENCE
from vouch.results.evaluate import (
    KINDS,
    Answer,
    Comparison,
    Figures,
    Guarantee,
    HoldoutStatus,
    Kind,
    Told,
)
from vouch.results.holdouts import Head

__all__ = ["Cut", "HoldoutKey", "Keeper", "Reply", "ScoredModel", "model_digest"]


NEARLY = 0.8
"""Share of a wave's rows that people must have decided for all its decisions to count."""

NOBODY = "people have decided too few of the rows drawn from the holdout: vouch enqueue asks them"

OTHERWISE = {
    "champion": "a champion stands: it is the one to beat",
    "rule": "there is no champion yet",
    "chance": "there is no champion yet",
}
"""Why there is no second comparison: a question has one answer."""

HOPE = 2
"""Times as many of a class as out of fold that a holdout may have: newer rows often have more."""
LESS: tuple[Guarantee, ...] = ("none", "heuristic", "certified")
MeanMechanism = Literal["thresholdout", "gaussian"]
GUARANTEES: dict[MeanMechanism, Guarantee] = {
    "thresholdout": thresholdout.GUARANTEE,
    "gaussian": gaussian_noise.GUARANTEE,
}

MeanAnswer = TypedDict(
    "MeanAnswer",
    {
        "metric": str,
        "kind": str,
        "value": float,
        "scale": float,
        "from": Literal["training", "holdout"],
        "training": float,
        "mechanism": MeanMechanism,
        "guarantee": Guarantee,
        "bound": float | None,
        "beta": float,
        "told": list[Told],
    },
)
"""The answer to a question for a mean.

``value`` (0 to 1; times ``scale`` in the metric's own unit) is the ``training`` estimate if the
holdout did not contradict it, else the holdout's with noise, as ``from`` says. But for a chance of
``beta``, no answer is further from the truth than its ``bound``; None where nothing is proved.
"""
Answered = Answer | MeanAnswer


@dataclass(frozen=True)
class Reply:
    """The keeper's reply to a question.

    Attributes:
        status: ``answered``, ``too_small`` (answered, but on too few cases to tell) or
            ``refused``.
        question: The question's number in the ledger; None if it was refused.
        answer: The figures; None if it was refused.
        reason: Why it was refused or is too small; empty otherwise.
        head: The ledger's link of the answer; its newest one if there is no answer of it.
    """

    status: Literal["answered", "too_small", "refused"]
    question: int | None
    answer: Mapping[str, Any] | None
    reason: str
    head: Head | None


class Keeper:
    """Cuts, seals and asks the holdout.

    Args:
        state: The project's state folder: key and ledger are in it.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self.records = Ledger(state)
        """Which holdouts were cut, and what they were asked."""

    def cut(self, key: HoldoutKey, propose: Callable[[], tuple[datetime, datetime] | None]) -> Cut:
        """Return the recorded cut, or record the proposed one: a holdout is cut once.

        Args:
            key: Which holdout.
            propose: Computes boundary and until (UTC, both inclusive), or None where rows have no
                time and are split by hash; called only if nothing is recorded.
        """
        return self.records.cut(key, propose)

    def seal(self, plain: Path, sealed: Path) -> str:
        """Encrypt the holdout; the same rows are the same bytes. Removing ``plain`` is up to you.

        Args:
            plain: The holdout's rows, Parquet, in the columns of ``train.parquet``.
            sealed: Where to write the sealed file.

        Returns:
            The ``holdout_id``: digest of the sealed file, 64 hexadecimal digits.
        """
        box.seal(box.make_key(self._state), plain, sealed)
        return sha256(sealed)

    def know(
        self, key: HoldoutKey, rows: Path, held: Path, overlap: float, *, declared: bool
    ) -> None:
        """Record which rows a holdout has: what was asked of them before counts as asked of it.

        Args:
            key: A holdout that was cut.
            rows: Silver rows, every version.
            held: A table with the ``id`` of those in the holdout (Parquet).
            overlap: Share of them that may have been asked about before, 0 to 1; set once.
            declared: Whether the source declares a column of ids.
        """
        self.records.know(key, self.identities(rows, held, declared=declared), overlap)

    def inherited(self, key: HoldoutKey) -> Inherited:
        """Return what was asked of a holdout's rows in others, which counts as asked of it."""
        return self.records.inherited(key)

    def identities(self, rows: Path, chosen: Path, *, declared: bool) -> dict[str, Hashes]:
        """Return the identities of rows, such as a model learned from; see :meth:`know`."""
        return identities(rows, chosen, self.records.secret(), declared=declared)

    def held_out(self, usecase: str, rows: Path, *, declared: bool) -> list[str]:
        """Return the ids of the rows that are in a holdout in force, or repeat one of its rows.

        Args:
            usecase: Whose holdouts, whatever they are called.
            rows: Rows as ingest parses them (Parquet).
            declared: Whether their source declares a column of ids.
        """
        every = [self.records.rows(key) for key in self._in_force(usecase)]
        theirs = [each for each in every if any(map(len, each.values()))]
        return among(rows, theirs, self.records.secret(), declared=declared) if theirs else []

    def rows(self, key: HoldoutKey) -> Identities:
        """Return the identities of a holdout's rows; none where an earlier release sealed it."""
        return self.records.rows(key)

    def ledger(self) -> str:
        """Return the digest of the ledger's first link, which tells ledgers apart."""
        head = self.records.head()
        return head.ledger if head else ""

    def drawn(self, key: HoldoutKey) -> dict[str, float]:
        """Return the holdout's rows that people are asked about, and the chance each had.

        Returns:
            By the row's id, in the order in which they were drawn.
        """
        waves = self.records.waves(key)
        return waves[-1] if waves else {}

    def drawn_anywhere(self, key: HoldoutKey) -> set[str]:
        """Return the rows that people are asked about, of this holdout and all others in force.

        Earlier ones of its set are not: their rows train from now on.
        """
        others = [
            other
            for other in self._in_force(key.usecase)
            if replace(other, generation=key.generation) != key
        ]
        return {entity for each in (key, *others) for entity in self.drawn(each)}

    def _in_force(self, usecase: str) -> list[HoldoutKey]:
        return [
            HoldoutKey(usecase, each["source"], each["set"], each["generation"])
            for each in self.records.status()
            if each["usecase"] == usecase and each["status"] != "retired"
        ]

    def draw(
        self,
        key: HoldoutKey,
        sealed: Path,
        sizes: Callable[[pd.DataFrame], NDArray[np.float64]],
        count: int,
    ) -> None:
        """Draw rows of the holdout that people are to be asked about.

        Args:
            key: Which holdout.
            sealed: Its sealed file.
            sizes: Returns what each row's chance is in proportion to, above 0, shape (rows,).
            count: How many more rows, at least 1; fewer if there are no more.
        """
        rows = self._rows(sealed)
        before, size = self.drawn(key), sizes(rows)
        ids = rows["id"].to_numpy()
        order = self._numbers(key, ids) / size
        waiting = np.flatnonzero(~rows["id"].isin(before))
        if not len(waiting):
            return
        waiting = waiting[np.argsort(order[waiting], kind="stable")]
        more = len(waiting) > count
        # the first number left out: with the last one drawn, chances would be a little too small
        chance = np.minimum(order[waiting[count]] * size, 1) if more else np.ones(len(rows))
        now = dict(zip(ids, chance, strict=True))
        chances = {entity: max(old, float(now.get(entity, 0))) for entity, old in before.items()}
        chances |= {ids[row]: float(chance[row]) for row in waiting[:count]}
        self.records.draw(key, chances)

    def _numbers(self, key: HoldoutKey, ids: NDArray[Any]) -> NDArray[np.float64]:
        """Return each row's random number, above 0 and below 1, the same for ever."""
        secret = hmac.digest(box.read_key(self._state), f"drawn {key}".encode(), "sha256")
        digests = (hashlib.blake2b(each.encode(), digest_size=6, key=secret) for each in ids)
        whole = [int.from_bytes(digest.digest(), "big") for digest in digests]
        return (np.array(whole, np.float64) + 0.5) / 2**48

    def candidate(
        self,
        key: HoldoutKey,
        sealed: Path,
        challenger: ScoredModel,
        champion: ScoredModel | None,
        judge: Judge,
        votes: pd.DataFrame | None = None,
        outlook: Outlook | None = None,
    ) -> Reply:
        """Ask whether a candidate is to be promoted: the one question each is meant to ask.

        Args:
            key: Which holdout.
            sealed: Its sealed file.
            challenger: The candidate.
            champion: The model to beat, if there is one.
            judge: Measures them, on which terms.
            votes: Where no truth comes by itself, how many reviewers chose each class (a column
                each) of each decided row (the index); else None. Their answer is of figures. Rows
                that were decided for a class whose rows are left out by now have none.
            outlook: What out-of-fold rows say of the candidate; None: they know no truth.

        Returns:
            The answer. A holdout likely to be too small to tell a difference that matters is not
            asked: what is expected of its size follows from rows out of fold, for its own count of
            a class, told for nothing, would tell labels.

        Raises:
            VouchError: The sealed file cannot be opened; nothing is charged then.
        """
        if reason := blind.refusal(self._state, key.usecase):
            return Reply("refused", None, None, reason, self.records.head())
        rows = self._rows(sealed)
        if votes is not None:
            people = self._people(key, rows, votes)
            return self._by_people(key, sealed, rows, challenger, champion, judge, people)
        rival = champion.digest if champion else ""
        inquiry = _inquiry(sealed, challenger, rival, "candidate", "promotion", judge)
        counted = judge.count(rows)
        if self.records.recorded(inquiry) is None:
            reason = self._too_small(key, inquiry, rows, judge, outlook)
            if reason:
                return Reply("too_small", None, None, reason, self.records.head())

        def compute() -> Answer:
            contest = judge.contest(rows, challenger, champion)
            return self._compared(key, inquiry, rows, contest, judge, outlook)

        return self._ask(key, inquiry, len(rows), counted, judge, compute)

    def _by_people(
        self,
        key: HoldoutKey,
        sealed: Path,
        rows: pd.DataFrame,
        challenger: ScoredModel,
        champion: ScoredModel | None,
        judge: Judge,
        people: People,
    ) -> Reply:
        if not len(people.rows):  # nothing is said of the truth: no charge
            answer = judge.candidate(rows, challenger, champion, people)
            return Reply("too_small", None, answer, NOBODY, self.records.head())
        rival = champion.digest if champion else ""
        inquiry = _inquiry(sealed, challenger, rival, "candidate", "all figures", judge, people)
        for question, earlier in self.records.looks(key, inquiry):
            if _decides(earlier, rival):  # looking again and again until it is sure would mislead
                return Reply("answered", question, earlier, "", self.records.head_of(question))
        return self._ask(
            key,
            inquiry,
            len(rows),
            judge.count(rows, people),
            judge,
            lambda: judge.candidate(rows, challenger, champion, people),
        )

    def _too_small(
        self,
        key: HoldoutKey,
        inquiry: Inquiry,
        rows: pd.DataFrame,
        judge: Judge,
        outlook: Outlook | None,
    ) -> str:
        """Return why a holdout will tell no difference that matters or is expected, if so."""
        if not judge.count(rows):
            return _few(0, judge)
        if outlook is None:
            return ""
        most = HOPE * outlook.units_of(len(rows))
        if most < max(judge.least, LEAST):
            return _few(most, judge, "is expected to have at most")
        needed = self._standard(key, inquiry, judge)[0]
        size, matters = _detectable(needed, most, outlook), judge.stakes.difference
        if size <= max(matters, outlook.gap):
            return ""
        return (
            f"with {most} {judge.counted} the holdout could tell a difference of about "
            f"{size:.3f} (with a chance of {comparison.POWER:.0%}), neither the {matters:g} that "
            f"matters (evaluate.difference) nor the {outlook.gap:+.3f} out of fold"
        )

    def _compared(
        self,
        key: HoldoutKey,
        inquiry: Inquiry,
        rows: pd.DataFrame,
        contest: Contest,
        judge: Judge,
        outlook: Outlook | None,
    ) -> Answer:
        """Return the answer to a comparison: no more than its bit and its rounded figure."""
        needed, guarantee = self._standard(key, inquiry, judge)
        counted = judge.count(rows)
        parts: dict[Kind, Figures] = {kind: judge.described(rows, kind) for kind in KINDS}
        result: Comparison = {
            "metric": judge.metric,
            "kind": "truth",
            "rows": parts["truth"]["rows"],
            "positives": parts["truth"]["positives"],
            "too_few": parts["truth"]["too_few"],
            "difference": None,
            "rival": contest.rival,
        }
        told = list[Told]()
        if contest.evidence is None:
            result["reason"] = contest.reason
        else:
            expected = _expected(counted, outlook) if outlook else None
            answer = comparison.compare(contest.evidence, needed, expected)
            told = comparison.told("champion" if contest.rival == "champion" else "rule", answer)
            size = _detectable(needed, counted, outlook) if outlook else None
            result |= {"promote": answer.promote, "level": needed.level, "detectable": size}
            if answer.figure:
                parts["truth"] |= {judge.metric: _figure(answer.figure)}  # type: ignore[misc]
        other: Comparison = {"difference": None, "reason": OTHERWISE[contest.rival]}
        first = contest.rival == "champion"
        return {
            "truth": parts["truth"],
            "rule": parts["rule"],
            "against_rule": other if first else result,
            "against_champion": result if first else other,
            "bootstrap": {"confidence": CONFIDENCE},
            "mechanism": "comparison",
            "guarantee": guarantee,
            "told": told,
        }

    def _standard(
        self, key: HoldoutKey, inquiry: Inquiry, judge: Judge
    ) -> tuple[Standard, Guarantee]:
        """Return what the next comparison must reach, and what that guarantees."""
        history, guarantee = self._history(key, inquiry.content, comparison.GUARANTEE)
        stakes, budget = judge.stakes, self._budget(key, judge)
        return comparison.standard(budget, stakes.error, CONFIDENCE, history), guarantee

    def _budget(self, key: HoldoutKey, judge: Judge) -> int:
        """Return the budget that was fixed at the first question, or would be now."""
        status = self.records.find(key)
        return (status and status["budget"]) or min(judge.budget, MOST_QUESTIONS)

    def _history(
        self, key: HoldoutKey, content: str, guarantee: Guarantee
    ) -> tuple[History, Guarantee]:
        """Return what the same rows told under any name, and what that leaves of a guarantee.

        An answer with exact figures, by people's word or of an earlier release, leaves nothing.
        """
        history, answers = History(), self.records.answers(key, content)
        for answer in answers:
            history = history.after(answer.get("told", ()))
        exact = any("told" not in answer for answer in answers)
        return history, "none" if exact else guarantee

    def _people(self, key: HoldoutKey, rows: pd.DataFrame, votes: pd.DataFrame) -> People:
        """Return people's word on the rows of the last wave that they have nearly all decided.

        A wave decided in part would count the rows of earlier ones too often.
        """
        places = pd.Series(np.arange(len(rows)), rows["id"])
        votes = votes[votes.index.isin(places.index)]
        waves = self.records.waves(key)
        nearly = [wave for wave in waves if votes.index.isin(wave).sum() >= NEARLY * len(wave)]
        drawn = pd.Series(nearly[-1] if nearly else {}, dtype=np.float64)
        # settled, but of no class: such rows are none of those that the figures are about
        drawn = drawn[~drawn.index.isin(votes.index[votes.sum(axis=1) == 0])]
        decided = votes[votes.index.isin(drawn.index)]
        # rows that were sure to be drawn are counted by themselves: they stand for no others
        share = drawn.index.isin(decided.index)
        chance = drawn * pd.Series(share, drawn.index).groupby(drawn >= 1).transform("mean")
        return People(
            places[decided.index].to_numpy(np.int64),
            chance[decided.index].to_numpy(np.float64),
            decided.to_numpy(np.int64),
            len(waves[-1]) if waves else 0,
        )

    def mean(
        self,
        key: HoldoutKey,
        sealed: Path,
        model: ScoredModel,
        metric: str,
        kind: str,
        training: float,
        judge: Judge,
        mechanism: MeanMechanism = "thresholdout",
    ) -> Reply:
        """Return a bounded mean, for nothing where the training estimate holds.

        Args:
            key: Which holdout.
            sealed: Its sealed file.
            model: The model asked about.
            metric: Which mean.
            kind: Against truth or against the rule.
            training: The same mean on out-of-fold training rows, 0 to 1.
            judge: Measures it, on which terms.
            mechanism: Which noise hides the holdout.

        Raises:
            VouchError: The sealed file cannot be opened, or no row's label is known.
        """
        if reason := blind.refusal(self._state, key.usecase):
            return Reply("refused", None, None, reason, self.records.head())
        rows = self._rows(sealed)
        if not judge.count_labelled(rows, kind):
            raise VouchError(f"{sealed}: no row with a known {kind}", "ask --against the other")
        about = f"{metric} against {kind}" + (", Gaussian noise" * (mechanism == "gaussian"))
        inquiry = _inquiry(sealed, model, "", "mean", about, judge)

        def compute() -> MeanAnswer:
            mean = judge.mean(judge.scored(rows, model), metric, kind)
            questions = FREE * self._budget(key, judge)
            way = Thresholdout(mean.units, questions)
            history, guarantee = self._history(key, inquiry.content, GUARANTEES[mechanism])
            value, held = self._noisy(way, training, mean, inquiry, history, mechanism)
            certified = guarantee == "certified" and mean.independent
            return {
                "metric": metric,
                "kind": kind,
                "value": value,
                "scale": judge.scale(metric),
                "from": "training" if held else "holdout",
                "training": training,
                "mechanism": mechanism,
                "guarantee": guarantee
                if certified
                else min(guarantee, "heuristic", key=LESS.index),
                "bound": _in_steps(way.bound(history)) if certified else None,
                "beta": way.beta,
                "told": way.told(held),
            }

        return self._ask(key, inquiry, len(rows), judge.count(rows), judge, compute)

    def _noisy(
        self,
        way: Thresholdout,
        training: float,
        mean: Mean,
        inquiry: Inquiry,
        history: History,
        mechanism: MeanMechanism,
    ) -> tuple[float, bool]:
        """Return a mean through its noise, and whether it is the training estimate."""
        own = self._seed(inquiry.digest)
        if mechanism == "gaussian":
            value, held = gaussian(training, mean, own)
            return (value if held else way.rounded(value)), held
        # the threshold's noise stays until the holdout's value is told
        kept = self._seed(f"{inquiry.content} threshold {history.mean.surprises}")
        return way.answer(training, mean.value, noise(kept, own))

    def status(self) -> list[HoldoutStatus]:
        """Return every holdout's cut, budget and what is spent of it."""
        return self.records.status()

    def find(self, key: HoldoutKey) -> HoldoutStatus | None:
        """Return one holdout's cut, budget and what is spent of it; None if it was never cut."""
        return self.records.find(key)

    def log(self) -> list[Entry]:
        """Return every question asked and its answer, oldest first."""
        return self.records.log()

    def _rows(self, sealed: Path) -> pd.DataFrame:
        content = box.unseal(box.read_key(self._state), sealed)
        return pd.read_parquet(io.BytesIO(content))

    def _seed(self, of: str) -> int:
        """Return the seed of noise, keyed: it repeats, but nobody can subtract it."""
        code = hmac.new(box.read_key(self._state), of.encode(), "sha256")
        return int.from_bytes(code.digest())

    def _ask(
        self,
        key: HoldoutKey,
        inquiry: Inquiry,
        rows: int,
        counted: int,
        judge: Judge,
        compute: Callable[[], Answered],
    ) -> Reply:
        budget = min(judge.budget, MOST_QUESTIONS)
        try:
            charge = self.records.charge(key, inquiry, budget, rows, counted)
        except RefusedError as error:
            reason = f"{error}; try: {error.hint}"
            return Reply("refused", None, None, reason, self.records.head())
        answer = self._answer(charge, compute)
        head = self.records.head_of(charge.question)
        free = answer.get("from") == "training"  # then it tells nothing of the holdout
        if not free and (reason := _few(counted, judge)):
            return Reply("too_small", charge.question, answer, reason, head)
        return Reply("answered", charge.question, answer, "", head)

    def _answer(self, charge: Charge, compute: Callable[[], Answered]) -> Mapping[str, Any]:
        if charge.answer is not None:
            return charge.answer
        answer = compute()
        free = answer.get("from") == "training"
        return self.records.answer(charge.question, answer, free=free)


def _few(counted: int, judge: Judge, verb: str = "has") -> str:
    """Return that there are too few rows to tell anything; nothing if there are enough."""
    least = max(judge.least, LEAST)
    if counted >= least:
        return ""
    return f"the holdout {verb} {counted} {judge.counted}, too few to tell (fewer than {least})"


def _decides(answer: Mapping[str, Any], rival: str) -> bool:
    """Return whether an answer by people's word was the look that decides: no more was missing."""
    compared = answer.get("against_champion" if rival else "against_rule", {})
    return compared.get("missing") == 0 and compared.get("difference") is not None


def _expected(counted: int, outlook: Outlook) -> Expectation:
    """Return what a candidate's figure on the holdout is expected to be."""
    error = comparison.scaled(outlook.error, outlook.units, counted)
    return Expectation(round(outlook.value, comparison.DECIMALS), error)


def _detectable(needed: Standard, counted: int, outlook: Outlook) -> float:
    """Return the least difference the holdout is likely to notice."""
    error = comparison.scaled(outlook.difference, outlook.units, counted)
    return comparison.detectable(needed, error)


def _in_steps(bound: float) -> float:
    """Return a bound, rounded up: its digits would tell how many rows it rests on."""
    return math.ceil(bound * 100) / 100


def _figure(told: Rounded) -> Figure:
    return {"value": told.value, "interval": list(told.interval)}


def model_digest(folder: Path) -> str:
    """Digest a model's folder: names and contents of its files, 64 hexadecimal digits."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(folder).as_posix()} {sha256(path)}" for path in files]
    return new_digest("\n".join(lines).encode()).hexdigest()


def _inquiry(
    sealed: Path,
    model: ScoredModel,
    rival: str,
    kind: str,
    metric: str,
    judge: Judge,
    people: People | None = None,
) -> Inquiry:
    content, deciding = sha256(sealed), judge.deciding()
    parts: list[object] = [content, model.digest, kind, metric, deciding]
    if people is not None:  # with every decision that counts the answer is another
        word = (people.rows, people.chances, people.votes)
        parts += [new_digest(np.ascontiguousarray(part).tobytes()).hexdigest() for part in word]
    digest = new_digest(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    question = f"{metric} at {judge.description}"
    return Inquiry(digest, rival, content, model.digest, question, kind)
