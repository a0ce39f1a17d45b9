import pytest

from vouch.engine import connect


@pytest.fixture(scope="session")
def duck():
    with connect() as backend:
        yield backend


@pytest.fixture(scope="session")
def spark():
    """One Spark for all tests: it takes seconds to start."""
    with connect("spark", memory="1GB") as backend:
        yield backend
