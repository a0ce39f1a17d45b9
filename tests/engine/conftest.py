import pytest

from vouch.engine import connect
from vouch.engine.spark import backend, session

# a short run is over before Java's best compiler has paid for itself
QUICK = {"spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


@pytest.fixture(scope="session")
def duck():
    with connect() as backend:
        yield backend


@pytest.fixture(scope="session")
def spark():
    """One Spark for all tests: it takes seconds to start."""
    with session("1GB", settings=QUICK) as opened:
        yield backend(opened)
