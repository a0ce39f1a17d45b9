"""How soon people who are asked about new rows teach a model a fraud that nobody knew.

    python -m benchmarks.new_fraud [--rows 1000000] [--seeds 5] [--days 5] [--cases 200]

Simulated payments, in the last third of which one pattern of fraud begins (``gift_cards`` of
``data/sources/simulated.yaml``). The model has the truth of all rows before it. Then, for some
days, the day's rows come, the model scores them, cases are chosen, simulated reviewers who err
decide them, and the next model learns from that; of rows nobody decided it knows the rule's label.
Printed: average precision on the pattern (against genuine rows of the days after), as a share of
what the truth of all rows up to then gives, by three ways of choosing: as ``vouch enqueue`` does,
at random, and from the rows of the first training alone, as before new rows were asked about; and
how many cases of the pattern people saw.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.reviews import DECLARATION, Desk, Floats, Payments, simulate, truth
from vouch.models.novelty import novelty
from vouch.review.enqueue.params import EnqueueParams
from vouch.serve.arrived import SAMPLE, SEED
from vouch.sources.declaration import PaySim, load_declaration
from vouch.sources.paysim.parameters import STEPS
from vouch.sources.paysim.regulars import FIRST_CLIENT, draw, names
from vouch.usecases.fraud.models import Fitted
from vouch.usecases.fraud.params import GROUPS, Group

NEW = "gift_cards"
GROUPS_USED: tuple[Group, ...] = tuple(group for group in GROUPS if group != "risk")
WAYS = ("enqueue", "random", "training")
"""How cases are chosen; ``training``: as vouch enqueue does, from the first rows alone."""


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

    def precision(self, model: Fitted, after: int) -> float:
        """Measure a model on the pattern and the genuine rows of the days after one."""
        rows = self.payments.rows[self.day > after]
        pattern = self.pattern[self.day > after]
        rows, pattern = (each[pattern | (rows["truth"] == 0)] for each in (rows, pattern))
        return float(average_precision_score(pattern, model.predict(rows)[:, 1]))


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
    month: Month, way: str, options: argparse.Namespace, seed: int
) -> tuple[list[float], int]:
    """Return the precision on the pattern before the first day of review and after each.

    And how many of the cases were of the pattern.
    """
    desk = Desk(month.payments, 1, seed)
    params = EnqueueParams(random=1) if way == "random" else EnqueueParams()
    model = month.payments.fit(labels(month, desk, -1))
    reached = [month.precision(model, options.days)]
    for day in range(options.days):
        scores = model.predict(month.payments.rows)[:, 1]
        among = month.until(-1 if way == "training" else day)
        desk.ask(scores, options.cases, params, among, unlike(month, day))
        model = month.payments.fit(labels(month, desk, day))
        reached.append(month.precision(model, options.days))
    return reached, int(month.pattern[desk.votes.index].sum())


def unlike(month: Month, day: int) -> Floats:
    """Return how unlike a day's rows are to those before it; NaN of others."""
    features, before = month.payments.rows[month.payments.names], month.until(day - 1)
    learned = features[before].sample(min(SAMPLE, int(before.sum())), random_state=SEED)
    values = np.full(len(features), np.nan)
    values[month.day == day] = novelty(learned, features[month.day == day], SEED)
    return values


def everything(month: Month, options: argparse.Namespace) -> float:
    """Return the precision that the truth of all rows so far gives."""
    labelled = truth(month.payments)[month.until(options.days - 1)]
    return month.precision(month.payments.fit(labelled), options.days)


def main() -> None:
    """Simulate, review day by day, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--cases", type=int, default=200, help="a day")
    options = parser.parse_args()
    print("seed  rows of it  all truth  " + "  ".join(f"{way:>24}" for way in WAYS))
    for seed in range(1, options.seeds + 1):
        simulated = month(options.rows, seed)
        full = everything(simulated, options)
        shares = []
        for way in WAYS:
            line, cases = review(simulated, way, options, seed)
            shares.append(" ".join(f"{value / full:.2f}" for value in line) + f" ({cases})")
        print(
            f"{seed:4}  {simulated.pattern.sum():10}  {full:9.3f}  " + "  ".join(shares), flush=True
        )


if __name__ == "__main__":
    main()
