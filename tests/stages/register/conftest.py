"""A tiny project: what the stages before ``register`` leave, made by hand."""

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.results import evaluation, extracted, ingested, labelled, leaderboard
from vouch.core import tracking
from vouch.core.files import sha256
from vouch.results.evaluate import Evaluation
from vouch.stages.register import register
from vouch.stages.register.params import RegisterParams
from vouch.usecases.fraud import models

FEATURES = ["amount_log", "hour"]
DECLARATION = """
name: shop
usecase: fraud
format: csv
columns:
  when: {role: time}
  value: {role: amount}
  who: {role: payer}
rule: {where: amount > 100}
"""


def metric(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "interval": [low, high]}


def comparison(low: float) -> dict[str, Any]:
    difference = {"value": low + 0.1, "interval": [low, low + 0.2]}
    return {
        "metric": "average_precision",
        "challenger": 0.8,
        "champion": 0.7 - low,
        "difference": difference,
        "share_better": 0.99,
    }


@dataclass
class Project:
    """Files as the stages leave them; ``register()`` runs the stage on them."""

    root: Path
    algorithm: str = "xgboost"
    seed: int = 1
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.root / ".vouch"

    def path(self, name: str) -> Path:
        return self.root / name

    def with_seed(self, seed: int) -> "Project":
        other = replace(self, seed=seed)
        other.build()
        return other

    def build(self) -> None:
        generator = np.random.default_rng(self.seed)
        frame = self._rows(generator)
        for folder in ("gold", "silver", "labels", "tune"):
            self.path(folder).mkdir(exist_ok=True)
        frame.to_parquet(self.path("gold/train.parquet"))
        frame[["id", "time", "amount", "payer"]].assign(file="a" * 12, line=1).to_parquet(
            self.path("silver/rows.parquet")
        )
        self._labels(frame).to_parquet(self.path("labels/labels.parquet"))
        labelled(reviews=["0123456789ab"]).write(self.path("labels/label.json"))
        self.path("gold/holdout.sealed").write_bytes(generator.bytes(64))
        self._fit(frame)
        self._summaries(frame)

    def _rows(self, generator: np.random.Generator) -> pd.DataFrame:
        count = 400
        amount = generator.lognormal(3, 1, count)
        label = (amount + generator.normal(0, 10, count) > 60).astype("int8")
        return pd.DataFrame(
            {
                "id": [f"r{i}" for i in range(count)],
                "time": pd.date_range("2024-01-01", periods=count, freq="h").astype(
                    "datetime64[us]"
                ),
                "amount": amount,
                "payer": "p",
                "amount_log": np.log(amount).astype("float32"),
                "hour": (np.arange(count) % 24).astype("float32"),
                "label": label,
                "label_source": "chargeback",
                "rule": (amount > 100).astype("int8"),
                "truth": label,
            }
        )

    def _labels(self, frame: pd.DataFrame) -> pd.DataFrame:
        given = pd.DataFrame(
            {
                "entity": frame["id"],
                "label": frame["label"],
                "source": "chargeback",
                "actor": "bank",
                "issued_at": frame["time"] + pd.Timedelta(days=1),
                "in_force": True,
            }
        )
        late = given.head(3).assign(
            source="reviewer", actor="ada", issued_at=pd.Timestamp("2030-01-01")
        )
        return pd.concat([given, late])

    def _fit(self, frame: pd.DataFrame) -> None:
        candidate = models.Candidate(
            algorithm=self.algorithm,
            hyperparameters={"C": 1.0} if "logistic" in self.algorithm else {"max_depth": 3},
            imbalance="undersampling",
        )
        fitted = models.fit(candidate, frame, FEATURES, "label", self.seed, 1)
        models.save(fitted, self.path("tune/model"))
        score = fitted.score(frame)
        frame.assign(fold=0, score_0=1 - score, score_1=score)[
            [
                "id",
                "time",
                "amount",
                "payer",
                "fold",
                "score_0",
                "score_1",
                "label",
                "rule",
                "truth",
            ]
        ].to_parquet(self.path("tune/predictions.parquet"))
        frame.head(1)[["id"]].to_parquet(self.path("explanations.parquet"))

    def _summaries(self, frame: pd.DataFrame) -> None:
        self.path("shop.yaml").write_text(DECLARATION)
        self.path("raw.csv").write_text(f"when,value,who\n{self.seed}\n")
        self.path("raw").mkdir(exist_ok=True)
        shutil.copy(self.path("raw.csv"), self.path("raw"))
        digest = sha256(self.path("raw.csv"))
        files = [{**ingested().files[0], "sha256": digest}]
        ingested(files=files).write(self.path("ingest.json"))
        positives = {"train": {"truth": int(frame["truth"].sum()), "rule": 20}}
        features = [
            {"name": name, "group": "amount", "window": None, "description": ""}
            for name in FEATURES
        ]
        extracted(features=features, positives=positives).write(self.path("gold/extract.json"))
        leaderboard(run_id="elsewhere").write(self.path("tune/leaderboard.json"))
        self.evaluation().write(self.path("evaluation.json"))

    def evaluation(self) -> Evaluation:
        changes: dict[str, Any] = {"holdout": {"rule_comparison": comparison(0.05)}}
        return evaluation(**changes | self.changes)

    def register(self, gate: str = "enabled") -> dict[str, Any]:
        self.evaluation().write(self.path("evaluation.json"))
        return dict(
            register(
                declaration=self.path("shop.yaml"),
                raw=self.path("raw"),
                rows=self.path("silver/rows.parquet"),
                labels=self.path("labels/labels.parquet"),
                labelled=self.path("labels/label.json"),
                train=self.path("gold/train.parquet"),
                holdout=self.path("gold/holdout.sealed"),
                extracted=self.path("gold/extract.json"),
                ingested=self.path("ingest.json"),
                leaderboard=self.path("tune/leaderboard.json"),
                model=self.path("tune/model"),
                predictions=self.path("tune/predictions.parquet"),
                evaluation=self.path("evaluation.json"),
                explanations=self.path("explanations.parquet"),
                registration=self.path("registration.json"),
                state=self.state,
                params=RegisterParams(gate=gate),
            )
        )


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's store with its tables: making them takes seconds."""
    state = tmp_path_factory.mktemp("store")
    tracking.client(state).search_registered_models()
    return state / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, empty_store: Path) -> Project:
    made = Project(tmp_path)
    made.state.mkdir()
    shutil.copy(empty_store, made.state)
    made.build()
    return made
