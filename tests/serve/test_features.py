"""A row's features at scoring are those of training, bit for bit, whatever else its file has."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from vouch.core.files import read_json
from vouch.engine import connect
from vouch.registry.versions import find
from vouch.serve.features import prepare
from vouch.serve.reading import as_given
from vouch.sources.declaration import load_declaration
from vouch.stages.extract import extract
from vouch.stages.label.params import LabelParams
from vouch.usecases.fraud.params import ExtractParams

from .conftest import SHOP, payments, register, train

ROWS = 120
OPTIONAL = SHOP.replace("number: {role: id}", "number: {role: id, optional: true}")
PARAMS = "{ingest: {fraud: {id_conflicts: 1}}, validate: {fraud: {id_conflicts: 1}}}"
GOLD = {"train": "train.parquet", "holdout": "holdout.sealed", "summary": "extract.json"}
places = st.integers(0, ROWS - 1)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Payments with repeats, corrections, missing ids and amounts that training refuses."""
    rows = payments(ROWS, seed=draw(st.integers(0, 999)))
    rows.loc[draw(st.lists(places, max_size=20)), "number"] = None
    for place, price in draw(st.dictionaries(places, st.sampled_from([-5.0, 1e13]))).items():
        rows.loc[place, "price"] = price
    again = rows.iloc[draw(st.lists(places, max_size=30))]
    newer = rows.iloc[draw(st.lists(places, max_size=10, unique=True))].assign(price=99.5)
    whole = pd.concat([rows, again, newer[newer["number"].notna()]])
    return whole.sample(frac=1, random_state=0) if draw(st.booleans()) else whole


def at_scoring(root: Path, **written: float | None) -> pd.DataFrame:
    """Compute the features of the file that the model was trained on, as ``score`` does.

    Args:
        root: The project.
        written: What the version's extract is to have written instead.
    """
    version, path = find(root / ".vouch", "fraud-shop", "1"), root / "payments.csv"
    version.__dict__["extracted"] = version.extracted.model_copy(update=written)
    declared = load_declaration(root / "data/sources/shop.yaml")
    with connect() as engine:
        source = as_given(declared, path)
        table = prepare(
            engine, source, declared, path, version, root, lambda rows: [], root / "scratch"
        )
    rows = pd.read_parquet(table.path)
    return rows[rows["scored"]].drop_duplicates("shown").set_index("shown")


@pytest.mark.slow
@settings(
    max_examples=6,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=tables())
def test_features_are_training_s_bit_for_bit(tmp_path_factory, rows):
    root = tmp_path_factory.mktemp("shop")
    (root / "scratch").mkdir()
    (root / "params.yaml").write_text(PARAMS)
    train(root, rows, OPTIONAL)
    register(root)
    names = [feature["name"] for feature in read_json(root / "gold/extract.json")["features"]]
    trained = pd.read_parquet(root / "gold/train.parquet").set_index("id")
    scored = at_scoring(root)
    assert len(trained) > ROWS / 2 and set(trained.index) <= set(scored.index)
    for name in names:
        expected = trained[name].to_numpy()
        np.testing.assert_array_equal(scored.loc[trained.index, name].to_numpy(), expected, name)


def correct_later(silver: Path, ids: list[str]) -> None:
    """Add a version of some rows that came a day after all others."""
    rows = pd.read_parquet(silver)
    chosen = rows["id"].isin(ids)
    arrived = rows["arrived_at"].max() + pd.Timedelta("1d")
    newer = rows[chosen].assign(amount=9999.0, arrived_at=arrived, known_at=arrived)
    rows.loc[chosen, "superseded_at"] = arrived
    every = pd.concat([rows, newer], ignore_index=True)
    ordered = every.sort_values(["time", "id", "arrived_at"])
    ordered.to_parquet(silver, index=False, coerce_timestamps="us")


@pytest.mark.slow
def test_history_that_was_corrected_later_is_as_it_was_in_training(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "params.yaml").write_text(PARAMS)
    rows = payments(ROWS)
    silver = tmp_path / "data/silver/fraud/rows.parquet"
    train(tmp_path, rows)
    correct_later(silver, rows["number"][10:40].tolist())
    read = pd.read_parquet(silver)
    assert read["id"].duplicated().sum() == 30
    extract(
        declaration=tmp_path / "data/sources/shop.yaml",
        rows=silver,
        labels=tmp_path / "data/labels/fraud/issued/labels.parquet",
        sealed=tmp_path / "bronze/labels.sealed",
        use=LabelParams().use,
        **{name: tmp_path / f"gold/{file}" for name, file in GOLD.items()},
        set=read_json(tmp_path / "gold/extract.json")["set"],
        generation=1,
        engine="duckdb",
        held_out=(),
        as_of="latest",
        state=tmp_path / ".vouch",
        params=ExtractParams(),
    )
    register(tmp_path)
    rows.iloc[60:].to_csv(tmp_path / "payments.csv", index=False)
    trained = pd.read_parquet(tmp_path / "gold/train.parquet").set_index("id")
    assert trained["amount"].max() < 9999
    scored, both = at_scoring(tmp_path), trained.index.intersection(rows["number"][60:])
    assert len(both) > 20
    for feature in read_json(tmp_path / "gold/extract.json")["features"]:
        name = feature["name"]
        expected = trained.loc[both, name].to_numpy()
        np.testing.assert_array_equal(scored.loc[both, name].to_numpy(), expected, name)
    # a model of a release that wrote no lag learned from the newest versions
    before = at_scoring(tmp_path, lag_seconds=None)
    changed = [name for name in scored if (before.loc[both, name] != scored.loc[both, name]).any()]
    assert any("amount" in name for name in changed), changed
