"""How many rows people must review until a model is nearly as good as with every row's truth.

    python -m benchmarks.reviews --out reviews.png [--rows 200000] [--fresh 1000000] [--each 1]

Simulated payments start with the rule's labels alone. Each day's cases are chosen as ``vouch
enqueue`` chooses them, decided by simulated reviewers, joined as ``vouch collect`` joins them, and
a model is fitted on what is known by then; beside it, all cases are drawn at random. Printed for
each seed: the reviewed share of the rows at which average precision, measured on fresh payments
against their truth, first reaches 95 % of what all rows' truth gives. The drawing has every day's.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from vouch.engine import connect
from vouch.labels.issues import issues
from vouch.labels.known import labels_as_of
from vouch.review.collect.agreement import consensus
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pool import pool
from vouch.review.enqueue.select import select
from vouch.review.reviewers import assign, costs, decide, drawn, team
from vouch.sources.declaration import load_declaration
from vouch.sources.patterns import Regulars
from vouch.sources.paysim import write
from vouch.stages.ingest import parse
from vouch.usecases import find
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.features.table import features
from vouch.usecases.fraud.models import Fitted, fit
from vouch.usecases.fraud.params import Group

mpl.use("Agg")
Floats = NDArray[np.float64]
DECLARATION = Path("data/sources/simulated.yaml")
GROUPS: tuple[Group, ...] = ("amount", "category", "balance", "time")
OWN = ("id", "time", "payer", "payee", "amount", "rule", "truth")
FRESH_SEED = 202
PEOPLE = 50  # as in FiFAR
FOLDS = 3
MAX_ROWS = 40_000
ENOUGH = 0.95
COLOURS = ("#1f6feb", "#8c959f")
LEGEND = {"chosen": "chosen as by vouch enqueue", "random": "drawn at random"}
LEARNER = Candidate(
    algorithm="xgboost",
    hyperparameters={
        "n_estimators": 100,
        "max_depth": 3,
        "learning_rate": 0.1,
        "min_child_weight": 3.0,
        "subsample": 0.8,
        "colsample_bytree": 0.6,
        "reg_lambda": 5.0,
    },
    rule_weight=0.003,
)


@dataclass(frozen=True)
class Payments:
    """Simulated payments with their features, the rule's word and the truth."""

    rows: pd.DataFrame
    names: list[str]

    def fit(
        self, labels: pd.DataFrame, learner: Candidate = LEARNER, max_rows: int = MAX_ROWS
    ) -> Fitted:
        """Fit a learner on the rows of some labels (``label``, ``label_source``)."""
        rows = self.rows.loc[labels.index].assign(**labels)
        return fit(learner, rows, self.names, "label", 0, 2, max_rows)

    def out_of_fold(self, labels: pd.DataFrame) -> Floats:
        """Score each row by a model that has not seen its label, as ``tune`` leaves them."""
        fold = np.floor(drawn(self.rows["id"], "fold") * FOLDS)
        scores = np.zeros(len(labels))
        for number in range(FOLDS):
            left_out = fold == number
            scores[left_out] = self.fit(labels[~left_out]).predict(self.rows[self.names][left_out])
        return scores

    def average_precision(self, model: Fitted) -> float:
        """Measure a model on all rows, against their truth."""
        return float(average_precision_score(self.rows["truth"], model.predict(self.rows)))


def simulate(
    rows: int, seed: int, groups: Sequence[Group] = GROUPS, regulars: Regulars | None = None
) -> Payments:
    """Simulate payments and extract their features by the pipeline's own steps."""
    source = load_declaration(DECLARATION)
    with tempfile.TemporaryDirectory() as folder, connect(threads=2) as engine:
        raw = Path(folder) / "payments.parquet"
        write(raw, rows, seed, regulars=regulars)
        parse.parse_file(engine.con, source, raw, "parsed", Path(folder))
        table = engine.table("parsed").mutate(
            id=ibis._.row_hash + "-" + ibis._.line.cast("string"),
            known_at=ibis._.time,
            superseded_at=ibis.null("timestamp(6)"),
        )
        issued = issues(table, source, find(source.usecase), ("rule", "chargeback"))
        extracted, columns = features(table, source, issued, groups)
        names = [feature.name for feature in columns]
        labels = labels_as_of(issued)
        joined = extracted.join(labels, extracted.id == labels.entity)
        own = dict.fromkeys((*OWN, *names))
        return Payments(engine.to_pandas(joined.select(*own).order_by("time", "id")), names)


class Desk:
    """People's decisions on one table of payments."""

    def __init__(self, payments: Payments, each: int, seed: int) -> None:
        self.rows, self.each, self.seed = payments.rows, each, seed
        self.cost = costs(self.rows["amount"])
        self.people = team(PEOPLE, seed)
        self.likely = pd.Series(dtype=float)
        self.votes = pd.DataFrame(dtype=float)

    def ask(
        self,
        scores: Floats,
        n: int,
        params: EnqueueParams,
        among: NDArray[np.bool_] | slice = slice(None),
        **more: Floats | pd.Series,
    ) -> None:
        """Put one day's cases before people and keep what they say.

        Args:
            scores: The model's, of all rows.
            n: How many cases.
            params: The streams' shares.
            among: Which rows can be asked about.
            more: What else :func:`vouch.review.enqueue.pool.pool` takes, of all rows.
        """
        predicted = self.rows[["id", "time", "amount", "rule"]]
        predicted = predicted.assign(score=scores, **more)[among].reset_index(drop=True)
        reviewed = set(self.rows["id"].iloc[self.votes.index])
        entities = select(pool(predicted, "fraud", reviewed, params.recent_days), n, params)[
            "entity"
        ]
        chosen = np.flatnonzero(self.rows["id"].isin(entities))
        self.likely = pd.concat([self.likely, pd.Series(scores[chosen], chosen)])
        self.votes = pd.concat([self.votes, self._decisions(chosen)])

    def _decisions(self, chosen: NDArray[np.int64]) -> pd.DataFrame:
        """Return a table of one row a case and one column a reviewer."""
        ids, truth = self.rows["id"].iloc[chosen].tolist(), self.rows["truth"].to_numpy(np.int64)
        assigned = assign(ids, PEOPLE, self.each, self.seed)
        votes = {}
        for number, person in enumerate(self.people):
            answers = decide(person, ids, ids, truth[chosen], self.cost[chosen], 2, self.seed)
            votes[person.name] = np.where((assigned == number).any(axis=0), answers, np.nan)
        return pd.DataFrame(votes, index=chosen)

    def labels(self) -> pd.DataFrame:
        """Return each row's ``label`` and ``label_source`` by what people have said so far."""
        labels = pd.DataFrame({"label": self.rows["rule"].astype("int8"), "label_source": "rule"})
        if len(self.votes):
            labels.loc[self.votes.index, "label"] = self._held().astype("int8")
            labels.loc[self.votes.index, "label_source"] = "reviewer"
        return labels

    def _held(self) -> pd.Series:
        """Return each case's label: its only reviewer's word, or what its reviewers come to."""
        majority = self.votes.max(axis=1)
        agreed = consensus(self.votes, np.column_stack([1 - self.likely, self.likely]))
        return majority.where(~majority.index.astype(str).isin(agreed)).fillna(
            pd.Series({int(case): found.label for case, found in agreed.items()}, dtype=float)
        )


def curve(
    payments: Payments, fresh: Payments, asked: argparse.Namespace, seed: int, params: EnqueueParams
) -> list[float]:
    """Return average precision on fresh payments before the first day's cases and after each."""
    desk, reached = Desk(payments, asked.each, seed), []
    for day in range(asked.days + 1):
        labels = desk.labels()
        reached.append(fresh.average_precision(payments.fit(labels)))
        line = f"seed {seed}  {way(params):6}  {len(desk.votes):6,} cases  {reached[-1]:.3f}"
        print(line, file=sys.stderr, flush=True)
        if day < asked.days:
            desk.ask(payments.out_of_fold(labels), asked.cases, params)
    return reached


def way(params: EnqueueParams) -> str:
    """Name a way of choosing."""
    return "random" if params.random == 1 else "chosen"


def first(reached: list[float], aim: float, asked: argparse.Namespace) -> str:
    """Return when an aim is first reached for good, as a share of the rows and as cases."""
    below = [day for day, value in enumerate(reached) if value < aim]
    day = below[-1] + 1 if below else 0
    if day == len(reached):
        return f"not by {asked.days * asked.cases / asked.rows:.2%}"
    return f"{day * asked.cases / asked.rows:.2%} ({day * asked.cases:,})"


def draw(curves: dict[str, list[list[float]]], full: float, asked: argparse.Namespace) -> None:
    """Draw every seed's days, and what all rows' truth gives."""
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    share = np.arange(asked.days + 1) * asked.cases / asked.rows * 100
    for (name, lines), colour in zip(curves.items(), COLOURS, strict=True):
        for number, line in enumerate(lines):
            axes.plot(share, line, color=colour, lw=1.4, label=None if number else LEGEND[name])
    axes.axhline(full, color="#57606a", lw=0.8)
    axes.axhline(ENOUGH * full, color="#57606a", lw=0.8, ls="--")
    axes.annotate(
        "truth of all rows, and 95 % of it",
        (share[-1], full),
        (0, 3),
        ha="right",
        textcoords="offset points",
        fontsize=8,
        color="#57606a",
    )
    axes.set(
        xlabel="rows reviewed, %", ylabel="average precision on fresh payments", ylim=(0, 1.07)
    )
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 0.85))
    figure.savefig(asked.out, dpi=150)


def main() -> None:
    """Simulate, review day by day, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--fresh", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--cases", type=int, default=200, help="a day")
    parser.add_argument("--each", type=int, default=1, help="reviewers of each case")
    parser.add_argument("--out", type=Path, default=Path("reviews.png"))
    options = parser.parse_args()
    fresh, fulls = simulate(options.fresh, FRESH_SEED), []
    curves: dict[str, list[list[float]]] = {"chosen": [], "random": []}
    print("seed  rule alone  all truth  95 % of it, chosen  95 % of it, random")
    for seed in options.seeds:
        payments = simulate(options.rows, seed)
        fulls.append(fresh.average_precision(payments.fit(truth(payments))))
        for params in (EnqueueParams(), EnqueueParams(random=1)):
            curves[way(params)].append(curve(payments, fresh, options, seed, params))
        ends = [first(lines[-1], ENOUGH * fulls[-1], options) for lines in curves.values()]
        before = curves["chosen"][-1][0]
        print(
            f"{seed:4}  {before:10.3f}  {fulls[-1]:9.3f}  {ends[0]:>18}  {ends[1]:>18}", flush=True
        )
    draw(curves, float(np.mean(fulls)), options)


def truth(payments: Payments) -> pd.DataFrame:
    """Return every row's truth as its label."""
    label = payments.rows["truth"].astype("int8")
    return pd.DataFrame({"label": label, "label_source": "truth"})


if __name__ == "__main__":
    main()
