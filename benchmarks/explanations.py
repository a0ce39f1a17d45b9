"""Explanations beside what a user would use instead: how fast, how true, how steady, how alike.

    OMP_NUM_THREADS=1 python -m benchmarks.explanations [--data FOLDER] [--cases N] [--json FILE]

Prints a table. Milliseconds are of processor time a case, which a busy machine does not stretch;
``times`` is how many times the first line's of its block. Models learn from invented payments and
texts; with ``--data`` from ``FOLDER/fraud``'s ``paysim_first_steps.csv`` and
``card_transactions.parquet`` too.

LIME of the riskiest and the least certain payments: ours by default; the same law with the model
asked about all 5,000 rows, and that by the package's own regression; our pool under the package's
default law; the package. LIME of texts, of at most 12 words and longer: ours and the package.
TreeSHAP: XGBoost's own, for forests too, and the package ``shap``. SP-LIME: vectorised, and the
paper's greedy loop as it stands in the package ``lime``.

``R²`` and ``gap``: medians. ``self``: features shared among the top five with another seed.
``package``: those shared with the package's regression under the same law; for SP-LIME, whether
the picks are the same; for TreeSHAP, the largest difference.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from vouch.models.submodular import pick
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.explain import tree_shap
from vouch.usecases.fraud.lime import make_explainer, predict_with
from vouch.usecases.fraud.models import fit, narrow
from vouch.usecases.fraud.params import ExplainParams
from vouch.usecases.sentiment import models as text_models
from vouch.usecases.sentiment.candidate import Candidate as TextCandidate
from vouch.usecases.sentiment.candidate import Preparation
from vouch.usecases.sentiment.lime import explain as explain_text
from vouch.usecases.sentiment.params import TextExplainParams

TOP = 5
SAMPLES = 5000
LINE = "{:34} {:>10} {:>7} {:>6} {:>6} {:>6} {:>8}"
PAYSIM_BALANCES = ["oldbalanceOrg", "newbalanceOrig", "oldbalanceDest", "newbalanceDest"]
MODELS = {
    "XGBoost": Candidate(
        algorithm="xgboost", hyperparameters={"n_estimators": 100, "max_depth": 6}
    ),
    "forest": Candidate(
        algorithm="random_forest",
        hyperparameters={"n_estimators": 60, "max_depth": 12, "min_samples_leaf": 3},
    ),
    "tree": Candidate(
        algorithm="decision_tree", hyperparameters={"max_depth": 8, "min_samples_leaf": 10}
    ),
    "logistic": Candidate(algorithm="logistic_regression", hyperparameters={"C": 1.0}),
}


def paysim(folder: Path) -> pd.DataFrame:
    """Amount, balances, what they fail to explain, hour and type of the first steps."""
    raw = pd.read_csv(folder / "paysim_first_steps.csv")
    rows = raw[["amount", *PAYSIM_BALANCES]].copy()
    rows["payer_error"] = raw["oldbalanceOrg"] - raw["amount"] - raw["newbalanceOrig"]
    rows["payee_error"] = raw["oldbalanceDest"] + raw["amount"] - raw["newbalanceDest"]
    rows["hour"] = raw["step"] % 24
    for value in sorted(raw["type"].unique()):
        rows[f"type_{value}"] = raw["type"] == value
    return rows.astype("float32").assign(label=raw["isFraud"])


def cards(folder: Path) -> pd.DataFrame:
    """Amount, hour, and what customer and terminal did before, of 200,000 card payments."""
    raw = pd.read_parquet(folder / "card_transactions.parquet").head(200_000)
    rows = pd.DataFrame({"amount": raw["TX_AMOUNT"], "hour": raw["TX_DATETIME"].dt.hour})
    for who in ("CUSTOMER_ID", "TERMINAL_ID"):
        past = raw.groupby(who)
        rows[f"{who}_count"] = past.cumcount()
        for name, column, rows_ago in (("mean", "TX_AMOUNT", 1), ("risk", "TX_FRAUD", 5)):
            rows[f"{who}_{name}"] = past[column].transform(
                lambda values, n=rows_ago: values.shift(n).expanding().mean()
            )
    return rows.astype("float32").assign(label=raw["TX_FRAUD"])


def invented(_: Path) -> pd.DataFrame:
    """Invented payments: 24 features, some undefined, a fraud rule of five of them."""
    rng, rows = np.random.default_rng(0), 20_000
    frame = pd.DataFrame({f"f{n}": rng.lognormal(3, 1, rows) for n in range(12)})
    for n in range(12, 24):
        frame[f"f{n}"] = np.where(rng.random(rows) < 0.2, np.nan, rng.integers(0, 2, rows))
    risk = np.log(frame["f0"] / frame["f1"]) + frame["f12"].fillna(0) * np.log(frame["f2"])
    risk += frame["f13"].fillna(0.5) - 0.5 * np.log(frame["f3"])
    noisy = risk + rng.logistic(0, 0.3, rows)
    return frame.astype("float32").assign(label=(noisy > np.quantile(noisy, 0.98)).astype(int))


def timed(explain: Callable, cases: Sequence) -> tuple[list, float]:
    """Return what explaining gives, and milliseconds of processor time a case."""
    start = time.process_time()
    explanations = [explain(case) for case in cases]
    return explanations, 1000 * (time.process_time() - start) / len(cases)


def top(parts: Sequence) -> set:
    return {part[0] if isinstance(part, tuple) else part.feature for part in parts[:TOP]}


def overlap(first: Sequence, second: Sequence) -> float:
    shares = [len(a & b) / max(len(a), 1) for a, b in zip(first, second, strict=True)]
    return float(np.mean(shares))


def chosen(scores: np.ndarray, cases: int) -> tuple[np.ndarray, np.ndarray]:
    risky = np.argsort(-scores, kind="stable")[:cases]
    rest = np.setdiff1d(np.arange(len(scores)), risky)
    return risky, rest[np.argsort(np.abs(scores[rest] - 0.5), kind="stable")[:cases]]


def by_package(predict: Callable, background: np.ndarray, row: np.ndarray, seed: int):
    """Explain by the package's regression on replaced rows, as vouch draws them."""
    from lime.lime_base import LimeBase

    rng, keep = np.random.default_rng(seed), ExplainParams().keep
    kept = rng.random((SAMPLES, row.size)) < keep
    kept[0] = True
    others = background[rng.integers(0, len(background), SAMPLES)]
    same = kept | (others == row) | (np.isnan(others) & np.isnan(row))
    width = 0.75 * np.sqrt(row.size)
    lime = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / width**2)))
    predicted = predict(np.where(kept, row, others))
    distances = np.sqrt((~same).sum(axis=1))
    return lime.explain_instance_with_data(
        same.astype(float), predicted[:, None], distances, 0, 8, "highest_weights"
    )


def row(name: str, ms: float, first: float, **figures: object) -> dict[str, object]:
    return {"name": name, "ms": ms, "times": ms / first, **figures}


def lime_rows(predict: Callable, background: np.ndarray, rows: np.ndarray) -> list[dict]:
    """Measure each way of LIME on the same cases, every one with two seeds."""
    law: dict[str, tuple] = {}
    for name, mode, whole in (
        ("LIME, default", "replace", False),
        ("LIME, all rows predicted", "replace", True),
        ("LIME, pool", "quartile", False),
        ("package lime, default", "lime", False),
    ):
        explainer = make_explainer(predict, background, ExplainParams(mode=mode, samples=SAMPLES))
        if whole:
            explainer._checked = SAMPLES
        explainer.explain(rows[0], "warm")
        law[name] = (
            *timed(lambda i, e=explainer: e.explain(rows[i], str(i)), range(len(rows))),
            [explainer.explain(each, str(i), 1) for i, each in enumerate(rows)],
        )
    regression, ms = timed(lambda i: by_package(predict, background, rows[i], i), range(len(rows)))
    again = [by_package(predict, background, each, 1000 + i) for i, each in enumerate(rows)]
    theirs, others = ([top(e[1]) for e in each] for each in (regression, again))
    first, result = law["LIME, default"][1], []
    for name, (explanations, spent, second) in law.items():
        tops = [[top(e.parts) for e in each] for each in (explanations, second)]
        package = theirs
        if name in ("LIME, pool", "package lime, default"):
            package = [top(e.parts) for e in law["package lime, default"][2]]
        figures = {"r2": median(e.r2 for e in explanations)}
        figures |= {"gap": median(e.gap for e in explanations)}
        figures |= {"self": overlap(*tops), "package": overlap(tops[0], package)}
        result.append(row(name, spent, first, **figures))
    figures = {"r2": median(e[2] for e in regression), "self": overlap(theirs, others)}
    result.insert(2, row("package's regression, same law", ms, first, **figures))
    return result


def tree_rows(fitted, rows: np.ndarray) -> list[dict]:
    import shap

    ours = tree_shap(fitted)
    if ours is None:
        return []
    theirs = shap.TreeExplainer(fitted.estimator)
    values = narrow(rows)
    ours.explain(values[:1]), theirs.shap_values(values[:1], check_additivity=False)
    mine, ms = timed(lambda i: ours.explain(values[i : i + 1]).values[0], range(len(rows)))
    other, their_ms = timed(
        lambda i: theirs.shap_values(values[i : i + 1], check_additivity=False)[0],
        range(len(rows)),
    )
    other = np.array(other)
    other = other[:, :, 1] if other.ndim == 3 else other
    apart = f"{np.abs(np.array(mine) - other).max():.0e}"
    return [row("TreeSHAP", ms, ms, package=apart), row("package shap", their_ms, ms)]


def greedy(weights: np.ndarray, count: int) -> list[int]:
    """Pick as the package's ``submodular_pick`` does: each case's gain from scratch."""
    importance, taken = np.abs(weights).sum(axis=0) ** 0.5, list[int]()
    for _ in range(count):
        gains = {
            i: np.dot((np.abs(weights)[[*taken, i]].sum(axis=0) > 0), importance)
            for i in range(len(weights))
            if i not in taken
        }
        taken.append(max(gains, key=lambda i: (gains[i], -i)))
    return taken


def pick_rows() -> list[dict]:
    """Pick 5 of 1,000 cases with 8 of 60 features each."""
    rng = np.random.default_rng(0)
    weights = np.zeros((1000, 60))
    for case in weights:
        case[rng.choice(60, 8, replace=False, p=np.arange(1, 61) / 1830)] = rng.uniform(0.1, 1, 8)
    ours, ms = timed(lambda _: pick(weights, 5).cases, range(20))
    theirs, their_ms = timed(lambda _: greedy(weights, 5), range(2))
    same = "same" if list(ours[0]) == theirs[0] else "other"
    return [
        row("SP-LIME, 5 of 1,000 cases", ms, ms, package=same),
        row("naive greedy", their_ms, ms),
    ]


def text_rows(cases: int) -> list[dict]:
    """Explain invented texts of a class by a linear model of word n-grams."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{n}" for n in range(400)])
    weight = rng.normal(size=400)
    chosen_words = [rng.choice(400, rng.integers(5, 30)) for _ in range(3000)]
    labels = [
        int(np.digitize(weight[c].mean() + rng.normal(0, 0.1), [-0.1, 0.1])) for c in chosen_words
    ]
    frame = pd.DataFrame({"text": [" ".join(words[c]) for c in chosen_words], "label": labels})
    learner = TextCandidate(
        algorithm="logistic_regression", preparation=Preparation(words="1-2", vader=False)
    )
    fitted = text_models.fit(learner, frame, 0, 1)

    def predict(texts: Sequence[str]) -> np.ndarray:
        return fitted.predict(pd.DataFrame({"text": list(texts)}))

    lengths = frame["text"].str.split().str.len()
    result = []
    for name, some in (
        ("short", frame["text"][lengths <= 12]),
        ("long", frame["text"][lengths > 12]),
    ):
        texts = some.head(cases).tolist()
        by_mode = {}
        for mode in ("distinct", "lime"):
            params = TextExplainParams(mode=mode, features=30)
            explain_text(texts[0], "warm", predict, params)
            by_mode[mode] = (
                *timed(lambda t, p=params: explain_text(t, t, predict, p), texts),
                [explain_text(t, t, predict, params, 1) for t in texts],
            )
        many = TextExplainParams(mode="lime", samples=20_000, features=30)
        limit = [_tokens(explain_text(t, t, predict, many)) for t in texts[:8]]
        first = by_mode["distinct"][1]
        for mode, (explained, ms, again) in by_mode.items():
            tops = [[_tokens(e) for e in each] for each in (explained, again)]
            what = "LIME" if mode == "distinct" else "package lime"
            figures = {"r2": median(e.surrogate.r2 for e in explained)}
            figures |= {"gap": median(e.surrogate.gap for e in explained)}
            figures |= {"self": overlap(*tops), "package": overlap(tops[0][:8], limit)}
            result.append(row(f"{what}, {name} texts", ms, first, **figures))
    return result


def _tokens(explained) -> set[int]:
    return {token.start for token in explained.tokens[:TOP]}


def measure(frame: pd.DataFrame, cases: int) -> dict[str, list[dict]]:
    features = tuple(frame.columns.drop("label"))
    blocks = {}
    for name, candidate in MODELS.items():
        fitted = fit(candidate, frame, features, "label", seed=0, threads=1)
        predict = predict_with(fitted)
        values = frame[list(features)].to_numpy(float)
        draws = np.random.default_rng(0).choice(len(values), 5000, replace=False)
        rows = values[np.concatenate(chosen(predict(values), cases))]
        blocks[name] = lime_rows(predict, values[draws], rows) + tree_rows(fitted, rows)
    return blocks


def show(title: str, rows: list[dict]) -> None:
    print(f"\n{LINE.format(title, 'ms a case', 'times', 'R²', 'gap', 'self', 'package')}")
    for each in rows:
        figures = [each.get(name, "") for name in ("r2", "gap", "self", "package")]
        told = [f"{value:.2f}" if isinstance(value, float) else value for value in figures]
        print(LINE.format(each["name"], f"{each['ms']:.2f}", f"{each['times']:.1f}", *told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--cases", type=int, default=10, help="of each kind")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tables = (invented, paysim, cards) if options.data != Path() else (invented,)
    result = {}
    for make in tables:
        for model, rows in measure(make(options.data / "fraud"), options.cases).items():
            result[f"{make.__name__}, {model}"] = rows
            show(f"{make.__name__}, {model}", rows)
    for title, rows in (("texts", text_rows(2 * options.cases)), ("picks", pick_rows())):
        result[title] = rows
        show(title, rows)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
