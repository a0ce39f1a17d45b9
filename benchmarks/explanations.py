"""How fast vouch's explanations are beside lime's own, how far they agree, how true they are.

    OMP_NUM_THREADS=1 python benchmarks/explanations.py --data FOLDER [--json FILE]

``FOLDER/fraud`` holds ``paysim_first_steps.csv`` and ``card_transactions.parquet``. On each an
XGBoost model is trained to tell fraud; the riskiest and the least certain cases are explained.

Speed: milliseconds of processor time a case, which a busy machine does not stretch, of lime's
default mode and vouch's pool of predictions in one run; and of lime's with six features, where it
switches to forward selection. Agreement: shared features among the top five, pool against lime,
beside lime against itself under another seed. Truth: median weighted R² and gap
|surrogate - model| of each mode.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from lime.lime_tabular import LimeTabularExplainer

from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.lime import imputed, make_explainer, medians, predict_with
from vouch.usecases.fraud.models import fit
from vouch.usecases.fraud.params import ExplainParams

TOP = 5
SAMPLES = 5000
PAYSIM_BALANCES = ["oldbalanceOrg", "newbalanceOrig", "oldbalanceDest", "newbalanceDest"]
MODEL = Candidate(algorithm="xgboost", hyperparameters={"n_estimators": 100, "max_depth": 6})


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


def lime_explainer(background, features, seed):
    complete = imputed(background, medians(background))
    lime = LimeTabularExplainer(complete, mode="regression", random_state=seed)

    def explain(row, predict):
        explanation = lime.explain_instance(
            imputed(row, medians(background)), predict, num_features=features, num_samples=SAMPLES
        )
        return [feature for feature, _ in explanation.local_exp[1]][:TOP]

    return explain


def timed(explain, cases):
    start = time.process_time()
    explanations = [explain(case) for case in cases]
    return explanations, 1000 * (time.process_time() - start) / len(cases)


def overlap(first, second):
    return float(np.mean([len(set(a) & set(b)) / TOP for a, b in zip(first, second, strict=True)]))


def chosen(scores, cases):
    risky = np.argsort(-scores, kind="stable")[:cases]
    rest = np.setdiff1d(np.arange(len(scores)), risky)
    return risky, rest[np.argsort(np.abs(scores[rest] - 0.5), kind="stable")[:cases]]


def fidelity(predict, background, rows, mode):
    params = ExplainParams(mode=mode, samples=SAMPLES)
    explainer = make_explainer(predict, background, params)
    explanations, milliseconds = timed(
        lambda i: explainer.explain(rows[i], str(i)), range(len(rows))
    )
    return {
        "r2": median(each.r2 for each in explanations),
        "gap": median(each.gap for each in explanations),
        "ms": milliseconds,
    }


def measure(frame: pd.DataFrame, cases: int) -> dict[str, object]:
    features = tuple(frame.columns.drop("label"))
    fitted = fit(MODEL, frame, features, "label", seed=0, threads=2)
    predict = predict_with(fitted)
    values = frame[list(features)].to_numpy(float)
    background = values[np.random.default_rng(0).choice(len(values), 5000, replace=False)]
    risky, unsure = chosen(predict(values), cases)
    rows = values[np.concatenate([risky, unsure])]

    first, second, six = (
        lime_explainer(background, n, seed) for n, seed in ((8, 0), (8, 1), (6, 0))
    )
    lime, lime_ms = timed(lambda row: first(row, predict), rows)
    again, _ = timed(lambda row: second(row, predict), rows)
    _, six_ms = timed(lambda row: six(row, predict), rows[:5])
    start = time.process_time()
    pool = make_explainer(predict, background, ExplainParams(mode="quartile", samples=SAMPLES))
    setup_ms = 1000 * (time.process_time() - start)
    explanations, pool_ms = timed(lambda row: pool.explain(row, ""), rows)
    ours = [[part.feature for part in each.parts][:TOP] for each in explanations]
    return {
        "rows": len(frame),
        "frauds": int(frame["label"].sum()),
        "features": len(features),
        "ms_a_case": {"lime": lime_ms, "lime, 6 features": six_ms, "pool": pool_ms},
        "pool_setup_ms": setup_ms,
        "times_faster": lime_ms / pool_ms,
        "top_5_shared": {"pool and lime": overlap(ours, lime), "lime twice": overlap(lime, again)},
        "fidelity": {
            kind: {
                mode: fidelity(predict, background, values[which], mode)
                for mode in ("replace", "quartile", "around")
            }
            for kind, which in (("riskiest", risky), ("least_certain", unsure))
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=20, help="of each kind")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = {
        make.__name__: measure(make(options.data / "fraud"), options.cases)
        for make in (paysim, cards)
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
