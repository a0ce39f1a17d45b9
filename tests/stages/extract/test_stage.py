import tempfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import yaml

from tests.sealing import seal_nothing
from tests.stages.extract.conftest import START, declare
from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.core.settings import load_params
from vouch.holdout.ledger import HoldoutKey, Ledger
from vouch.holdout.sealed import make_key, unseal
from vouch.results.extract import Extracted
from vouch.stages.extract import extract
from vouch.stages.label import label
from vouch.stages.label.params import LabelParams
from vouch.usecases.fraud.params import ExtractParams

NONE_NEWER = {"newer": 0, "reserved": 0}
FILES = ("train", "holdout", "summary")


@pytest.fixture
def project(engine, tmp_path):
    """A shop of 400 payments, one an hour, labelled by rule and truth a day later."""
    generator = np.random.default_rng(1)
    size = 400
    frame = pd.DataFrame(
        {
            "id": [f"r{n:03}" for n in range(size)],
            "time": [START + timedelta(hours=n // 2) for n in range(size)],
            "payer": generator.choice(list("ABCD"), size),
            "payee": generator.choice(list("XYZ"), size),
            "amount": generator.gamma(2.0, 50.0, size).round(2),
            "label": (generator.random(size) < 0.1).astype("int8"),
        }
    )
    return Project(engine, tmp_path, frame)


class Project:
    def __init__(self, engine, folder, frame, **changes):
        self.engine, self.folder, self.frame = engine, folder, frame
        settings = {"truth": {"delay": {"mean": "24h"}}, "rule": {"where": "amount > 200"}}
        settings |= changes
        self.declaration = declare(**settings)
        text = self.declaration.model_dump(mode="json", exclude_none=True)
        text["windows"] = ["3m", "10m"]
        text["truth"] = settings["truth"]
        (folder / "shop.yaml").write_text(yaml.safe_dump(text))
        self.write()

    def write(self):
        frame = self.frame.copy()
        if "known_at" not in frame:
            frame["known_at"] = frame.get("time", START)
            frame["superseded_at"] = pd.Series(pd.NaT, index=frame.index)
        for name in frame.columns.intersection(["time", "known_at", "superseded_at"]):
            frame[name] = frame[name].astype("datetime64[us]")
        self.engine.to_parquet(ibis.memtable(frame), self.folder / "rows.parquet")
        label(
            declaration=self.folder / "shop.yaml",
            rows=self.folder / "rows.parquet",
            reviews=self.folder / "reviews",
            labels=self.folder / "labels.parquet",
            summary=self.folder / "label.json",
            params=LabelParams(),
        )

    def extract(self, where="out", as_of="latest", generation=1, engine="duckdb", **params):
        out = self.folder / where
        out.mkdir(exist_ok=True)
        state = self.folder / "state"
        Ledger(state).rotate(HoldoutKey("fraud", "shop", "first", generation))
        return dict(
            extract(
                declaration=self.folder / "shop.yaml",
                rows=self.folder / "rows.parquet",
                labels=self.folder / "labels.parquet",
                sealed=seal_nothing(self.folder / "state", self.folder / "labels.sealed"),
                **{name: out / name for name in FILES},
                set="first",
                generation=generation,
                as_of=as_of,
                engine=engine,
                held_out=(),
                use=LabelParams().use,
                state=state,
                params=ExtractParams(**params),
            )
        )

    def train(self, where="out"):
        return pd.read_parquet(self.folder / where / "train")

    def held(self, where="out"):
        plain = unseal(make_key(self.folder / "state"), self.folder / where / "holdout")
        return pd.read_parquet(BytesIO(plain))


def test_the_latest_rows_are_held_out_and_all_rows_add_up(project):
    result = project.extract()
    assert result == dict(Extracted.read(project.folder / "out/summary"))
    train, held = project.train(), project.held()
    assert result["rows"] == {"train": 320, "holdout": 80, "newer": 0, "reserved": 0}
    assert (len(train), len(held)) == (320, 80)
    assert train["time"].max() < held["time"].min() == pd.Timestamp(result["boundary"])
    assert list(train.columns) == list(held.columns)
    every = pd.concat([train, held])
    known = every[every["label_source"] == "chargeback"].set_index("id")["label"]
    assert known.equals(project.frame.set_index("id")["label"].loc[known.index])
    assert len(known) == 400 - result["late"]["left_out"]
    assert result["positives"]["train"]["truth"] == train["truth"].sum()
    assert result["delay_seconds"] == 86400
    names = [feature["name"] for feature in result["features"]]
    assert set(names) <= set(train.columns)
    assert {str(train[name].dtype) for name in names if name != "amount"} == {"float32"}
    assert train.equals(train.sort_values(["time", "id"], kind="stable"))


def test_the_same_input_gives_the_same_bytes(project):
    for where in ("one", "two"):
        project.extract(where)
    for name in FILES:
        assert sha256(project.folder / "one" / name) == sha256(project.folder / "two" / name)


def test_the_plain_holdout_is_left_nowhere(project, monkeypatch):
    private = project.folder / "tmp"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    project.extract()
    assert list(private.iterdir()) == []
    secret = project.held()["id"].iloc[0].encode()
    assert secret not in (project.folder / "out/holdout").read_bytes()
    left = {path.name for path in project.folder.rglob("*.parquet")}
    assert left == {"rows.parquet", "labels.parquet"}


def test_the_boundary_stays_when_newer_rows_come(project):
    first = project.extract(reserve_share=0.4)
    later = project.frame.assign(
        id="n" + project.frame["id"], time=project.frame["time"] + timedelta(days=30)
    )
    project.frame = pd.concat([project.frame, later], ignore_index=True)
    project.write()
    second = project.extract("again", reserve_share=0.9)  # too late to change it
    assert second["boundary"] == first["boundary"]
    # what a holdout of hours left over is split by payer: some are kept, the others train
    newer, reserved = second["rows"]["newer"], second["rows"]["reserved"]
    assert (newer > 0) and (reserved > 0) and newer + reserved == 400
    assert second["rows"]["train"] == 320 + newer
    assert second["rows"]["holdout"] == 80 and second["reserve"] == 0.4
    rotated = project.extract("rotated", generation=2, reserve_share=0.9)
    assert rotated["rows"] == {"train": 800 - reserved, "holdout": reserved, **NONE_NEWER}
    assert rotated["boundary"] > first["until"] and rotated["reserve"] == 0.9
    assert set(project.held("rotated")["id"]).isdisjoint(project.train("again")["id"])


def test_as_of_knows_only_what_was_known(project):
    moment = START + timedelta(days=4)
    result = project.extract(as_of="2024-01-05")
    train = pd.concat([project.train(), project.held()])
    assert result["as_of"] == moment.isoformat()
    assert train["time"].max() <= moment
    assert train["label_known_at"].max() <= moment
    day = timedelta(days=1)
    unknown = train["time"] > moment - day
    # the training part learns only from what was known when the holdout began
    late = unknown | train["time"].between(
        pd.Timestamp(result["boundary"]) - day, result["boundary"], "neither"
    )
    assert (train.loc[late, "label_source"] == "rule").all()
    assert train["truth"].isna().equals(unknown)
    assert (train.loc[~late, "label_source"] == "chargeback").all()


def test_features_do_not_depend_on_as_of(project):
    project.extract("early", as_of="2024-01-05")
    result = project.extract("all", generation=2)
    early = project.train("early").set_index("id")
    whole = pd.concat([project.train("all"), project.held("all")]).set_index("id")
    names = [feature["name"] for feature in result["features"]]
    pd.testing.assert_frame_equal(early[names], whole.loc[early.index, names])


@pytest.mark.parametrize(("lag", "amount"), [("0s", None), ("5d", None), ("6d", 9999.0)])
def test_a_corrected_row_counts_once_as_it_was_when_scored(project, lag, amount):
    fixed = START + timedelta(days=6)
    frame = project.frame.assign(known_at=project.frame["time"], superseded_at=pd.NaT)
    corrected = frame.loc[[0]].assign(amount=9999.0, known_at=fixed)
    frame.loc[0, "superseded_at"] = fixed
    project.frame = pd.concat([frame, corrected], ignore_index=True)
    project.write()
    project.extract("before", as_of="2024-01-06", lag=lag)
    result = project.extract("after", as_of="2024-01-08", lag=lag)
    assert result["lag_seconds"] == int(lag[0]) * 86400
    old, new = (project.train(name).set_index("id") for name in ("before", "after"))
    first = project.frame.loc[0, "amount"]
    assert old.loc["r000", "amount"] == first
    assert new.loc["r000", "amount"] == (amount or first)
    assert new.index.is_unique


def test_without_time_whole_payers_are_held_out(engine, tmp_path):
    size = 300
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(size)], "amount": range(size)})
    frame["payer"] = [f"p{n % 60}" for n in range(size)]
    frame["label"] = np.array([n % 7 == 0 for n in range(size)], dtype="int8")
    columns = {
        "key": {"role": "id"},
        "from": {"role": "payer"},
        "money": {"role": "amount"},
        "bad": {"role": "label"},
    }
    project = Project(engine, tmp_path, frame, columns=columns)
    result = project.extract()
    assert result["boundary"] is None
    assert not set(project.train()["payer"]) & set(project.held()["payer"])
    rows = result["rows"]
    assert rows["train"] + rows["holdout"] + rows["reserved"] == size


@pytest.mark.parametrize(
    ("as_of", "message"),
    [("yesterday", "'yesterday' is no date"), ("2023-01-01", "no holdout can be cut off")],
)
def test_an_impossible_as_of_is_told(project, as_of, message):
    with pytest.raises(VouchError, match=message):
        project.extract(as_of=as_of)


def test_an_as_of_before_the_recorded_holdout_is_told(project):
    project.extract()
    with pytest.raises(VouchError, match="no labelled rows are in holdout"):
        project.extract(as_of="2024-01-03")


@pytest.mark.parametrize("section", ["holdout_share: 0.9", "groups: [colour]", "share: 1"])
def test_params_refuse_what_is_out_of_range(tmp_path, section):
    path = Path(tmp_path / "params.yaml")
    path.write_text(f"extract: {{fraud: {{{section}}}}}")
    with pytest.raises(VouchError, match=r"extract\.fraud"):
        load_params(path, ExtractParams, "extract", "fraud")
