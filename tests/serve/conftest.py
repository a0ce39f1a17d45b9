"""A small project after training: real files of the real stages before ``register``."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.results import lineage
from vouch.core.files import write_json
from vouch.project.inputs import Choice, save_choice
from vouch.registry.life import promote
from vouch.registry.versions import Package, publish
from vouch.sources.declaration import load_declaration
from vouch.sources.manifest import keep
from vouch.stages.extract import extract
from vouch.stages.ingest import ingest
from vouch.stages.ingest.params import IngestParams
from vouch.stages.label import label
from vouch.stages.label.params import LabelParams
from vouch.stages.validate import validate
from vouch.stages.validate.params import ValidateParams
from vouch.usecases.fraud import models
from vouch.usecases.fraud.packaging import package
from vouch.usecases.fraud.params import ExtractParams
from vouch.usecases.suite import derive_suite

SHOP = """
name: shop
usecase: fraud
format: csv
columns:
  number: {role: id}
  at: {role: time}
  buyer: {role: payer}
  seller: {role: payee}
  kind: {role: category}
  price: {role: amount}
  fraud: {role: label, optional: true}
truth: {delay: {mean: 2d}}
rule: {where: amount > 80}
windows: [1d, 3d]
"""
OTHER = """
name: other
usecase: fraud
format: csv
columns:
  price: {role: amount}
rule: {where: amount > 80}
"""


def payments(count: int, seed: int = 0, first: int = 0) -> pd.DataFrame:
    """Payments of a few buyers and sellers over ten days."""
    generator = np.random.default_rng(seed)
    price = generator.lognormal(3, 1, count).round(2)
    seconds = np.sort(generator.integers(0, 10 * 86400, count))
    return pd.DataFrame(
        {
            "number": [f"P{first + i}" for i in range(count)],
            "at": (pd.Timestamp("2024-03-01") + pd.to_timedelta(seconds, unit="s")).astype(str),
            "buyer": generator.choice([f"b{i}" for i in range(12)], count),
            "seller": generator.choice([f"s{i}" for i in range(5)], count),
            "kind": generator.choice(["web", "shop"], count),
            "price": price,
            "fraud": (price + generator.normal(0, 10, count) > 60).astype(int),
        }
    )


def train(root: Path, rows: pd.DataFrame, declared: str = SHOP) -> None:
    """Take payments through the stages before tune, and hold the latest fifth out."""
    choice = _choose(root, rows, declared)
    holdout = {"set": choice.set, "generation": 1, "as_of": "latest", "state": root / ".vouch"}
    declaration = root / "data/sources/shop.yaml"
    for folder in ("bronze", "silver", "labels", "gold"):
        (root / folder).mkdir()
    bronze, silver = root / "bronze/rows.parquet", root / "data/silver/fraud/rows.parquet"
    labels = root / "data/labels/fraud/issued/labels.parquet"
    silver.parent.mkdir(parents=True)
    labels.parent.mkdir(parents=True)
    ingest(
        declaration=declaration,
        raw=root / choice.raw,
        files=choice.files,
        held_out=choice.held_out,
        rows=bronze,
        rejects=root / "bronze/rejects.parquet",
        sealed=root / "bronze/labels.sealed",
        **holdout,
        holdout_share=0.2,
        reserve_share=0.2,
        summary=root / "bronze/ingest.json",
        params=IngestParams(id_conflicts=1),
    )
    validate(
        declaration=declaration,
        suite=root / "expectations/shop.json",
        bronze=bronze,
        rows=silver,
        quarantine=root / "silver/quarantine.parquet",
        summary=root / "silver/validate.json",
        page=root / "silver/validate.html",
        params=ValidateParams(id_conflicts=1),
    )
    label(
        declaration=declaration,
        rows=silver,
        reviews=root / "labels/reviews",
        labels=labels,
        summary=root / "labels/label.json",
        params=LabelParams(),
    )
    extract(
        declaration=declaration,
        rows=silver,
        labels=labels,
        sealed=root / "bronze/labels.sealed",
        train=root / "gold/train.parquet",
        holdout=root / "gold/holdout.sealed",
        summary=root / "gold/extract.json",
        **holdout,
        engine="duckdb",
        held_out=(),
        use=LabelParams().use,
        params=ExtractParams(),
    )


def _choose(root: Path, rows: pd.DataFrame, declared: str) -> Choice:
    sources = root / "data/sources"
    sources.mkdir(parents=True)
    (sources / "shop.yaml").write_text(declared)
    (sources / "other.yaml").write_text(OTHER)
    write_json(
        root / "expectations/shop.json", derive_suite(load_declaration(sources / "shop.yaml"))
    )
    rows.to_csv(root / "payments.csv", index=False)
    key = keep(root / "data/raw/shop", root / "payments.csv")
    choice = Choice(source="shop", raw="data/raw/shop", files=(key,), set=key)
    save_choice(root, "fraud", choice)
    return choice


def register(root: Path) -> None:
    """Register a model of the training table, of every feature."""
    frame = pd.read_parquet(root / "gold/train.parquet")
    features = [f["name"] for f in json.loads((root / "gold/extract.json").read_text())["features"]]
    # one random feature a split: the scores depend on every feature
    settings = {"n_estimators": 30, "max_features": 1}
    candidate = models.Candidate(algorithm="random_forest", hyperparameters=settings)
    models.save(models.fit(candidate, frame, features, "label", 0, 1), root / "model")
    lineage().write(root / "lineage.json")
    evidence = {
        "declaration.yaml": root / "data/sources/shop.yaml",
        "extract.json": root / "gold/extract.json",
        "lineage.json": root / "lineage.json",
    }
    new = Package("fraud-shop", "", root / "model", frame.head(3), evidence, "f", {}, {}, package)
    publish(root / ".vouch", new)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project whose model looks back over windows, habits and risk; read only."""
    root = tmp_path_factory.mktemp("shop")
    train(root, payments(600))
    register(root)
    promote(root / ".vouch", "fraud-shop", "1", "the only one")
    return root
