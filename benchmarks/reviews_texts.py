"""How many texts people must label, chosen and drawn at random; how far their intervals hold.

    python -m benchmarks.reviews_texts --train train.csv --out reviews_texts.png

For each seed 10,000 texts of the file (columns ``text``, ``label``) are kept fresh. The others
start with VADER's labels, which weigh little; round by round cases are chosen as ``vouch enqueue``
chooses them, or drawn at random, and get the file's labels, which are people's. Printed: how many
were labelled when macro-recall on the fresh texts first reaches 95 % of what all labels give.

Then one model is judged by one day's cases, 40 times a seed with other random numbers: how often
does the interval that ``evaluate`` gives from the random stream hold the fresh macro-recall, and
how often the naive one on all that was reviewed?
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.reviews import COLOURS, ENOUGH, LEGEND, way
from vouch.core.settings import load_params
from vouch.metrics.classes import macro_recall
from vouch.models.predictions import score_columns
from vouch.models.strength import weigh
from vouch.results.extract import Extracted
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pool import pool
from vouch.review.enqueue.select import select
from vouch.stages.evaluate.review import review
from vouch.usecases.params import EvaluateParams
from vouch.usecases.sentiment import vader
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.features import Columns, Corpus
from vouch.usecases.sentiment.judge import chosen
from vouch.usecases.sentiment.models import Fitted, fit_rows, predict_rows
from vouch.usecases.sentiment.review import figures

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
FRESH = 10_000
RULE = 0.05  # the compound score from which VADER's authors call a text positive
FOLDS, JUDGED_FOLDS = 2, 5  # for choosing cases, for judging
# all that review reads of it
EXTRACTED = Extracted.model_construct(
    usecase="sentiment", as_of="2100-01-01T00:00:00", classes=list(CLASSES)
)
KNOWN, JUDGING = 5000, 1000  # labels of the model that is judged, and those it is judged by
LEARNER = Candidate(
    algorithm="logistic_regression",
    hyperparameters={"C": 1.0},
    preparation=Preparation(words="1-2"),
    rule_weight=0.01,
)


@dataclass(frozen=True)
class Texts:
    """Texts of a pool and fresh ones, with their people's labels and the rule's.

    Attributes:
        rows: ``id``, ``text``, ``label``, ``rule``, VADER's scores.
        corpus: Their texts, counted once.
        seed: Which of them are fresh.
    """

    rows: pd.DataFrame
    corpus: Corpus
    seed: int

    @cached_property
    def order(self) -> Rows:
        """All rows in random order: first the fresh ones."""
        return np.random.default_rng(self.seed).permutation(len(self.rows))

    @cached_property
    def fresh(self) -> Rows:
        """The rows to measure on."""
        return np.sort(self.order[:FRESH])

    @cached_property
    def pool(self) -> Rows:
        """The rows people may be asked about."""
        return np.sort(self.order[FRESH:])

    def fit(self, rows: Rows, reviewed: NDArray[np.bool_]) -> tuple[Fitted, Columns]:
        """Fit on some rows: people's labels where reviewed, else the rule's."""
        people, rule = self.rows["label"].to_numpy(), self.rows["rule"].to_numpy()
        labels = np.where(reviewed, people, rule).astype(np.int8)
        weights = weigh(~reviewed, LEARNER.rule_weight)
        groups = np.arange(len(labels))
        return fit_rows(LEARNER, self.corpus, rows, labels, groups, self.seed, 1, weights)

    def predict(self, learned: Rows, asked: Rows, reviewed: NDArray[np.bool_]) -> Floats:
        """Fit on some rows, predict others."""
        fitted, columns = self.fit(learned, reviewed)
        return predict_rows(fitted, self.corpus, asked, columns)

    def out_of_fold(self, reviewed: NDArray[np.bool_], folds: int) -> pd.DataFrame:
        """Return the pool with scores by models that have not seen each row, as ``tune`` does."""
        fold = np.random.default_rng(self.seed).integers(0, folds, len(self.pool))
        scores = np.zeros((len(self.pool), len(CLASSES)))
        for number in range(folds):
            left_out = fold == number
            scores[left_out] = self.predict(self.pool[~left_out], self.pool[left_out], reviewed)
        named = pd.DataFrame(scores, columns=score_columns(len(CLASSES)), index=self.pool)
        return self.rows.loc[self.pool, ["id", "rule", "label"]].join(named)

    def measure(self, reviewed: NDArray[np.bool_]) -> float:
        """Return macro-recall on the fresh texts."""
        scores = self.predict(self.pool, self.fresh, reviewed)
        return macro_recall(self.rows["label"].to_numpy()[self.fresh], scores.argmax(axis=1))


def read(path: Path) -> tuple[pd.DataFrame, Corpus]:
    """Read texts and their labels, and let VADER speak."""
    rows = pd.read_csv(path, usecols=["text", "label"]).dropna(ignore_index=True)
    scores = pd.DataFrame(vader.scores(rows["text"].tolist()), columns=list(vader.SCORES))
    compound = scores["vader_compound"]
    rule = 1 + (compound >= RULE).astype(int) - (compound <= -RULE).astype(int)
    label = rows["label"].map(CLASSES.index)
    rows = rows.assign(label=label, rule=rule, id=rows.index.astype(str)).join(scores)
    corpus = Corpus.of(rows)
    corpus.ready(LEARNER.preparation)
    return rows, corpus


def select_rows(texts: Texts, reviewed: NDArray[np.bool_], n: int, params: EnqueueParams) -> Rows:
    """Choose a round's cases."""
    if params.random == 1:  # then scores say nothing
        scored = texts.rows.loc[texts.pool].assign(
            **dict.fromkeys(score_columns(len(CLASSES)), 0.0)
        )
    else:
        scored = texts.out_of_fold(reviewed, FOLDS)
    table = pool(
        scored, f"sentiment-{texts.seed}", set(texts.rows["id"][reviewed]), params.recent_days
    )
    return scored.index[scored["id"].isin(select(table, n, params)["entity"])].to_numpy()


def learn(
    texts: Texts, asked: argparse.Namespace, params: EnqueueParams, aim: float
) -> list[float]:
    """Label round by round until the aim is reached twice; give macro-recall after each round."""
    reviewed, reached = np.zeros(len(texts.rows), bool), list[float]()
    while sum(value >= aim for value in reached) < 2 and reviewed.sum() < len(texts.pool):
        reviewed[select_rows(texts, reviewed, asked.cases, params)] = True
        reached.append(texts.measure(reviewed))
        line = f"seed {texts.seed}  {way(params)}  {reviewed.sum():6,} labels  {reached[-1]:.4f}"
        print(line, file=sys.stderr, flush=True)
    return reached


def needed(reached: list[float], aim: float, cases: int) -> float:
    """Return how many labels reach an aim first, between two rounds on a straight line."""
    number = next(n for n, value in enumerate(reached) if value >= aim)
    if not number:
        return float(cases)
    before, after = reached[number - 1 : number + 1]
    return cases * (number + (aim - before) / (after - before))


@dataclass(frozen=True)
class Judged:
    """A model whose decisions are held against people's, as ``evaluate`` asks for it."""

    rows: pd.DataFrame
    extracted: Extracted
    params: EvaluateParams

    def reviewed(self, rows: pd.DataFrame, weights: Floats) -> dict[str, Any]:
        """Return figures of decided texts."""
        return figures(rows["decided"].to_numpy(np.int64), chosen(rows), weights, self.params)


def judge(texts: Texts, params: EnqueueParams, repeats: int, folder: Path) -> list[dict[str, Any]]:
    """Judge one model by a day's cases, again and again with other random numbers."""
    labelled = np.zeros(len(texts.rows), bool)
    labelled[texts.order[FRESH : FRESH + KNOWN]] = True
    scored, fresh = texts.out_of_fold(labelled, JUDGED_FOLDS), texts.measure(labelled)
    recalls = []
    for number in range(repeats):
        # a row's random number goes by its id
        named = scored.assign(id=f"{texts.seed}-{number}-" + scored["id"])
        cases = select(pool(named, "sentiment", set(), params.recent_days), JUDGING, params)
        issued = write(named, cases, folder / "labels.parquet")
        judged = Judged(named.drop(columns="label"), EXTRACTED, EvaluateParams())
        measured = review(judged, issued)
        assert measured is not None
        recalls.append(measured["metrics"]["macro_recall"] | {"fresh": fresh})
    return recalls


def write(rows: pd.DataFrame, cases: pd.DataFrame, path: Path) -> Path:
    """Write the cases' labels as ``collect`` issues them."""
    label = cases["entity"].map(rows.set_index("id")["label"]).astype("int8")
    issued = cases.assign(label=label, source="reviewer", actor="file", in_force=True)
    issued.assign(issued_at=datetime(2024, 1, 1)).to_parquet(path)
    return path


def tell(found: list[dict[str, Any]]) -> None:
    """Print how often each interval holds what the model is worth on fresh texts."""
    for name in ("random", "naive"):
        covered = [
            each[name]["interval"][0] <= each["fresh"] <= each[name]["interval"][1]
            for each in found
        ]
        error = np.mean([each[name]["value"] - each["fresh"] for each in found])
        wide = np.mean([np.diff(each[name]["interval"]).item() for each in found])
        print(
            f"{name:6}  interval holds the fresh macro-recall in {np.mean(covered):.1%} of "
            f"{len(covered)}, is {wide:.3f} wide; the figure is {error:+.3f} off"
        )


def draw(curves: dict[str, list[list[float]]], cases: int, out: Path) -> None:
    """Draw every seed's rounds."""
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, lines), colour in zip(curves.items(), COLOURS, strict=True):
        for number, line in enumerate(lines):
            labels = np.arange(1, len(line) + 1) * cases
            axes.plot(labels, line, color=colour, lw=1.2, label=None if number else LEGEND[name])
    axes.axhline(ENOUGH, color="#57606a", lw=0.8, ls="--")
    axes.set(xlabel="texts labelled", ylabel="macro-recall, as a share of all labels'")
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(out, dpi=150)


def main() -> None:
    """Label, judge, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--cases", type=int, default=1000, help="a round")
    parser.add_argument("--disagreement", type=float, help="its weight; else params.yaml's")
    parser.add_argument("--repeats", type=int, default=40, help="a seed, of the intervals")
    parser.add_argument("--out", type=Path, default=Path("reviews_texts.png"))
    options = parser.parse_args()
    ours = load_params(Path("params.yaml"), EnqueueParams, "enqueue", "sentiment")
    if options.disagreement is not None:
        ours = ours.model_copy(update={"disagreement": options.disagreement})
    rows, corpus = read(options.train)
    curves: dict[str, list[list[float]]] = {"chosen": [], "random": []}
    judged = []
    print("seed  rule alone  all labels  labels for 95 %, chosen  random")
    for seed in options.seeds:
        texts = Texts(rows, corpus, seed)
        nobody = np.zeros(len(rows), bool)
        full, before = texts.measure(~nobody), texts.measure(nobody)
        ends = []
        for params in (ours, EnqueueParams(random=1)):
            reached = learn(texts, options, params, ENOUGH * full)
            curves[way(params)].append([value / full for value in reached])
            ends.append(needed(reached, ENOUGH * full, options.cases))
        print(
            f"{seed:4}  {before:10.3f}  {full:10.3f}  {ends[0]:23,.0f}  {ends[1]:6,.0f}", flush=True
        )
        with tempfile.TemporaryDirectory() as folder:
            judged += judge(texts, ours, options.repeats, Path(folder))
    tell(judged)
    draw(curves, options.cases, options.out)


if __name__ == "__main__":
    main()
