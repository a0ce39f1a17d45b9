"""A text model as MLflow's: the same probabilities, no pickle, what it needs."""

import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest

from tests.usecases.sentiment.conftest import text_rows
from tests.usecases.sentiment.tiny_encoder import write_encoder
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.embeddings import Encoder
from vouch.usecases.sentiment.models import fit, load, save
from vouch.usecases.sentiment.packaging import package

CASES = {
    "logistic_regression": {"C": 1.0},
    "random_forest": {"n_estimators": 5, "max_depth": 5},
    "xgboost": {"n_estimators": 5, "max_depth": 3},
}
NEEDED = {
    "logistic_regression": {"scikit-learn", "scipy", "vadersentiment"},
    "random_forest": {"scikit-learn", "scipy", "skops", "vadersentiment"},
    "xgboost": {"scikit-learn", "scipy", "vadersentiment", "xgboost-cpu"},
}
ODD = ["", "👩‍👩‍👧👍🏽", "two\nlines", "never seen words", "x" * 10_000]


@pytest.mark.parametrize("algorithm", CASES)
def test_the_package_gives_the_models_probabilities_and_holds_no_pickle(algorithm, tmp_path):
    frame = text_rows(200)
    candidate = Candidate(algorithm=algorithm, hyperparameters=CASES[algorithm])
    save(fit(candidate, frame, 0, 1), tmp_path / "model")
    package(tmp_path / "model", frame.head(3), tmp_path / "packed", "m-1", "r-1")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "packed"))
    asked = pd.DataFrame({"text": [*frame["text"].head(20), *ODD]})
    found = loaded.predict(asked)
    assert list(found.columns) == list(CLASSES)
    np.testing.assert_array_equal(found, load(tmp_path / "model").predict(asked))
    assert [column.name for column in loaded.metadata.signature.inputs] == ["text"]
    assert [column.name for column in loaded.metadata.signature.outputs] == list(CLASSES)
    files = [path for path in (tmp_path / "packed").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib"}]
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80"]  # pickle's first byte
    assert (tmp_path / "packed/vouch/candidate.json").exists()
    pins = dict(
        line.split("==") for line in (tmp_path / "packed/requirements.txt").read_text().split()
    )
    assert pins.keys() >= NEEDED[algorithm]
    assert all(pins.values())
    assert "vouch" not in pins
    assert not pins.keys() & {"onnxruntime", "tokenizers"}


def test_a_model_with_an_encoder_is_served_wherever_its_files_are(tmp_path):
    frame, encoder = text_rows(200), Encoder(write_encoder(tmp_path / "tiny"))
    prepared = Preparation(encoders=(encoder.identity,), embedding_weight=0.1)
    candidate = Candidate(algorithm="logistic_regression", preparation=prepared)
    save(fit(candidate, frame, 0, 1, {encoder.identity: encoder}), tmp_path / "model")
    wanted = load(tmp_path / "model").predict(pd.DataFrame({"text": ODD}))
    package(tmp_path / "model", frame.head(3), tmp_path / "packed", "m-1", "r-1")
    for folder in ("tiny", "model"):
        shutil.rmtree(tmp_path / folder)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "packed"))
    np.testing.assert_array_equal(loaded.predict(pd.DataFrame({"text": ODD})), wanted)
    pins = (tmp_path / "packed/requirements.txt").read_text()
    assert "onnxruntime==" in pins and "tokenizers==" in pins
