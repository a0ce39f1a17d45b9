"""A holdout given as a file, from raw files on: what is in it is never learned from."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.holdout.sealed import make_key, unseal
from vouch.project.inputs import choose
from vouch.project.pipeline import execute
from vouch.project.rotation import rotate
from vouch.project.stages import find

ROOT = Path(__file__).parents[3]
SHOP = """
name: shop
usecase: fraud
format: csv
columns:
  number: {role: id}
  at: {role: time}
  price: {role: amount}
  fraud: {role: label, optional: true}
rule: {where: amount > 80}
"""
LATE = SHOP.replace("rule:", "  told: {role: label_time}\nrule:")
NOTES = """
name: notes
usecase: sentiment
format: csv
columns:
  text: {role: text}
  label: {role: label, values: [negative, neutral, positive]}
rule: {name: vader, lexicon: vader}
"""


def payments(first, count):
    numbers = np.arange(first, first + count)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(numbers, unit="h")
    frame = pd.DataFrame({"number": [f"p{n:04}" for n in numbers], "at": times.astype(str)})
    return frame.assign(price=10 + numbers * 7 % 90, fraud=(numbers % 9 == 0).astype(int))


def notes(first, count):
    words = ["awful loss", "a meeting", "great gains"]
    texts = [f"{words[n % 3]} of {'abcdefghij'[n % 10]}{n}" for n in range(first, first + count)]
    labels = [("negative", "neutral", "positive")[n % 3] for n in range(first, first + count)]
    return pd.DataFrame({"text": texts, "label": labels})


class Project:
    def __init__(self, root, usecase, name, declared):
        self.root, self.usecase, self.name = root, usecase, name
        (root / "data/sources").mkdir(parents=True)
        (root / f"data/sources/{name}.yaml").write_text(declared)
        shutil.copy(ROOT / "params.yaml", root)

    def write(self, name, frame):
        frame.to_csv(self.root / name, index=False)
        return self.root / name

    def run(self, **files):
        choose(self.root, self.usecase, self.name, **files)
        for stage in ("ingest", "validate", "label", "extract"):
            execute(self.root, find(stage), self.usecase)
        gold = self.root / f"data/gold/{self.usecase}"
        plain = unseal(make_key(self.root / ".vouch"), gold / "holdout.sealed")
        held = pd.read_parquet(BytesIO(plain))
        return read_json(gold / "extract.json"), pd.read_parquet(gold / "train.parquet"), held


@pytest.fixture
def shop(tmp_path):
    return Project(tmp_path, "fraud", "shop", SHOP)


def test_the_files_rows_are_the_holdout_even_those_that_training_files_have_too(shop):
    """Rows 60 to 79 are in both files, half of them corrected in the one or the other."""
    other, held = payments(0, 80), payments(60, 40)
    held.loc[held.index[:5], "price"] += 1
    told, train, sealed = shop.run(
        path=shop.write("a.csv", other), holdout=shop.write("h.csv", held)
    )
    assert set(sealed["id"]) == set(held["number"])
    assert set(train["id"]) == {f"p{n:04}" for n in range(60)}
    assert told["rows"] == {"train": 60, "holdout": 40, "newer": 0, "reserved": 0}
    assert (told["boundary"], told["until"]) == (None, None)
    # a later file that has holdout rows again teaches them no more than the first
    again = payments(70, 60)
    again["price"] += 0.5
    _, train, sealed = shop.run(add=shop.write("b.csv", again))
    assert set(sealed["id"]) == set(held["number"])
    assert set(train["id"]) == {f"p{n:04}" for n in (*range(60), *range(100, 130))}
    with pytest.raises(VouchError, match="given as a file") as caught:
        rotate(shop.root, "fraud", 1)
    assert "--holdout FILE" in caught.value.hint


def test_a_file_that_comes_after_a_run_takes_the_place_of_the_latest_rows(shop):
    first, _, _ = shop.run(path=shop.write("a.csv", payments(0, 80)))
    assert first["boundary"] is not None
    held = payments(200, 30)
    messages = []
    told, train, sealed = shop.run(holdout=shop.write("h.csv", held), say=messages.append)
    assert set(sealed["id"]) == set(held["number"])
    assert len(train) == 80
    assert told["generation"] == 2  # the first one's rows are learned from, and it is retired
    assert "generation 2" in messages[0] and "learned from" in messages[0]
    again, _, _ = shop.run(holdout=shop.root / "h.csv")
    assert again["generation"] == 2
    assert (told["boundary"], told["until"]) == (None, None)


def test_texts_without_ids_are_held_out_by_what_they_say(tmp_path):
    project = Project(tmp_path, "sentiment", "notes", NOTES)
    told, train, sealed = project.run(
        path=project.write("a.csv", notes(0, 60)), holdout=project.write("h.csv", notes(50, 25))
    )
    assert sorted(sealed["text"]) == sorted(notes(50, 25)["text"])
    assert sorted(train["text"]) == sorted(notes(0, 50)["text"])
    # a count of its classes would tell a label, were another run's one label apart
    assert told["by_class"]["holdout"]["truth"] is None
    assert told["positives"]["holdout"]["truth"] is None


@pytest.mark.parametrize("as_of", ["latest", "2024-01-05"])
def test_when_truth_of_held_out_rows_came_does_not_show(tmp_path, as_of):
    """The newest moment of all would tell that a label came then, and a date whether it had."""
    results = []
    for number, hours in enumerate((1, 2, 5000)):
        project = Project(tmp_path / str(number), "fraud", "shop", LATE)
        frame = payments(0, 80)
        delays = pd.to_timedelta(np.where(np.arange(80) < 64, 3000, hours), unit="h")
        frame["told"] = (pd.to_datetime(frame["at"]) + delays).astype(str)
        told, _, held = project.run(path=project.write("a.csv", frame), as_of=as_of)
        results.append((told["as_of"], told["arrives"]))
        assert len(held) == 16
        assert (
            held["truth"].notna().all() if as_of == "latest" else hours > 2 or held["truth"].any()
        )
    assert len(set(results)) == 1 and results[0][1]
