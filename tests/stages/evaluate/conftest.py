import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.results import extracted
from vouch.core.files import read_json
from vouch.holdout.keeper import HoldoutKey, Keeper
from vouch.models.predictions import score_columns
from vouch.stages.evaluate import evaluate
from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.models import fit, save
from vouch.usecases.params import EvaluateParams

ROOT = Path(__file__).parents[3]
START = datetime(2024, 1, 1)
KEY = HoldoutKey("fraud", "paysim", "0123456789ab", 1)


def payments(rows: int, seed: int, rate: float = 0.03, start: datetime = START) -> pd.DataFrame:
    """Rows as extract makes them: two features, a rule that is a poor guess, a truth."""
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < rate).astype("int8")
    first = random.normal(size=rows) + 1.6 * truth
    second = random.normal(size=rows) + 1.0 * truth
    return pd.DataFrame(
        {
            "id": [f"{seed}-{i:06}" for i in range(rows)],
            "time": np.sort(start + pd.to_timedelta(random.uniform(0, 5 * 86400, rows), unit="s")),
            "amount": np.round(random.lognormal(4, 1, rows), 2),
            "payer": [f"c{i}" for i in random.integers(rows // 3, size=rows)],
            "first": first.astype("float32"),
            "second": second.astype("float32"),
            "label": truth,
            "truth": pd.array(truth, dtype="Int8"),
            "rule": pd.array((second > 1.8).astype("int8"), dtype="Int8"),
        }
    )


@dataclass
class Project:
    """A project folder after the stage tune."""

    root: Path
    source: str = "paysim"
    params: EvaluateParams = field(
        default_factory=lambda: EvaluateParams(repeats=100, difference=0.4)
    )

    @property
    def state(self) -> Path:
        return self.root / ".vouch"

    @property
    def gold(self) -> Path:
        return self.root / "data/gold/fraud"

    @property
    def tune(self) -> Path:
        return self.root / "data/tune/fraud"

    def path(self, name: str) -> Path:
        return {
            "declaration": self.root / f"data/sources/{self.source}.yaml",
            "holdout": self.gold / "holdout.sealed",
            "extracted": self.gold / "extract.json",
            "predictions": self.tune / "predictions.parquet",
            "labels": self.root / "data/labels/fraud/issued/labels.parquet",
            "model": self.tune / "model",
            "evaluation": self.root / "data/evaluate/fraud/evaluation.json",
        }[name]

    def make(
        self,
        out_of_fold: pd.DataFrame | None = None,
        holdout: pd.DataFrame | None = None,
        generation: int = 1,
        depth: int = 3,
        reserved: int = 0,
    ) -> "Project":
        (self.root / "data").mkdir(exist_ok=True)
        shutil.copytree(ROOT / "data/sources", self.root / "data/sources", dirs_exist_ok=True)
        rows = payments(3000, 1) if out_of_fold is None else out_of_fold
        held = payments(2000, 2, start=START + timedelta(days=6)) if holdout is None else holdout
        self.seal(held, generation, reserved)
        self.fit(rows, depth)
        self.labels([])
        return self

    def labels(self, decided: list[tuple[Any, ...]]) -> None:
        """Write issues as the stage label does: people's of entity, label, minute, propensity.

        A chargeback beside them is in force: truth comes by itself.
        """
        rows = [
            (entity, label, "reviewer", "ada", START + timedelta(days=30, minutes=at), chance)
            for entity, label, at, chance in decided
        ]
        rows.append(("other", 0, "chargeback", "bank", START, None))
        kinds = {"entity": "string", "label": "int8", "source": "string", "actor": "string"}
        kinds |= {"issued_at": "datetime64[us]", "propensity": "float64"}
        frame = pd.DataFrame(rows, columns=list(kinds)).astype(kinds).assign(in_force=True)
        self.path("labels").parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(self.path("labels"))

    def seal(self, held: pd.DataFrame, generation: int = 1, reserved: int = 0) -> None:
        key = HoldoutKey("fraud", self.source, KEY.set, generation)
        keeper, plain = Keeper(self.state), self.root / "plain.parquet"
        until = START + timedelta(days=5 + 5 * generation)
        cut = keeper.cut(key, lambda: (until - timedelta(days=5), until))
        self.gold.mkdir(parents=True, exist_ok=True)
        held.to_parquet(plain, index=False)
        digest = keeper.seal(plain, self.path("holdout"))
        plain.unlink()
        assert cut.boundary is not None
        assert cut.until is not None
        truth = int(held["truth"].fillna(0).sum())
        extracted(
            **vars(key),
            as_of="2030-01-01T00:00:00",
            boundary=cut.boundary.isoformat(),
            until=cut.until.isoformat(),
            holdout_id=digest,
            rows={"train": 3000, "holdout": len(held), "newer": 0, "reserved": reserved},
            positives={"train": {"truth": truth, "rule": 0}},
        ).write(self.path("extracted"))

    def fit(self, rows: pd.DataFrame, depth: int = 3) -> None:
        candidate = Candidate(algorithm="decision_tree", hyperparameters={"max_depth": depth})
        fitted = fit(candidate, payments(4000, 9), ("first", "second"), "label", 0, 1)
        self.tune.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.path("model"), ignore_errors=True)
        save(fitted, self.path("model"))
        likely = dict(zip(score_columns(2), fitted.predict(rows).T, strict=True))
        scored = rows.assign(fold=0, **likely).drop(columns=["first", "second"])
        scored.to_parquet(self.path("predictions"), index=False)

    def evaluate(self, **params: Any) -> dict[str, Any]:
        names = (
            "declaration",
            "holdout",
            "extracted",
            "predictions",
            "labels",
            "model",
            "evaluation",
        )
        paths = {name: self.path(name) for name in names}
        chosen = self.params.model_copy(update=params)
        evaluate(**paths, state=self.state, params=chosen)
        content: dict[str, Any] = read_json(self.path("evaluation"))
        return content


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).make()
