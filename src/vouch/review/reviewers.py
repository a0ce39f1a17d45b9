"""Simulated reviewers: people who err, each in their own measure, most on hard cases.

After FiFAR (Alves et al. 2024, A benchmarking framework and dataset for learning to defer in
human-AI decision-making): 50 analysts who agree with the truth by a Cohen's kappa of .06 to .79,
whose errors depend on the case and are the rarer the more they cost. Of a reviewer with kappa k one
may say that they know the answer with probability k and else guess as often as each class occurs.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vouch.core.cells import escape_table, restore_table
from vouch.core.errors import VouchError
from vouch.holdout.labels import PLACE, open_labels
from vouch.project.inputs import present_source
from vouch.project.paths import STATE
from vouch.project.stages import find
from vouch.usecases.classes import class_names

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
KAPPA = (0.06, 0.79)
EXPERIENCED = (0.6, 0.95)
"""Kappas of reviewers who know their work: not published, chosen here."""
PERFECT = (1.0, 1.0)
ALERTS = (0.9, 0.1)
"""Shares of two classes among the cases on which kappas are meant, as among alerts."""
STEEPNESS = (2.0, 6.0)
"""By how much the log-odds of an error differ from the easiest case to the hardest."""
CAUTION = 2.0
"""By how much the log-odds of an error fall from a case that costs nothing to the costliest."""
FAR = 0.5
"""A class two steps from the true one is said so many times as often as a neighbour."""
NEEDED = ("case", "entity", "decision", "reviewer")


@dataclass(frozen=True)
class Reviewer:
    """One simulated person.

    Attributes:
        name: What they sign with.
        kappa: Their agreement with the truth on cases of the usual mix, at most 1.
        steepness: How much harder the hardest cases are for them, above 0.
    """

    name: str
    kappa: float
    steepness: float

    def errs(self, truth: NDArray[np.int64], hard: Floats, cost: Floats, classes: int) -> Floats:
        """Return the chance that they do not say the true class.

        Args:
            truth: True classes, 0 to ``classes`` - 1, shape (cases,).
            hard: How hard each case is, evenly spread over 0 to 1.
            cost: What an error costs, 0 to 1; 0.5 is usual.
            classes: 2 or 3.

        Returns:
            Shape (cases,), 0 to 1; over all difficulties, at the usual cost, a true class's mean is
            ``(1 - kappa)`` times the share of the other classes.
        """
        mean = (1 - self.kappa) * (1 - class_mix(classes)[truth])
        with np.errstate(divide="ignore"):  # who never errs has no odds
            odds = np.log(np.expm1(self.steepness * mean))
        half = self.steepness / 2
        odds = odds - np.log(np.exp(half) - np.exp(self.steepness * mean - half))
        odds = odds + self.steepness * (hard - 0.5) - CAUTION * (cost - 0.5)
        chance: Floats = 1 / (1 + np.exp(-odds))
        return chance


def team(count: int, seed: int, kappas: tuple[float, float] = KAPPA) -> list[Reviewer]:
    """Return a team, its kappas evenly spread from the least to the greatest.

    Args:
        count: How many, at least 1.
        seed: The same one gives the same people.
        kappas: The least and the greatest, at most 1: they never err.
    """
    generator = np.random.default_rng(seed)
    spread = np.linspace(*kappas, count) if count > 1 else np.array([np.mean(kappas)])
    chosen = generator.permutation(spread)
    steepness = generator.uniform(*STEEPNESS, count)
    return [
        Reviewer(f"reviewer-{number:02}", float(kappa), float(steep))
        for number, (kappa, steep) in enumerate(zip(chosen, steepness, strict=True), 1)
    ]


def decide(
    reviewer: Reviewer,
    cases: Sequence[str],
    entities: Sequence[str],
    truth: NDArray[np.int64],
    cost: Floats,
    classes: int,
    seed: int,
) -> NDArray[np.int64]:
    """Return a reviewer's decisions on cases: the same each time, whatever other cases there are.

    Args:
        reviewer: Who.
        cases: The cases' ids, shape (cases,).
        entities: Their rows' ids; how hard a row is is the same for everybody.
        truth: True classes, as for :meth:`Reviewer.errs`.
        cost: As for :meth:`Reviewer.errs`.
        classes: 2 or 3.
        seed: Another one, other difficulties and other errors.

    Returns:
        Classes, shape (cases,).
    """
    hard = drawn(entities, f"{seed}:hard")
    errs = drawn(cases, f"{seed}:{reviewer.name}:errs") < reviewer.errs(truth, hard, cost, classes)
    wrong = _mistaken(truth, drawn(cases, f"{seed}:{reviewer.name}:says"), classes)
    return np.where(errs, wrong, truth)


def _mistaken(truth: NDArray[np.int64], chance: Floats, classes: int) -> NDArray[np.int64]:
    """Choose a wrong class, a near one sooner: it costs less."""
    steps = np.abs(np.arange(classes) - truth[:, None])
    weights = np.where(steps == 0, 0.0, class_mix(classes) * FAR ** (steps - 1.0))
    reached = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    return (chance[:, None] >= reached[:, :-1]).sum(axis=1)


def class_mix(classes: int) -> Floats:
    """Return the shares of the classes on which kappas are meant: of more than two, equal ones."""
    return np.array(ALERTS if classes == 2 else [1 / classes] * classes)


def drawn(names: Iterable[str], salt: str) -> Floats:
    """Draw a number from 0 to 1 for each name, the same one every time."""
    digests = (hashlib.md5(f"{salt}:{name}".encode(), usedforsecurity=False) for name in names)
    whole = [int.from_bytes(digest.digest()[:6], "big") for digest in digests]
    return (np.array(whole, np.float64) + 0.5) / 2**48


def fill(
    root: Path, usecase: str, path: Path, out: Path, people: list[Reviewer], each: int, seed: int
) -> dict[str, int]:
    """Decide the cases of a file as simulated reviewers would, knowing the source's own labels.

    Args:
        root: The project's folder.
        usecase: Whose cases they are.
        path: The case file (CSV); rows already decided stay as they are.
        out: Where the decided file goes (CSV).
        people: The reviewers.
        each: How many different ones decide each case, 1 to all of them.
        seed: The same one decides the same way.

    Returns:
        ``cases``, ``decisions`` made, ``unknown`` (cases whose truth silver does not have, left
        undecided).

    Raises:
        VouchError: A file or column is missing, ``each`` is out of range, or silver was made when
            the source declared more classes.
    """
    if out.resolve() == path.resolve():
        raise VouchError(f"--out: {out} is the file to decide", "name another file")
    if not 1 <= each <= len(people):
        raise VouchError(
            f"--each: {each} reviewers a case, but there are {len(people)}",
            f"give 1 to {len(people)}",
        )
    cases, truth = _read(path), _truth(root, usecase)
    classes = class_names(present_source(root, usecase))
    _check_classes(usecase, truth["label"], classes)
    labelled = cases.join(truth, on="entity")
    undecided = labelled[(labelled["decision"] == "") & labelled["label"].notna()]
    chosen = assign(undecided["case"].tolist(), len(people), each, seed)
    answers = [
        _answer(undecided, people[n], chosen == n, classes, seed) for n in range(len(people))
    ]
    _write(cases, undecided.index, answers, out)
    unknown = int(((labelled["decision"] == "") & labelled["label"].isna()).sum())
    return {"cases": len(cases), "decisions": sum(map(len, answers)), "unknown": unknown}


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not path.is_file():
        raise VouchError(f"{path}: no such file", "write one with vouch enqueue")
    try:
        cases = restore_table(pd.read_csv(path, dtype=str, keep_default_na=False))
    except ValueError as error:
        raise VouchError(f"{path}: not a CSV: {error}", "write one with vouch enqueue") from None
    if missing := [name for name in NEEDED if name not in cases]:
        raise VouchError(f"{path}: no column {missing[0]!r}", "write one with vouch enqueue")
    return cases


def _truth(root: Path, usecase: str) -> "pd.DataFrame":
    """Read each row's own label and what an error on it costs."""
    import pyarrow.parquet as pq

    path = root / f"data/silver/{usecase}/rows.parquet"
    if not path.exists():
        raise VouchError(f"{path}: no such file", f"run: vouch run {usecase}")
    names = pq.read_schema(path).names
    if "label" not in names:
        raise VouchError(
            f"{path}: no column 'label': nobody knows the truth", "simulate on a source with labels"
        )
    wanted = ("id", "label", "amount", "superseded_at", *PLACE)
    rows = pq.read_table(path, columns=[name for name in wanted if name in names]).to_pandas()
    rows = _unsealed(root, usecase, rows[rows["superseded_at"].isna()]).set_index("id")
    return rows[["label"]].assign(cost=costs(rows["amount"]) if "amount" in rows else 0.5)


def _unsealed(root: Path, usecase: str, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows, those of the holdout with their labels: simulated people know everything."""
    path = root / find("ingest").outputs["sealed"].format(usecase=usecase)
    if not path.exists():
        return rows
    sealed = open_labels(root / STATE, path).table.to_pandas()
    if "label" not in sealed:
        return rows
    known = rows[[*PLACE]].merge(sealed[[*PLACE, "label"]], how="left")["label"]
    return rows.assign(label=rows["label"].fillna(known.set_axis(rows.index)))


def _check_classes(usecase: str, labels: "pd.Series[int]", classes: tuple[str, ...]) -> None:
    """Check that the project's rows are of no more classes than the source declares by now."""
    if (labels >= len(classes)).any():
        raise VouchError(
            f"data/silver/{usecase}/rows.parquet: has labels up to {labels.max():.0f}, but the "
            f"classes declared are {len(classes)} ({', '.join(classes)}): the run is of others",
            f"run: vouch run {usecase}",
        )


def costs(amounts: "pd.Series[float]") -> Floats:
    """Return what errors cost, 0 to 1: at the median amount 0.5."""
    size = amounts.abs().fillna(0).to_numpy(np.float64)
    usual = max(float(np.median(size)), 1e-9)
    return size / (size + usual)


def assign(cases: Sequence[str], people: int, each: int, seed: int) -> NDArray[np.int64]:
    """Choose each case's reviewers, all different, shape (each, cases)."""
    order = [drawn(cases, f"{seed}:{number}:asked") for number in range(people)]
    return np.argsort(np.array(order), axis=0)[:each]


def _answer(
    undecided: "pd.DataFrame",
    reviewer: Reviewer,
    chosen: NDArray[np.bool_],
    classes: tuple[str, ...],
    seed: int,
) -> "pd.DataFrame":
    own = undecided[chosen.any(axis=0)]
    truth, cost = own["label"].to_numpy(np.int64), own["cost"].to_numpy(np.float64)
    cases, entities = own["case"].tolist(), own["entity"].tolist()
    decisions = decide(reviewer, cases, entities, truth, cost, len(classes), seed)
    named = np.array(classes, object)[decisions]
    return own.assign(decision=named, reviewer=reviewer.name)


def _write(
    cases: "pd.DataFrame", index: "pd.Index[int]", answers: list["pd.DataFrame"], out: Path
) -> None:
    """Write the cases in their order, a row a reviewer."""
    import pandas as pd

    from vouch.core.files import replacing

    rows = pd.concat([cases.drop(index=index), *answers])[cases.columns]
    with replacing(out) as draft:
        escape_table(rows.sort_index(kind="stable")).to_csv(draft, index=False)
