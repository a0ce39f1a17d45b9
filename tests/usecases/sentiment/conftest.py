"""Small tables of texts as extract leaves them."""

import numpy as np
import pandas as pd
import pytest

from tests.project import copy_checkout, shrink, vouch
from tests.results import extracted
from tests.usecases.gold import Gold
from vouch.usecases.sentiment import vader

DECLARATION = """\
name: tiny
usecase: sentiment
format: csv
columns:
  id: {role: id}
  text: {role: text}
  label: {role: label}
"""
SAID = {
    0: ["awful scam, lost my money 😡", "never again, terrible", "i hate this", "not good at all"],
    1: ["the meeting is at noon", "a new wallet was released", "price of #btc", "see the chart"],
    2: ["i love it 😍", "great news!!!", "best coin, so happy", "to the moon 🚀"],
}
FILLER = ["@bob", "today", "http://t.co/x", "&amp;", "market", "we think", "10:30 pm", "…", "RT"]


def text_rows(rows=600, seed=0, time=True):
    random = np.random.default_rng(seed)
    label = random.choice(3, rows, p=[0.2, 0.45, 0.35]).astype("int8")
    told = np.where(random.random(rows) < 0.1, random.integers(0, 3, rows), label)
    texts = [
        " ".join([*random.choice(FILLER, random.integers(0, 4)), random.choice(SAID[int(one)])])
        for one in told
    ]
    frame = pd.DataFrame({"id": [f"t{i:05d}" for i in range(rows)], "text": texts})
    scores = vader.scores(texts)
    for column, name in enumerate(vader.SCORES):
        frame[name] = scores[:, column]
    frame["group"] = random.integers(0, rows // 2, rows)
    if time:
        seconds = np.sort(random.integers(0, 10**6, rows))
        stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s")
        frame["time"] = stamps.astype("datetime64[us]")
    compound = scores[:, 3]
    rule = np.select([compound <= -0.05, compound >= 0.05], [0, 2], 1).astype("int8")
    truth = pd.array(label, dtype="Int8")
    return frame.assign(label=label, label_source="given", rule=rule, truth=truth)


def write_gold(folder, frame=None, state=None, classes=("negative", "neutral", "positive")):
    folder.mkdir(parents=True, exist_ok=True)
    frame = text_rows() if frame is None else frame
    frame.to_parquet(folder / "train.parquet", index=False)
    extracted(classes=classes).write(folder / "extract.json")
    (folder / "tiny.yaml").write_text(DECLARATION)
    return Gold(folder, state or folder / "state")


@pytest.fixture(scope="session")
def tweets_project(tmp_path_factory):
    """A small project of generated tweets after one bare run: read it, never change it."""
    project = copy_checkout(tmp_path_factory.mktemp("tweets") / "project")
    shrink(project, rows=4_000, trials=1, usecases=("sentiment",))
    done = vouch(project, "run", "sentiment", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    return project
