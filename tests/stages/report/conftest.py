"""What the other stages leave, small but complete, as the report reads it."""

import copy
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.label import Labelled
from vouch.results.register import Registration
from vouch.results.report import Results
from vouch.results.tune import Leaderboard
from vouch.results.validate import Validated
from vouch.stages.report import report
from vouch.usecases.params import ReportParams

START = datetime(2024, 1, 1)
ROWS = 400


def figure(value: float | None, low: float = 0.0, high: float = 1.0) -> dict[str, Any]:
    return {"value": value, "interval": None if value is None else [low, high]}


def measures(ap: float, positives: int, rows: int) -> dict[str, Any]:
    return {
        "average_precision": figure(ap, ap - 0.05, ap + 0.05),
        "roc_auc": figure(0.9912345678901234, 0.98, 0.995),
        "precision_at_capacity": figure(0.31, 0.2, 0.4),
        "cost": figure(12.5, 10.0, 15.0),
        "confusion": {
            name: {"value": value, "interval": [value * 0.8, value * 1.2]}
            for name, value in {"tn": rows - 60, "fp": 20, "fn": 10, "tp": 30}.items()
        },
        "positives": positives,
        "chance": positives / rows,
        "rows": rows,
        "share_flagged_rows": 0.0041,
        "share_flagged_money": 0.11,
        "too_few": positives < 30,
    }


def make_rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"p{i:04d}" for i in range(ROWS)],
            "time": [START + timedelta(hours=i) for i in range(ROWS)],
            "amount": rng.lognormal(8, 1.5, ROWS).round(2),
            "payer": "C1",
            "type": rng.choice(["PAYMENT", "TRANSFER", "CASH_OUT"], ROWS, p=[0.6, 0.3, 0.1]),
            "superseded_at": pd.Series([pd.NaT] * ROWS, dtype="datetime64[us]"),
        }
    )


def make_predictions(rows: pd.DataFrame) -> pd.DataFrame:
    scored = rows.iloc[100:300][["id", "time", "amount", "payer"]].reset_index(drop=True)
    high = scored["amount"] > scored["amount"].quantile(0.9)
    scored["fold"] = 1
    scored["score_0"] = np.where(high, 0.1, 0.99)
    scored["score_1"] = np.where(high, 0.9, 0.01)
    scored["label"] = high.astype("int8")
    scored["rule"] = high.astype("Int8")
    scored["truth"] = pd.array(np.where(np.arange(200) % 50 == 0, 1, 0), dtype="Int8")
    return scored


def make_leaderboard() -> dict[str, Any]:
    algorithms = ["decision_tree", "logistic_regression", "random_forest", "xgboost"]
    candidate = {"hyperparameters": {"max_depth": 4, "learning_rate": 0.1234567}}
    candidate |= {"imbalance": "weights", "groups": ["amount", "time"], "windows": ["7d"]}
    trials = [
        {
            "number": i,
            "sampler": "random" if i < 6 else "tpe",
            "position": i % 6,
            "algorithm": algorithms[i % 4],
            "candidate": {"algorithm": algorithms[i % 4], **candidate},
            "value": None if i == 5 else 0.4 + 0.03 * i,
            "interval": None,
            "folds": [0.4, 0.5123456789],
            "seconds": 1.234567,
            "state": "failed" if i == 5 else "complete",
            "error": "no leaf" if i == 5 else None,
        }
        for i in range(12)
    ]
    best = {
        trial["algorithm"]: {
            **{name: trial[name] for name in ("number", "candidate", "value")},
            "interval": [trial["value"] - 0.1, 0.9],
        }
        for trial in trials[-4:]
    }
    fold = {"train_until": "2024-01-08T00:00:00", "from": "2024-01-08T00:00:00", "train_rows": 90}
    return {
        "metric": "average_precision",
        "trials": trials,
        "best": 11,
        "best_by_algorithm": best,
        "best_by_sampler": {
            "random": {"number": 4, "value": 0.52, "trials": 6, "seconds": 7.4},
            "tpe": {"number": 11, "value": 0.73, "trials": 6, "seconds": 7.1},
        },
        "folds": [{**fold, "until": "2024-01-12T00:00:00", "rows": 200, "positives": 9}],
        "budget": {"trials": 12},
        "warnings": [],
        "run_id": "abc",
    }


def make_evaluation() -> dict[str, Any]:
    points = [[i / 20, 1 - (i / 20) ** 2] for i in range(21)]
    return {
        "metric": "average_precision",
        "kind": "truth",
        "confidence": 0.95,
        "review": None,
        "out_of_fold": {
            "truth": measures(0.61, 43, 12_000),
            "rule": measures(0.97, 480, 12_000),
            "the_rule": {
                "share_flagged_rows": 0.04,
                "share_flagged_money": 0.11,
                "truth": {
                    **measures(0.027, 43, 12_000),
                    "precision": figure(0.029, 0.02, 0.04),
                    "recall": figure(0.936, 0.9, 0.96),
                },
            },
        },
        "holdout": {
            "status": "answered",
            "question": 3,
            "truth": measures(0.58, 12, 3_000),
            "rule": measures(0.96, 120, 3_000),
            "reason": "",
            "rule_comparison": {
                "kind": "truth",
                "metric": "average_precision",
                "challenger": 0.58,
                "champion": 0.03,
                "difference": figure(0.55, 0.4, 0.7),
            },
            "rule_comparison_reason": "",
            "bootstrap": {"repeats": 400, "confidence": 0.95},
        },
        "threshold": {
            "value": 0.1234567,
            "interval": [0.05, 0.3],
            "cost": figure(12.34, 10, 14),
            "flag_nothing": 190.5,
            "flag_everything": 10.0,
            "kind": "truth",
        },
        "cost_curve": [
            {"threshold": 1.01 - i / 20, "cost": 10 + (i - 14) ** 2, "interval": [5, 300]}
            for i in range(21)
        ],
        "curves": {
            "kind": "truth",
            "precision_recall": points,
            "roc": [[a, 1 - (1 - a) ** 4] for a, _ in points],
            "calibration": [
                {"score": s, "share": s * 0.8, "interval": [s * 0.5, min(1, s * 1.4)], "rows": 50}
                for s in (0.001, 0.02, 0.3, 0.8)
            ],
        },
        "champion": {"version": None, "comparison": None, "reason": "no champion yet"},
        "ledger": {
            "usecase": "fraud",
            "source": "shop",
            "set": "s",
            "generation": 1,
            "boundary": "2024-01-14T00:00:00",
            "until": "2024-01-17T15:00:00",
            "rows": 3_000,
            "positives": 12,
            "budget": 20,
            "spent": 3,
            "left": 17,
            "opened_at": "2024-02-01T10:30:00",
            "status": "open",
        },
        "published": [
            {
                "figure": "decision tree: area under PR",
                "kind": "rule",
                "value": 0.9539,
                "citation": "a notebook",
                "ours": 0.96,
                "interval": [0.9, 0.98],
                "on": "holdout",
                "too_few": False,
                "remark": "published on a random split",
            }
        ],
        "warnings": ["only 12 frauds are in the holdout"],
    }


def make_summaries() -> dict[str, Any]:
    expectation = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "amount", "min_value": 0},
        "policy": "quarantine",
        "notes": "",
        "title": "amount: values to be between",
        "success": False,
        "failed": 3,
        "share": 0.0074,
        "examples": ["amount = -5.0 (id p1)", "amount = -1.0 (id p2)"],
        "observed": None,
    }
    return {
        "ingested": {
            "files": [
                {
                    "name": "payments.csv",
                    "sha256": "ab" * 32,
                    "arrived_at": "2024-02-01T10:30:00",
                    "lines": 407,
                    "rows": 405,
                    "rejects": 2,
                }
            ],
            "columns": ["id"],
            "lines": 407,
            "rows": 405,
            "rejects": 2,
            "dropped": 0,
            "ignored_columns": ["isFlaggedFraud"],
            "warnings": [],
        },
        "validated": {
            "counts": {"in": 405, "silver": 400, "superseded": 1, "duplicates": 1, "quarantine": 3},
            "expectations": [expectation, {**expectation, "success": True, "failed": 0}],
            "by_category": {},
            "warnings": ["balances do not add up in 4 % of rows"],
        },
        "labelled": {
            "issues": 800,
            "by_source": {
                name: {
                    "issues": 400,
                    "positives": positives,
                    "entities": 400,
                    "first": "2024-01-01 00:00:00",
                    "last": "2024-01-17 15:00:00",
                    "in_force": True,
                    "by_class": {"genuine": 400 - positives, "fraud": positives},
                }
                for name, positives in (("rule", 16), ("chargeback", 5))
            },
            "rule": None,
            "history": None,
            "reviews": [],
            "warnings": [],
        },
        "extracted": {
            "usecase": "fraud",
            "source": "shop",
            "set": "s",
            "generation": 1,
            "holdout_id": "h",
            "classes": ["genuine", "fraud"],
            "by_class": {},
            "as_of": "2024-01-17T15:00:00",
            "boundary": "2024-01-14T00:00:00",
            "until": "2024-01-17T15:00:00",
            "delay_seconds": 86400.0,
            "features": [
                {"name": "amount", "group": "amount", "window": None, "description": "the amount"}
            ],
            "rows": {"train": 320, "holdout": 80, "newer": 0, "reserved": 0},
            "positives": {"train": {"truth": 4, "rule": 12}, "holdout": {"truth": None, "rule": 4}},
            "warnings": [],
        },
        "leaderboard": make_leaderboard(),
        "evaluation": make_evaluation(),
        "registration": {
            "name": "fraud-shop",
            "version": 2,
            "model_id": "m-2",
            "run_id": "0123abcd",
            "reviews": [],
            "otherwise": None,
            "aliases": ["challenger", "champion"],
            "gate": {
                "better": True,
                "promoted": True,
                "mode": "enabled",
                "reasons": ["It beats the rule by 0.55."],
            },
            "digests": {"data/gold/fraud/train.parquet": "d41d8cd9", "data/tune/fraud/model": "0c"},
            "git_commit": "f" * 40,
            "as_of": "2024-01-17T15:00:00",
            "ledger_question": 3,
            "model_uri": "models:/fraud-shop/2",
        },
    }


def make_explanations() -> pd.DataFrame:
    """One case that LIME and TreeSHAP explain alike, one that is poor, unstable and disputed."""
    lines = []
    kinds = [("riskiest", False), ("least_certain", True), ("covering", False)]
    for n, (kind, poor) in enumerate(kinds):
        for method, rank in [(m, r) for m in ("lime", "treeshap") for r in (1, 2, 3)]:
            lines.append(
                {
                    "id": f"p{n:04d}",
                    "kind": kind,
                    "score": 0.98 if n == 0 else 0.51,
                    "local_prediction": 0.95 if n == 0 else 0.2,
                    "r2": 0.8 if n == 0 else 0.1,
                    "gap": 0.03 if n == 0 else 0.31,
                    "poor": poor,
                    "stability": 0.25 if poor else 0.9,
                    "unstable": poor,
                    "agreement": 0.2 if poor else 0.8,
                    "disagree": poor,
                    "comparison": "LIME and TreeSHAP share some",
                    "base": -4.5,
                    "margin": 3.25,
                    "seed": 7,
                    "method": method,
                    "feature": ("amount", "hour", "type_TRANSFER")[rank - 1],
                    "condition": f"the amount is {rank},250,000 (above 98% of rows)",
                    "weight": (0.4, -0.2, 0.05)[rank - 1] * (5 if method == "treeshap" else 1),
                    "rank": rank,
                    "value": 1_250_000.0,
                    "covers": 0.625 if kind == "covering" else None,
                }
            )
    return pd.DataFrame(lines)


def make_labels(people: list[tuple[Any, ...]] | None = None, use: bool = True) -> pd.DataFrame:
    """A rule's word of each row, and people's: entity, label, actor, hour."""
    rule = [(f"p{n:04d}", n % 4 == 0, "rule", "large", 0, True) for n in range(ROWS)]
    said = [(e, label, "reviewer", actor, at, use) for e, label, actor, at in people or []]
    names = ["entity", "label", "source", "actor", "issued_at", "in_force"]
    frame = pd.DataFrame([*rule, *said], columns=names)
    hours = frame["issued_at"].map(lambda at: START + timedelta(days=20, hours=at))
    return frame.assign(
        label=frame["label"].astype("int8"), issued_at=hours.astype("datetime64[us]")
    )


DECLARATION: dict[str, Any] = {
    "name": "shop",
    "usecase": "fraud",
    "description": "Payments of a shop",
    "format": "csv",
    "columns": {
        "id": {"role": "id"},
        "at": {"role": "time"},
        "amount": {"role": "amount"},
        "type": {"role": "category"},
    },
    "truth": {"delay": {"distribution": "exponential", "mean": "24h"}},
    "rule": {"name": "large", "where": "amount > 1000 and type <> 'PAYMENT'"},
}


@dataclass
class Inputs:
    """The stages' outputs, to be changed by a test and then written and reported on."""

    root: Path
    summaries: dict[str, Any] = field(default_factory=make_summaries)
    rows: pd.DataFrame = field(default_factory=make_rows)
    explanations: pd.DataFrame = field(default_factory=make_explanations)
    declaration: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(DECLARATION))
    predictions: pd.DataFrame | None = None
    labels: pd.DataFrame = field(default_factory=make_labels)

    def write(self) -> dict[str, Path]:
        paths = {name: self.root / f"{name}.json" for name in self.summaries}
        for name, path in paths.items():
            path.write_text(json.dumps(self.summaries[name]))
        tables = {
            "rows": self.rows,
            "predictions": make_predictions(self.rows)
            if self.predictions is None
            else self.predictions,
            "explanations": self.explanations,
            "labels": self.labels,
        }
        for name, table in tables.items():
            paths[name] = self.root / f"{name}.parquet"
            table.to_parquet(paths[name])
        paths["declaration"] = self.root / "shop.yaml"
        paths["declaration"].write_text(yaml.safe_dump(self.declaration))
        paths["tree"] = self.root / "tree"
        paths["tree"].mkdir(exist_ok=True)
        (paths["tree"] / "tree.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        (paths["tree"] / "tree.txt").write_text("if amount <= 5\n    probability 0 (3 rows)\n")
        (paths["tree"] / "tree.sql").write_text('CASE WHEN "amount" <= 5e0 THEN 0e0 END\n')
        return paths

    def page(self, **params: Any) -> str:
        self.told = report(
            **self.write(), report=self.root / "report.html", params=ReportParams(**params)
        )
        return (self.root / "report.html").read_text()


CLASSES = {
    "ingested": Ingested,
    "validated": Validated,
    "labelled": Labelled,
    "extracted": Extracted,
    "leaderboard": Leaderboard,
    "evaluation": Evaluation,
    "registration": Registration,
}


def results(summaries: dict[str, Any]) -> Results:
    """What the stages wrote, as the report reads it."""
    return Results(**{name: CLASSES[name].model_validate(each) for name, each in summaries.items()})


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the usual inputs, made once."""
    return Inputs(tmp_path_factory.mktemp("usual")).page()
