import pytest

from vouch.engine import jars
from vouch.errors import VouchError
from vouch.text.spark.session import session


@pytest.fixture(scope="session")
def spark_nlp():
    """One Spark with Spark NLP for all tests: it takes seconds to start."""
    try:
        jars.class_path()
    except VouchError as error:
        pytest.skip(f"{error}: make spark fetches them")
    with session(threads=2) as opened:
        yield opened
