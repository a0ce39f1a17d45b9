"""A small model with a known reason for its predictions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.results import extracted
from vouch.stages.explain import explain
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.models import Fitted, fit, save
from vouch.usecases.fraud.params import ExplainParams

FEATURES = ("amount", "noise", "night", "history", "more_noise", "constant", "seldom")


def make_rows(rows: int = 3000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"row-{i:05d}" for i in range(rows)],
            "amount": rng.lognormal(4, 1, rows),
            "noise": rng.normal(size=rows),
            "night": rng.integers(0, 2, rows),
            "history": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
            "more_noise": rng.normal(size=rows),
            "constant": 1.5,
            "seldom": np.where(rng.random(rows) < 0.99, np.nan, 3.0),
        }
    )
    frame["label"] = ((frame["amount"] > 150) & (frame["night"] == 1)).astype("int8")
    frame[list(FEATURES)] = frame[list(FEATURES)].astype("float32")
    return frame


SOURCES = Path(__file__).parents[3] / "data/sources"


@dataclass(frozen=True)
class Files:
    """What the stage reads, and where it writes."""

    root: Path

    def run(self, **params: object) -> tuple[dict[str, object], pd.DataFrame]:
        result = dict(
            explain(
                declaration=SOURCES / "simulated.yaml",
                train=self.root / "train.parquet",
                extracted=self.root / "extract.json",
                predictions=self.root / "predictions.parquet",
                model=self.root / "model",
                explanations=self.root / "explanations.parquet",
                summary=self.root / "explain.json",
                params=ExplainParams.model_validate({"samples": 1000, "picks": 0, **params}),
            )
        )
        return result, pd.read_parquet(self.root / "explanations.parquet")


@pytest.fixture(scope="session")
def fitted() -> Fitted:
    candidate = Candidate(algorithm="xgboost", hyperparameters={"n_estimators": 30, "max_depth": 3})
    return fit(candidate, make_rows(), FEATURES, "label", seed=0, threads=1)


@pytest.fixture
def files(tmp_path: Path, fitted: Fitted) -> Files:
    rows = make_rows()
    save(fitted, tmp_path / "model")
    rows.to_parquet(tmp_path / "train.parquet")
    scores = rows[["id", "label"]].assign(score_1=fitted.score(rows))
    scores.to_parquet(tmp_path / "predictions.parquet")
    described = [
        {"name": n, "group": "amount", "window": None, "description": ""} for n in FEATURES
    ]
    described[0]["description"] = "the payment's amount"
    extracted(features=described).write(tmp_path / "extract.json")
    return Files(tmp_path)


@pytest.fixture(scope="session")
def background() -> np.ndarray:
    return make_rows()[list(FEATURES)].to_numpy(dtype=float)


@pytest.fixture(scope="session")
def predict(fitted: Fitted) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: fitted.score(pd.DataFrame(rows, columns=list(FEATURES)))
