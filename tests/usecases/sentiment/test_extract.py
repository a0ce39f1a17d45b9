"""A table of texts from silver rows: what is carried, grouped, split and kept out of training."""

from datetime import timedelta
from io import BytesIO
from itertools import count

import ibis
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sealing import seal_nothing
from tests.stages.extract.conftest import START
from vouch.core.errors import VouchError
from vouch.engine import connect
from vouch.holdout.sealed import make_key, unseal
from vouch.results.extract import Extracted
from vouch.sources.declaration import load_declaration
from vouch.stages.extract import extract
from vouch.stages.label import label
from vouch.stages.label.params import LabelParams
from vouch.usecases.needs import check
from vouch.usecases.params import SplitParams
from vouch.usecases.sentiment import vader
from vouch.usecases.sentiment.classes import CLASSES

NUMBER = count()
OWN = (
    "awful scam, lost everything i had in my wallet",
    "the meeting about the new exchange is at noon",
    "i love this project so much, great news for all",
)


@pytest.fixture(scope="module")
def engine():
    with connect(threads=1) as backend:
        yield backend


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("texts")


class Project:
    """Silver rows of texts, and the stages label and extract on them."""

    def __init__(self, engine, root, frame, held=(), state=None):
        self.folder = root / f"p{next(NUMBER)}"
        self.folder.mkdir()
        self.state = state or self.folder / "state"
        self.held = held
        frame = frame.copy()
        times = ["known_at", "superseded_at", *(["time"] if "time" in frame else [])]
        frame["known_at"] = frame.get("time", START)
        frame["superseded_at"] = pd.Series(pd.NaT, index=frame.index)
        frame[times] = frame[times].astype("datetime64[us]")
        engine.to_parquet(ibis.memtable(frame), self.folder / "rows.parquet")
        roles = ("id", "time", "text", "author", "asset", "label", "label_confidence")
        columns = {name: {"role": name} for name in roles if name in frame}
        rule = {"name": "vader", "lexicon": "vader"}
        told = {"name": "notes", "usecase": "sentiment", "format": "csv", "rule": rule}
        (self.folder / "notes.yaml").write_text(yaml.safe_dump(told | {"columns": columns}))
        check(load_declaration(self.folder / "notes.yaml"), self.folder)

    def run(self, share=0.2):
        own = {
            "declaration": self.folder / "notes.yaml",
            "rows": self.folder / "rows.parquet",
            "labels": self.folder / "labels.parquet",
        }
        use = LabelParams(use=("rule", "given"))
        label(
            **own, reviews=self.folder / "reviews", summary=self.folder / "label.json", params=use
        )
        told = dict(
            extract(
                **own,
                sealed=seal_nothing(self.state, self.folder / "labels.sealed"),
                use=use.use,
                **{name: self.folder / name for name in ("train", "holdout", "summary")},
                set="first",
                generation=1,
                as_of="latest",
                engine="duckdb",
                held_out=self.held,
                state=self.state,
                params=SplitParams(holdout_share=share),
            )
        )
        plain = unseal(make_key(self.state), self.folder / "holdout")
        return told, pd.read_parquet(self.folder / "train"), pd.read_parquet(BytesIO(plain))


def texts(rows, seed=0):
    """Distinct texts with everything a source may know of them."""
    random = np.random.default_rng(seed)
    letters = [f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}" for n in range(rows)]
    labels = random.integers(0, 3, rows)
    return pd.DataFrame(
        {
            "id": [f"t{n:03}" for n in range(rows)],
            "time": [START + timedelta(hours=n) for n in range(rows)],
            "text": [f"{x * 9} {OWN[y]} 🚀" for x, y in zip(letters, labels, strict=True)],
            "author": [f"a{n % 25}" for n in range(rows)],
            "asset": "btc",
            "label": labels.astype("int8"),
            "label_confidence": random.random(rows).round(2),
        }
    )


def test_texts_are_carried_with_vaders_scores_and_their_labels(engine, root):
    frame = texts(60)
    project = Project(engine, root, frame)
    told, train, held = project.run()
    assert told == dict(Extracted.read(project.folder / "summary"))
    every = pd.concat([train, held]).sort_values("id", ignore_index=True)
    assert (len(train), len(held)) == (48, 12)
    assert told["rows"] == {"train": 48, "holdout": 12, "newer": 0, "reserved": 0}
    assert train["time"].max() < held["time"].min()
    for name in ("id", "time", "text", "author", "asset"):
        assert (every[name] == frame[name]).all()
    assert (every["group"] == frame["author"]).all()
    np.testing.assert_allclose(every["confidence"], frame["label_confidence"])
    scores = vader.scores(frame["text"].tolist())
    np.testing.assert_array_equal(every[list(vader.SCORES)].to_numpy(), scores)
    assert {str(every[name].dtype) for name in vader.SCORES} == {"float32"}
    assert (every["truth"] == frame["label"]).all()
    rule = np.select([scores[:, 3] <= -0.05, scores[:, 3] >= 0.05], [0, 2], 1)
    assert (every["rule"] == rule).all()
    assert {f["name"] for f in told["features"]} == {"text", *vader.SCORES}


def test_classes_are_counted_in_either_part(engine, root):
    told, train, held = Project(engine, root, texts(80, seed=4)).run()
    for name, part, kind in (
        ("train", train, "truth"),
        ("train", train, "rule"),
        ("holdout", held, "rule"),
    ):
        counted = np.bincount(part[kind], minlength=3)
        assert list(told["by_class"][name][kind].items()) == list(
            zip(CLASSES, counted.tolist(), strict=True)
        )
        assert told["positives"][name][kind] == counted.min()
    assert told["by_class"]["holdout"]["truth"] is told["positives"]["holdout"]["truth"] is None
    assert any("rows of the rarest class" in warning for warning in told["warnings"])


def test_without_an_author_near_duplicates_are_a_group_else_the_id(engine, root):
    frame = texts(40).drop(columns=["author", "label_confidence"])
    frame.loc[1, "text"] = "RT @bob: " + frame.loc[0, "text"].upper() + " http://t.co/1"
    frame.loc[2, "text"] = "gm"
    _, train, _ = Project(engine, root, frame).run()
    found = train.set_index("id")
    assert found["group"]["t000"] == found["group"]["t001"] == found["twin"]["t000"]
    assert found["group"]["t002"] == "t002"
    assert found["twin"]["t002"] is None
    assert found["confidence"].isna().all()
    mixed = texts(40)
    mixed.loc[[2, 3], ["author", "text"]] = None
    mixed.loc[3, "text"] = "a text of nobody's that has more than twenty letters"
    _, train, _ = Project(engine, root, mixed).run()
    found = train.set_index("id")
    assert found["group"]["t000"] == "a0"
    assert found["group"]["t002"] == "t002"
    assert found["group"]["t003"] == found["twin"]["t003"] is not None


KEYS = st.sampled_from(["gm", *[f"{x}bcdefghijklmnopqrstuvwxyz" for x in "abcd"]])
rows = st.lists(
    st.tuples(KEYS, st.integers(0, 2), st.integers(0, 8), st.sampled_from(["f0", "f1"])),
    min_size=8,
    max_size=30,
)
RELAXED = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(rows, st.sampled_from(["time", "hash", "file"]))
def test_near_duplicates_of_the_holdout_leave_training_and_all_rows_add_up(
    engine, root, drawn, how
):
    frame = pd.DataFrame(drawn, columns=["text", "label", "hour", "file"])
    frame = frame.assign(id=[f"r{n:02}" for n in range(len(frame))])
    frame["label"] = frame["label"].astype("int8")
    twin = np.where(frame["text"] == "gm", None, frame["text"])
    frame["text"] = [f"@x{n} {text} {n} !" for n, text in enumerate(frame["text"])]
    if how == "time":
        frame["time"] = START + pd.to_timedelta(frame["hour"], unit="h")
    project = Project(
        engine, root, frame.drop(columns="hour"), held=("f1",) if how == "file" else ()
    )
    try:
        told, train, held = project.run(share=0.3)
    except VouchError as error:  # too few times, or nothing is left to learn from
        assert "no labelled rows are in" in str(error) or "no holdout can be cut" in str(error)
        return
    if how == "time":
        assert held["time"].min() == pd.Timestamp(told["boundary"])
        wanted = frame["time"] >= pd.Timestamp(told["boundary"])
    elif how == "file":
        wanted = frame["file"] == "f1"
    else:
        wanted = frame["id"].isin(held["id"])
    assert set(held["id"]) == set(frame["id"][wanted])
    taken = {key for key in twin[wanted] if key}
    learned = ~wanted & ~pd.Series(twin).isin(taken)
    kept = set(frame["id"][learned]) - set(train["id"])  # for later holdouts, of rows without time
    assert set(train["id"]) == set(frame["id"][learned]) - kept
    assert how == "hash" or not kept
    counts = {"near_holdout": 0} | told["rows"]
    assert counts == {
        "train": learned.sum() - len(kept),
        "holdout": wanted.sum(),
        "newer": 0,
        "reserved": len(kept),
        "near_holdout": (~wanted & ~learned).sum(),
    }
    assert sum(counts.values()) == len(frame)


def test_without_a_time_authors_stay_on_their_side_when_rows_come(engine, root):
    frame = texts(100).drop(columns="time")
    first = Project(engine, root, frame)
    _, train, held = first.run()
    assert not set(train["author"]) & set(held["author"])
    more = texts(40, seed=9).drop(columns="time")
    more["id"] = "n" + more["id"]
    more["text"] = "newer " + more["text"]
    more["author"] = [*(f"a{n}" for n in range(25)), *(f"new{n}" for n in range(15))]
    both = pd.concat([frame, more], ignore_index=True)
    _, grown, later = Project(engine, root, both, state=first.state).run()
    assert set(held["id"]) <= set(later["id"])
    assert set(train["id"]) <= set(grown["id"])
    assert not set(grown["author"]) & set(later["author"])
