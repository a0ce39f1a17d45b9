import pytest

from tests.engine.conftest import QUICK
from vouch.core.errors import VouchError
from vouch.engine import jars, spark


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
