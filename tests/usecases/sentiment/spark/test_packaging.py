import numpy as np
import pandas as pd
import pytest

from tests.usecases.sentiment.conftest import text_rows
from vouch.usecases.sentiment.models import load
from vouch.usecases.sentiment.spark.candidate import SparkCandidate
from vouch.usecases.sentiment.spark.encoder import SparkEncoder
from vouch.usecases.sentiment.spark.models import fit, save
from vouch.usecases.sentiment.spark.packaging import package

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("algorithm", "embeds"),
    [("logistic_regression", False), ("logistic_regression", True), ("classifier_dl", False)],
)
def test_mlflow_and_we_read_the_same_model(spark_nlp, tiny_bert, tmp_path, algorithm, embeds):
    import mlflow

    frame, encoder = text_rows(200), SparkEncoder(tiny_bert)
    content = {"algorithm": algorithm, "encoder": encoder.identity if embeds else None}
    content["hyperparameters"] = {"epochs": 2} if algorithm == "classifier_dl" else {}
    candidate = SparkCandidate.model_validate(content)
    fitted = fit(candidate, frame, 0, encoders={encoder.identity: encoder})
    save(fitted, tmp_path / "model")
    target = tmp_path / "package"
    package(tmp_path / "model", frame.head(3), target, "m-1", "run-1")
    scores = fitted.predict(frame)
    np.testing.assert_allclose(load(target / "vouch").predict(frame), scores, rtol=0, atol=1e-12)
    served = mlflow.pyfunc.load_model(str(target))
    np.testing.assert_allclose(served.predict(frame[["text"]]), scores, rtol=0, atol=1e-12)
    native = mlflow.spark.load_model(str(target))
    table = native.transform(spark_nlp.createDataFrame(frame[["text"]]))
    np.testing.assert_allclose(own(table, algorithm), scores, rtol=0, atol=1e-12)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "package"]
    about = mlflow.models.Model.load(str(target))
    assert about.signature.inputs.input_names() == ["text"]
    assert about.signature.outputs.input_names() == ["negative", "neutral", "positive"]
    assert (about.model_id, about.run_id) == ("m-1", "run-1")
    pinned = (target / "requirements.txt").read_text()
    assert "pyspark==3.5.9" in pinned and "spark-nlp==5.5.3" in pinned and "vouch" not in pinned
    assert list(pd.read_json(target / "input_example.json", orient="split").columns) == ["text"]


def own(table, algorithm):
    """Read probabilities out of Spark's own columns."""
    if algorithm == "logistic_regression":
        return [row.probability.toArray() for row in table.select("probability").collect()]
    told = [row["class"][0].metadata for row in table.select("class").collect()]
    found = np.array([[float(each[f"{code}.0"]) for code in range(3)] for each in told])
    return found / found.sum(axis=1, keepdims=True)
