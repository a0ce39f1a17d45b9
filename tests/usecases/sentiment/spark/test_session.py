"""What is told where Spark or Spark NLP is not there; nothing here starts Java's Spark."""

import json
import os
import sys

import pytest

from tests.engine.test_connect import fake_java
from tests.usecases.sentiment.conftest import text_rows, write_gold
from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.stages.tune import tune
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.spark import session as sessions


@pytest.fixture
def no_spark_runs(monkeypatch):
    """Whatever other tests have started."""
    from pyspark import SparkContext

    monkeypatch.setattr(SparkContext, "_active_spark_context", None)


@pytest.fixture
def java(monkeypatch, tmp_path):
    fake_java(tmp_path, 'openjdk version "17.0.15"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("VOUCH_SPARK_JARS", str(tmp_path / "none"))


@pytest.fixture
def gold(tmp_path):
    """Rows whose features were extracted on Spark."""
    found = write_gold(tmp_path / "gold", text_rows(60))
    path = tmp_path / "gold" / "extract.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"engine": "spark"}))
    return found


def refused(gold, match):
    with pytest.raises(VouchError, match=match) as error:
        tune(**gold.files(), params=TextTuneParams())
    return error.value.hint


def test_without_java_tune_says_what_to_install(gold, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "openjdk-17" in refused(gold, "needs Java, and there is none")


def test_without_jars_tune_names_the_command(gold, java):
    assert refused(gold, "jars are not there") == "make spark"


@pytest.mark.parametrize(
    ("package", "told"), [("pyspark", "no PySpark"), ("sparknlp", "no Spark NLP")]
)
def test_without_its_packages_tune_names_the_extra(gold, java, monkeypatch, package, told):
    monkeypatch.setitem(sys.modules, package, None)
    assert "vouch[spark]" in refused(gold, told)


def write_model(folder):
    """A model's folder as saved, but for what only Spark reads."""
    file = folder / "pipeline" / "metadata" / "part-00000"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    description = {
        "engine": "spark",
        "candidate": {"algorithm": "naive_bayes"},
        "classes": ["negative", "neutral", "positive"],
        "seen": [0, 2],
        "shares": [0.25, 0.0, 0.75],
        "sha256": {"pipeline/metadata/part-00000": sha256(file)},
    }
    (folder / "candidate.json").write_text(json.dumps(description))
    return file


def test_a_model_is_read_without_spark_and_used_with_it(tmp_path, java, no_spark_runs):
    write_model(tmp_path / "model")
    fitted = load(tmp_path / "model")
    assert fitted.candidate.algorithm == "naive_bayes"
    assert (fitted.classes, fitted.shares) == ((0, 2), (0.25, 0.0, 0.75))
    with pytest.raises(VouchError, match="jars are not there") as error:
        fitted.predict_one("text")
    assert error.value.hint == "make spark"


def test_files_that_are_not_the_models_are_told(tmp_path):
    file = write_model(tmp_path)
    added = file.with_name("part-00001")
    added.write_bytes(b"\xac\xed\x00\x05")
    with pytest.raises(VouchError, match="part-00001: is not of this model"):
        load(tmp_path)
    added.unlink()
    file.write_text("{ }")
    with pytest.raises(VouchError, match="damaged"):
        load(tmp_path)
    file.unlink()
    with pytest.raises(VouchError, match="no such file"):
        load(tmp_path)
    (tmp_path / "candidate.json").write_text('{"engine": "spark"}')
    with pytest.raises(VouchError, match="no description of a model"):
        load(tmp_path)


def test_what_java_prints_at_its_start_goes_nowhere(capfd):
    with sessions._quiet():
        os.write(1, b"lost")
    os.write(1, b"kept")
    assert capfd.readouterr().out == "kept"
