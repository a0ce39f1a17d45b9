"""Training on executors of their own, one of which is killed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.usecases.sentiment.conftest import text_rows
from tests.usecases.sentiment.tiny_encoder import write_bert
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.spark.candidate import SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder
from vouch.usecases.sentiment.spark.models import fit

ROOT = Path(__file__).parents[4]
CANDIDATE = SparkCandidate(algorithm="logistic_regression", hyperparameters={"C": 1.0})
TRAIN = """
import sys
from pathlib import Path
import pandas as pd
from tests.engine.killing import Killer
from tests.usecases.sentiment.spark.test_cluster import CANDIDATE
from vouch.usecases.sentiment.spark.models import fit, save
from vouch.usecases.sentiment.spark.session import session
rows, folder = map(Path, sys.argv[1:])
with session() as opened:
    context = opened.sparkContext
    assert context.master.startswith("local-cluster"), context.master
    killer = Killer(context, after_jobs=4)
    fitted = fit(CANDIDATE, pd.read_parquet(rows), 0)
    done = len(context.statusTracker().getJobIdsForGroup(None))
    assert killer.killed and done > killer.jobs, (killer.killed, done, killer.jobs)
    killer.check()
    save(fitted, folder)
    print(f"killed {killer.killed} after {killer.jobs} of {done} jobs")
"""


def on_cluster(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | {"VOUCH_SPARK_MASTER": "local-cluster[2,1,3072]"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_training_survives_an_executors_death(spark_nlp, tmp_path):
    frame = text_rows(600)
    frame.to_parquet(tmp_path / "rows.parquet")
    done = on_cluster(TRAIN, tmp_path / "rows.parquet", tmp_path / "model")
    assert "killed" in done.stdout
    scores = load(tmp_path / "model").predict(frame)
    # the same optimum; sums over partitions are rounded in another order
    np.testing.assert_allclose(scores, fit(CANDIDATE, frame, 0).predict(frame), atol=1e-3)
    assert load(tmp_path / "model").predict(pd.DataFrame({"text": ["i love it"]})).argmax() == 2


EMBED = """
import sys
from pathlib import Path
import numpy as np
from tests.usecases.sentiment.spark.test_cluster import TEXTS
from vouch.usecases.sentiment.spark.encoder import SparkEncoder
from vouch.usecases.sentiment.spark.session import session
places, out = [Path(each) for each in sys.argv[1:3]], sys.argv[3]
with session() as opened:
    assert opened.sparkContext.master.startswith("local-cluster")
    np.save(out, np.stack([SparkEncoder(place).embed(TEXTS) for place in places]))
"""
TEXTS = [f"i love it {number}" for number in range(40)]


@pytest.mark.slow
def test_executors_embed_by_the_encoder_that_was_given(spark_nlp, tmp_path):
    places = [write_bert(tmp_path / f"tiny-{seed}", seed) for seed in range(2)]
    on_cluster(EMBED, *places, tmp_path / "vectors.npy")
    for place, vectors in zip(places, np.load(tmp_path / "vectors.npy"), strict=True):
        np.testing.assert_array_equal(vectors, SparkEncoder(place).embed(TEXTS))
