from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from vouch.core.errors import VouchError
from vouch.holdout.keeper import HoldoutKey, Keeper, ScoredModel, model_digest
from vouch.models.predictions import of_positive
from vouch.sources.declaration import Costs
from vouch.usecases.fraud.judge import Ranking
from vouch.usecases.fraud.measures import Terms
from vouch.usecases.params import EvaluateParams

KEY = HoldoutKey("fraud", "paysim", "0123456789ab", 1)
TERMS = Terms(0.5, 10, False, Costs(), 100.0, EvaluateParams(repeats=100, budget=3))


def holdout(rows: int = 1500) -> pd.DataFrame:
    random = np.random.default_rng(0)
    truth = (random.random(rows) < 0.05).astype("int8")
    return pd.DataFrame(
        {
            "time": [datetime(2024, 1, 1) + timedelta(minutes=i) for i in range(rows)],
            "amount": random.lognormal(3, 1, rows),
            "good": 1 / (1 + np.exp(-random.normal(size=rows) - 3 * truth)),
            "poor": 1 / (1 + np.exp(-random.normal(size=rows) - 1 * truth)),
            "truth": pd.array(truth, dtype="Int8"),
            "rule": pd.array(random.integers(0, 2, rows), dtype="Int8"),
        }
    )


@pytest.fixture
def asking(tmp_path):
    keeper, plain, sealed = Keeper(tmp_path), tmp_path / "plain", tmp_path / "sealed"
    keeper.cut(KEY, lambda: (datetime(2024, 1, 1), datetime(2024, 1, 3)))
    holdout().to_parquet(plain)
    keeper.seal(plain, sealed)

    def ask(challenger: ScoredModel, champion: ScoredModel | None = None, terms: Terms = TERMS):
        return keeper.candidate(KEY, sealed, challenger, champion, Ranking(terms))

    ask.keeper = keeper
    return ask


def model(column: str) -> ScoredModel:
    def predict(frame: pd.DataFrame) -> np.ndarray:
        if column not in frame:
            raise VouchError(f"no feature {column!r}")
        return of_positive(frame[column].to_numpy())

    return ScoredModel(f"digest of {column}", predict)


def test_the_better_model_is_seen_to_be_better(asking):
    compared = asking(model("good"), model("poor")).answer["against_champion"]
    assert compared["difference"]["interval"][0] > 0
    assert compared["challenger"] > compared["champion"]
    back = asking(model("poor"), model("good")).answer["against_champion"]
    assert back["difference"]["value"] == pytest.approx(-compared["difference"]["value"])


def test_once_champion_it_is_not_charged_again(asking):
    first = asking(model("good"), model("poor"))
    assert asking(model("good"), model("good")) == first
    assert len(asking.keeper.log()) == 1


def test_a_champion_that_cannot_score_these_rows_is_said(asking):
    compared = asking(model("good"), model("older feature")).answer["against_champion"]
    assert compared["difference"] is None
    assert "older feature" in compared["reason"]


def test_a_question_that_broke_off_was_charged_and_is_answered_later(asking):
    """The charge stands before the model ever sees the rows."""
    seen = []

    def broken(frame: pd.DataFrame) -> np.ndarray:
        seen.append(asking.keeper.status()[0]["spent"])
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        asking(ScoredModel("digest of good", broken))
    assert seen == [1]
    assert asking.keeper.log()[0]["answer"] is None
    reply = asking(model("good"))
    assert reply.status == "answered"
    assert reply.question == 1
    assert asking.keeper.status()[0]["spent"] == 1


def test_more_samples_are_no_new_question_but_another_threshold_is(asking):
    first = asking(model("good"))
    more = Terms(0.5, 10, False, Costs(), 100.0, EvaluateParams(repeats=200, seed=3, budget=3))
    assert asking(model("good"), terms=more) == first
    other = Terms(0.6, 10, False, Costs(), 100.0, EvaluateParams(repeats=100, budget=3))
    assert asking(model("good"), terms=other).question == 2


def test_a_tampered_holdout_is_not_charged(asking, tmp_path):
    content = bytearray((tmp_path / "sealed").read_bytes())
    content[-1] ^= 1
    (tmp_path / "sealed").write_bytes(content)
    with pytest.raises(VouchError, match="changed"):
        asking(model("good"))
    assert asking.keeper.log() == []


def test_a_models_digest_tells_names_and_contents(tmp_path):
    digests = set()
    for name, content in (("a", "x"), ("a", "y"), ("b", "x")):
        folder = tmp_path / f"{name}{content}"
        folder.mkdir()
        (folder / name).write_text(content)
        digests |= {model_digest(folder), model_digest(folder)}
    assert len(digests) == 3
