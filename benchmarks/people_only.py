"""How often the gate is right where people alone know the truth, and after how many decisions.

    python -m benchmarks.people_only [--rows 200000] [--seeds 20] [--days 20] [--cases 100]

Simulated payments without chargebacks. A champion and a challenger that are equally good, or the
challenger a little or much better, are told apart by people's decisions on rows drawn from the
holdout alone. Each day rows are drawn and put before simulated reviewers who err, as ``vouch
enqueue`` does it, and the gate judges by what they said. Printed of each: the true difference in
average precision on the holdout, the verdict (``better``; ``not better``, by the size that matters;
or none), whether it agrees with the truth, and how many decisions it took.
"""

import argparse
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score

from benchmarks.new_fraud import GROUPS_USED
from benchmarks.reviews import DECLARATION, Floats, Payments, simulate
from tests.results import evaluation
from vouch.holdout.judge import ScoredModel
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.review.enqueue.held import AGAIN, wanting
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.reviewers import EXPERIENCED, KAPPA, PERFECT, costs, decide, drawn, team
from vouch.sources.declaration import PaySim, load_declaration
from vouch.stages.register.gate import Verdict, judge
from vouch.usecases.fraud import USECASE
from vouch.usecases.fraud.judge import Ranking
from vouch.usecases.fraud.measures import terms
from vouch.usecases.params import EvaluateParams

SHARE = 0.2
"""Of the rows, the latest: the holdout."""
EDGE = 1e-6
DIFFERENCES = {"none": (1.0, 1.0), "small": (0.6, 1.0), "large": (0.3, 2.2)}
"""Noise in the log-odds of challenger and champion."""
PEOPLE = 50


@dataclass(frozen=True)
class Contest:
    """Two models on a holdout.

    Attributes:
        rows: The holdout: ``id``, ``amount``, ``rule``, ``truth`` and both models' scores.
        challenger: Average precision of the challenger, by the truth.
        champion: Of the champion.
    """

    rows: pd.DataFrame
    challenger: float
    champion: float


def contest(payments: Payments, noise: tuple[float, float], seed: int) -> Contest:
    """Return two models that are a good one with so much noise in their log-odds."""
    rows, random = payments.rows, np.random.default_rng(seed)
    first = int(len(rows) * (1 - SHARE))
    known = pd.DataFrame({"label": rows["truth"].astype("int8"), "label_source": "truth"})[:first]
    held = rows[first:].reset_index(drop=True)
    likely = np.clip(payments.fit(known).predict(held)[:, 1], EDGE, 1 - EDGE)
    scores = [expit(logit(likely) + each * random.normal(size=len(held))) for each in noise]
    values = [float(average_precision_score(held["truth"], each)) for each in scores]
    columns = held[["id", "time", "amount", "payer", "rule", "truth"]]
    return Contest(columns.assign(challenger=scores[0], champion=scores[1]), *values)


class Review:
    """Days of review of one contest's holdout."""

    def __init__(self, contest: Contest, folder: Path, options: argparse.Namespace) -> None:
        self.contest, self.options = contest, options
        self.key = HoldoutKey("fraud", "simulated", "benchmark", 1)
        self.keeper, self.sealed = Keeper(folder), folder / "holdout.sealed"
        self.keeper.cut(self.key, lambda: (datetime(2024, 1, 1), datetime(2024, 2, 1)))
        plain = folder / "plain.parquet"
        contest.rows.assign(truth=pd.array([None] * len(contest.rows), "Int8")).to_parquet(plain)
        self.keeper.seal(plain, self.sealed)
        source, params = load_declaration(DECLARATION), EvaluateParams(budget=options.days)
        flagged = float(np.quantile(contest.rows["challenger"], 0.99))
        self.judge = Ranking(terms(source, flagged, contest.rows, params))
        self.cost = costs(contest.rows["amount"])
        self.people = team(PEOPLE, options.seed, options.kappas)
        self.place = pd.Series(np.arange(len(contest.rows)), contest.rows["id"])
        self.words: dict[str, list[int]] = {}

    def model(self, name: str) -> ScoredModel:
        """Return one of the two models."""
        return ScoredModel(name, lambda rows: np.stack([1 - rows[name], rows[name]], axis=1))

    def sizes(self, rows: pd.DataFrame) -> Floats:
        """Return what chances are in proportion to, as ``vouch enqueue`` has it."""
        models = (self.model("challenger"), self.model("champion"))
        return USECASE.sizes(rows, [model.predict(rows) for model in models])

    def day(self) -> None:
        """Put the day's cases before people: first those that need another reviewer."""
        before, again = self.keeper.drawn(self.key), list[str]()
        if self.words:
            votes, second = self.votes(), EnqueueParams().second
            chances = np.array([before[entity] for entity in votes.index])
            again = wanting(votes, chances, second, rare=USECASE.rare)
            again = again[: math.ceil(AGAIN * self.options.cases)]
        self.keeper.draw(self.key, self.sealed, self.sizes, self.options.cases - len(again))
        fresh = [entity for entity in self.keeper.drawn(self.key) if entity not in before]
        for entity in (*again, *fresh):
            self.words.setdefault(entity, []).append(self.say(entity))

    def votes(self) -> pd.DataFrame:
        """Return how many reviewers said genuine and fraud of each decided row."""
        return pd.DataFrame(
            [np.bincount(said, minlength=2) for said in self.words.values()],
            index=pd.Index(list(self.words), name="entity"),
        )

    def say(self, entity: str) -> int:
        """Return the word of a reviewer who has not decided this row yet."""
        order = np.argsort([drawn([entity], f"{n} asked")[0] for n in range(PEOPLE)])
        person, row = self.people[order[len(self.words.get(entity, []))]], [self.place[entity]]
        truth = self.contest.rows["truth"].to_numpy(np.int64)[row]
        return int(decide(person, [entity], [entity], truth, self.cost[row], 2, 1)[0])

    def verdict(self) -> Verdict:
        """Ask the holdout, and the gate."""
        pair = (self.model("challenger"), self.model("champion"))
        reply = self.keeper.candidate(self.key, self.sealed, *pair, self.judge, self.votes())
        assert reply.answer is not None, reply.reason
        holdout = {"status": reply.status, "reason": reply.reason, "truth": reply.answer["truth"]}
        against = reply.answer["against_champion"]
        rival = {"version": 1, "comparison": against, "reason": against.get("reason", "")}
        return judge(evaluation(holdout=holdout, champion=rival), 1)


def review(contest: Contest, options: argparse.Namespace) -> tuple[str, int]:
    """Return the gate's first verdict (empty: none in all days), and the decisions until then."""
    with tempfile.TemporaryDirectory() as folder:
        days = Review(contest, Path(folder), options)
        for _ in range(options.days):
            days.day()
            verdict, decisions = days.verdict(), sum(map(len, days.words.values()))
            if not verdict.missing:
                return "better" if verdict.better else "not better", decisions
        return "", decisions


def contests(options: argparse.Namespace) -> Iterator[tuple[str, int, Contest]]:
    """Yield the contests of each seed's payments."""
    simulator = load_declaration(DECLARATION).simulator
    assert isinstance(simulator, PaySim)
    for seed in range(1, options.seeds + 1):
        payments = simulate(options.rows, seed, GROUPS_USED, simulator.regulars)
        for name, noise in DIFFERENCES.items():
            yield name, seed, contest(payments, noise, seed)


def main() -> None:
    """Print a line a contest, then how often verdicts agreed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--cases", type=int, default=100, help="of the holdout, a day")
    parser.add_argument(
        "--perfect",
        dest="kappas",
        action="store_const",
        const=PERFECT,
        default=EXPERIENCED,
        help="reviewers who never err, instead of experienced ones (kappa .6 to .95)",
    )
    parser.add_argument(
        "--analysts",
        dest="kappas",
        action="store_const",
        const=KAPPA,
        help="reviewers as poor as FiFAR's analysts (kappa .06 to .79)",
    )
    options = parser.parse_args()
    size, lines = EvaluateParams().difference, []
    print("difference  seed  challenger  champion  verdict     agrees  decisions")
    for name, seed, each in contests(options):
        options.seed = seed
        verdict, decisions = review(each, options)
        gap = each.challenger - each.champion
        agrees = not verdict or (gap > 0 if verdict == "better" else gap < size)
        lines.append((name, gap >= size, verdict, agrees, decisions))
        print(
            f"{name:10}  {seed:4}  {each.challenger:10.3f}  {each.champion:8.3f}  "
            f"{verdict or 'none':10}  {'yes' if agrees else 'NO':6}  {decisions:9,}",
            flush=True,
        )
    given = [line for line in lines if line[2]]
    told = [line[2] for line in lines if line[1]]
    print(f"verdicts that agree with the truth: {sum(line[3] for line in given)} of {len(given)}")
    print(f"verdicts where the difference is {size} or more: {sum(map(bool, told))} of {len(told)}")
    for name in DIFFERENCES:
        took = [line[4] for line in lines if line[0] == name]
        print(f"{name}: {np.median(took):,.0f} decisions, at most {max(took):,}")


if __name__ == "__main__":
    main()
