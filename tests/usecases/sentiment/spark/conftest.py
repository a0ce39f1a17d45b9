import pytest

from tests.engine.conftest import QUICK
from tests.usecases.sentiment.tiny_encoder import write_bert
from vouch.core.errors import VouchError
from vouch.engine import jars, spark
from vouch.engine.encoders import Reading


@pytest.fixture(scope="session")
def spark_nlp():
    """One Spark with Spark NLP for all tests: it takes seconds to start."""
    try:
        jars.class_path()
    except VouchError as error:
        pytest.skip(f"{error}: make spark fetches them")
    settings = spark.nlp() | QUICK | {"spark.sql.execution.arrow.pyspark.enabled": "true"}
    with spark.session("2GB", settings=settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """The folder of an encoder that Spark NLP can read."""
    place = tmp_path_factory.mktemp("encoders") / "e5-small-v2"
    return write_bert(place, reading=Reading(prefix="query: ", longest=96, cleaned=True))
