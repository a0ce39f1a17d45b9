"""How soon people who are asked about new rows teach a model a fraud that nobody knew.

    python -m benchmarks.new_fraud [--rows 1000000] [--seeds 1 2 3 4 5] [--days 5] [--cases 200]
        [--recent 0 1] [--out new_fraud.png]

Simulated payments, in the last third of which one pattern of fraud begins (``gift_cards`` of
``data/sources/simulated.yaml``). The model has the truth of all rows before it. Then, for some
days, the day's rows come, the model scores them, cases are chosen, simulated reviewers who err
decide them, and the next model learns from that; of rows nobody decided it knows the rule's label.
The learner is the one that every search over models of payments begins with.
Printed: average precision on the pattern (against genuine rows of the days after), as a share of
what the truth of all rows up to then gives, by three ways of choosing: as ``vouch enqueue`` does,
at random, and from the rows of the first training alone, as before new rows were asked about; how
many cases of the pattern people saw, and in how many they saw the fraud. ``--recent``: as ``vouch
enqueue`` does, with other shares from the last days. The drawing has every day.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.reviews import DECLARATION, Desk, Floats, Payments, simulate, truth
from vouch.models.novelty import novelty
from vouch.models.similarity import similarity
from vouch.models.strength import decided
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pool import recent, settled
from vouch.review.enqueue.similar import OTHERS
from vouch.serve.arrived import SAMPLE, SEED
from vouch.sources.declaration import PaySim, load_declaration
from vouch.sources.paysim.parameters import STEPS
from vouch.sources.paysim.regulars import FIRST_CLIENT, draw, names
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.models import Fitted
from vouch.usecases.fraud.params import GROUPS, Group
from vouch.usecases.fraud.space import STARTS

mpl.use("Agg")
NEW = "gift_cards"
GROUPS_USED: tuple[Group, ...] = tuple(group for group in GROUPS if group != "risk")
LEARNER = Candidate(algorithm="xgboost", hyperparameters=STARTS["xgboost"], rule_weight=0.01)
MAX_ROWS = 100_000
WAYS = {"enqueue": EnqueueParams(), "random": EnqueueParams(random=1), "training": EnqueueParams()}
"""How cases are chosen; ``training``: from the first rows alone, whosever label they have."""
AIM = 0.8


@dataclass(frozen=True)
class Month:
    """A month of payments in which a new fraud begins.

    Attributes:
        payments: All rows, in the order of time.
        pattern: Which of them are the new fraud, shape (rows,).
        day: Days since it began, below 0 before, shape (rows,).
    """

    payments: Payments
    pattern: NDArray[np.bool_]
    day: NDArray[np.int64]

    def until(self, day: int) -> NDArray[np.bool_]:
        """Return the rows that have come by the end of a day."""
        return self.day <= day

    def fit(self, labels: pd.DataFrame) -> Fitted:
        """Fit the learner on the rows of some labels."""
        return self.payments.fit(labels, LEARNER, MAX_ROWS)

    def precision(self, model: Fitted, after: int) -> float:
        """Measure a model on the pattern and the genuine rows of the days after one."""
        genuine = (self.payments.rows["truth"] == 0).to_numpy()
        measured = (self.day > after) & (self.pattern | genuine)
        scores = model.score(self.payments.rows[measured])
        return float(average_precision_score(self.pattern[measured], scores))


@dataclass(frozen=True)
class Reached:
    """What reviewing came to.

    Attributes:
        precision: On the pattern, before the first day and after each.
        cases: How many cases were of the pattern.
        found: In how many of these people saw a fraud.
    """

    precision: list[float]
    cases: int
    found: int


def month(rows: int, seed: int) -> Month:
    """Simulate a month."""
    simulator = load_declaration(DECLARATION).simulator
    assert isinstance(simulator, PaySim) and simulator.regulars
    regulars = simulator.regulars
    payments = simulate(rows, seed, GROUPS_USED, regulars)
    acts = draw(np.random.default_rng([seed, 1]), rows, regulars)
    new = acts.acts.pattern == 1 + list(regulars.frauds).index(NEW)
    payer = "C" + pd.Series(names(acts.acts.client[new] + FIRST_CLIENT)).astype(str)
    marked = set(zip(payer, (acts.amount[new] / 100).round(2), strict=True))
    table = payments.rows
    keys = zip(table["payer"], table["amount"].round(2), strict=True)
    pattern = np.array([key in marked for key in keys]) & (table["truth"] == 1).to_numpy()
    begin = table["time"].min() + pd.Timedelta(hours=round(regulars.frauds[NEW].since * STEPS))
    return Month(payments, pattern, ((table["time"] - begin) // pd.Timedelta(days=1)).to_numpy())


def labels(month: Month, desk: Desk, day: int) -> pd.DataFrame:
    """Return what is known at a day's end: the truth before the fraud, then people's word."""
    labelled = desk.labels()
    before = month.day < 0
    labelled.loc[before, "label"] = month.payments.rows["truth"][before].astype("int8")
    labelled.loc[before, "label_source"] = "chargeback"
    return labelled[month.until(day)]


def review(
    month: Month, way: str, params: EnqueueParams, options: argparse.Namespace, seed: int
) -> Reached:
    """Review day by day."""
    desk = Desk(month.payments, 1, seed)
    model = month.fit(labels(month, desk, -1))
    reached = [month.precision(model, options.days)]
    for day in range(options.days):
        ask(month, desk, model, way, params, day, options.cases)
        model = month.fit(labels(month, desk, day))
        reached.append(month.precision(model, options.days))
    found = desk.labels()["label"].iloc[desk.votes.index] == 1
    seen = month.pattern[desk.votes.index]
    return Reached(reached, int(seen.sum()), int((seen & found).sum()))


def ask(
    month: Month,
    desk: Desk,
    model: Fitted,
    way: str,
    params: EnqueueParams,
    day: int,
    cases: int,
) -> None:
    """Put a day's cases before people."""
    among = month.until(-1 if way == "training" else day)
    scores, chosen = np.zeros(len(among)), among if way == "training" else among & (month.day >= 0)
    if params.random < 1:  # rows whose truth came are chosen at random only, whatever their score
        scores[chosen] = model.score(month.payments.rows[chosen])
    if params.random == 1 or way == "training":
        desk.ask(scores, cases, params, among)
        return
    labelled = labels(month, desk, day)
    measures = {"novelty": unlike(month, day), "similar": like(month, desk, labelled, params)}
    source = labelled["label_source"].reindex(month.payments.rows.index)
    desk.ask(scores, cases, params, among, **measures, label_source=source)


def unlike(month: Month, day: int) -> Floats:
    """Return how unlike a day's rows are to those before it; NaN of others."""
    features, before = month.payments.rows[month.payments.names], month.until(day - 1)
    learned = features[before].sample(min(SAMPLE, int(before.sum())), random_state=SEED)
    values = np.full(len(features), np.nan)
    values[month.day == day] = novelty(learned, features[month.day == day], SEED)
    return values


def like(month: Month, desk: Desk, labelled: pd.DataFrame, params: EnqueueParams) -> Floats:
    """Return how like rows of the last days are to those people found; NaN of others."""
    rows, columns = month.payments.rows.loc[labelled.index], month.payments.names
    people = decided(labelled)
    wanted = recent(rows, params.recent_days) & ~settled(labelled)
    others = rows[~people & ~wanted]
    others = others.sample(min(OTHERS, len(others)), random_state=SEED)
    values = np.full(len(month.payments.rows), np.nan)
    given = labelled["label"].to_numpy(np.int8)[people]
    values[rows.index[wanted]] = similarity(
        rows[people][columns], given, others[columns], rows[wanted][columns]
    )
    return values


def everything(month: Month, options: argparse.Namespace) -> float:
    """Return the precision that the truth of all rows so far gives."""
    labelled = truth(month.payments)[month.until(options.days - 1)]
    return month.precision(month.fit(labelled), options.days)


def report(seed: int, way: str, reached: Reached, full: float) -> list[float]:
    """Print a way's line, and return its shares of what the truth of all rows gives."""
    shares = [value / full for value in reached.precision]
    line = " ".join(f"{share:.2f}" for share in shares)
    counts = f"{reached.cases:5}  {reached.found:5}"
    print(f"{seed:4}  {full:9.3f}  {way:10}  {line}  {counts}", flush=True)
    return shares


def picture(curves: dict[str, list[list[float]]], out: Path) -> None:
    """Draw each way's days: the mean of the seeds, and each of them."""
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for number, (way, lines) in enumerate(curves.items()):
        for line in lines:
            axes.plot(line, color=f"C{number}", lw=0.6, alpha=0.5)
        axes.plot(np.mean(lines, axis=0), color=f"C{number}", lw=2, label=way)
    axes.axhline(AIM, color="#57606a", lw=0.8, ls="--")
    axes.set(xlabel="days of review", ylabel="share of what all labels give", ylim=(0, 1.1))
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(out, dpi=150)


def main() -> None:
    """Simulate, review day by day, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--cases", type=int, default=200, help="a day")
    parser.add_argument("--recent", type=float, nargs="*", default=[], help="shares to compare")
    parser.add_argument("--out", type=Path, default=Path("new_fraud.png"))
    options = parser.parse_args()
    more = {f"recent {share:g}": EnqueueParams(recent=share) for share in options.recent}
    curves: dict[str, list[list[float]]] = {way: [] for way in WAYS | more}
    print("seed  all truth  way         before and after each day          cases  found")
    for seed in options.seeds:
        simulated = month(options.rows, seed)
        full = everything(simulated, options)
        for way, params in (WAYS | more).items():
            reached = review(simulated, way, params, options, seed)
            curves[way].append(report(seed, way, reached, full))
    for way, lines in curves.items():
        means = " ".join(f"{value:.2f}" for value in np.mean(lines, axis=0))
        print(f"mean             {way:10}  {means}")
    picture(curves, options.out)


if __name__ == "__main__":
    main()
