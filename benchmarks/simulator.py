"""How near the PaySim simulator comes to the published table, and how fast it is.

    python benchmarks/simulator.py --data FOLDER [--json FILE]

``FOLDER/fraud/paysim_first_steps.csv`` holds the published table's first rows (hours 1 to 8).

Discriminator: can gradient boosting tell simulated rows from real ones, of the same hours and as
many? An area of .5 is a coin; two seeds of the simulator against each other give what runs and
repeated balances alone are worth. Transfer: a forest that saw simulated rows alone finds the
real frauds; beside it, what it reaches on simulated rows it has not seen.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from vouch.sources.paysim import batches, simulate
from vouch.sources.paysim.parameters import PUBLISHED_ROWS, TYPES

BALANCES = ["oldbalanceOrg", "newbalanceOrig", "oldbalanceDest", "newbalanceDest"]
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def first_rows(seed: int, n: int) -> pd.DataFrame:
    """The first rows of a simulated table as large as the published one."""
    rows = next(batches(PUBLISHED_ROWS, seed)).to_pandas()[:n]
    return rows.assign(**{name: rounded(rows[name]) for name in ["amount", *BALANCES]})


def rounded(values: pd.Series) -> pd.Series:
    """Three digits from ten million on, as the file at hand has them."""
    return values.where(values < 1e7, (values / 1e5).round() * 1e5)


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    columns = rows[["step", "amount", *BALANCES]].copy()
    columns["type"] = rows["type"].map(TYPES.index)
    return columns


def features(rows: pd.DataFrame) -> pd.DataFrame:
    """What one row says: amount, type, balances, what they should be, ratio, zeros, hour."""
    x = rows[["amount", *BALANCES]].copy()
    x["hour"] = rows["step"] % 24
    x["log_amount"] = np.log1p(rows["amount"])
    for name in TYPES:
        x[name] = rows["type"] == name
    x["payer_error"] = rows["oldbalanceOrg"] - rows["amount"] - rows["newbalanceOrig"]
    x["payee_error"] = rows["oldbalanceDest"] + rows["amount"] - rows["newbalanceDest"]
    x["ratio"] = rows["amount"] / (rows["oldbalanceOrg"] + 1)
    x["drained"] = (rows["oldbalanceOrg"] > 0) & (rows["newbalanceOrig"] == 0)
    for name in BALANCES:
        x[f"{name}_zero"] = rows[name] == 0
    return x.astype("float64")


def discriminator(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Area under the ROC curve, five folds."""
    x = pd.concat([plain(one), plain(other)], ignore_index=True)
    y = np.repeat([0, 1], [len(one), len(other)])
    model = HistGradientBoostingClassifier(categorical_features=["type"], random_state=0)
    scores = cross_val_predict(model, x, y, cv=FOLDS, method="predict_proba")[:, 1]
    return float(roc_auc_score(y, scores))


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(100, min_samples_leaf=3, n_jobs=-1, random_state=0)


def thinned(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    sample = rows[(rows["isFraud"] == 1) | (np.arange(len(rows)) % 10 == 0)]
    return sample, np.where(sample["isFraud"] == 1, 1.0, 10.0)


def tell(rows: pd.DataFrame, scores: np.ndarray, weights: np.ndarray) -> float:
    return float(average_precision_score(rows["isFraud"], scores, sample_weight=weights))


def transfer(real: pd.DataFrame, rows: int) -> dict[str, float]:
    """Average precision of a forest that saw simulated rows alone."""
    seen, fresh = (simulate(rows, seed).to_pandas() for seed in (1, 2))
    # all frauds and one in ten of the rest, weighted back
    sample, weight = thinned(seen)
    fresh, fresh_weight = thinned(fresh)
    reached = {}
    for name, select in {
        "all": lambda x: x,
        "amount_and_type": lambda x: x[["amount", *TYPES]],
        "before_alone": lambda x: x[["amount", *TYPES, "oldbalanceOrg", "oldbalanceDest"]],
        "balances": lambda x: x[["amount", *TYPES, *BALANCES]],
    }.items():
        model = forest().fit(select(features(sample)), sample["isFraud"], sample_weight=weight)
        for where, table, weights in (
            ("real", real, np.ones(len(real))),
            ("simulated", fresh, fresh_weight),
        ):
            scores = model.predict_proba(select(features(table)))[:, 1]
            reached[f"transfer_{name}_to_{where}"] = tell(table, scores, weights)
        x = select(features(real))
        within = cross_val_predict(forest(), x, real["isFraud"], cv=FOLDS, method="predict_proba")
        reached[f"within_real_{name}"] = tell(real, within[:, 1], np.ones(len(real)))
    return reached


def measure(real: pd.DataFrame, rows: int) -> dict[str, float]:
    started = time.perf_counter()
    count = sum(len(piece) for piece in batches(1_000_000, 1))
    speed = count / (time.perf_counter() - started)
    first, second = first_rows(1, len(real)), first_rows(2, len(real))
    return {
        "rows_per_second": speed,
        "discriminator_auc": discriminator(real, first),
        "discriminator_auc_seed_against_seed": discriminator(first, second),
        **transfer(real, rows),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("VOUCH_REAL_DATA"))
    parser.add_argument("--rows", type=int, default=500_000, help="simulated rows to learn from")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data or set VOUCH_REAL_DATA")
    real = pd.read_csv(Path(options.data) / "fraud" / "paysim_first_steps.csv")
    figures = measure(real, options.rows)
    for name, value in figures.items():
        print(f"{name:45} {value:12,.3f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
