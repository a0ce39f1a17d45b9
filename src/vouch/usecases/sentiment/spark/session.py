"""Spark with Spark NLP in it: for one piece of work, or for as long as the process needs it."""

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.engine import jars, spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CLASS_PATH = "spark.driver.extraClassPath"
_open = ExitStack()
atexit.register(_open.close)


@contextmanager
def session(threads: int | None = None) -> Iterator["SparkSession"]:
    """Run Spark with Spark NLP for one piece of work; or join the session that runs already.

    Args:
        threads: Of a local Spark, at least 1; two if None.

    Yields:
        The session; see :func:`vouch.engine.spark.session`.

    Raises:
        VouchError: No Java, no PySpark, no Spark NLP, its jars were not fetched, or the running
            session was started without them.
    """
    spark.check()
    _check_package()
    # Arrow: rows are passed in columns, not one by one through a socket
    settings = spark.nlp() | {"spark.sql.execution.arrow.pyspark.enabled": "true"}
    with ExitStack() as stack:
        with _quiet():
            opened = stack.enter_context(spark.session(threads=threads, settings=settings))
        _check_session(opened)
        yield opened


def running() -> "SparkSession":
    """Return the running session, or a new one until the process or :func:`close` ends it.

    Raises:
        VouchError: As for :func:`session`.
    """
    if active := spark.running():
        _check_session(active)
        return active
    close()
    return _open.enter_context(session())


def driver() -> int | None:
    """Return the process id of the driver's Java; None if somebody else started it."""
    gateway: Any = running().sparkContext._gateway
    return gateway.proc.pid if gateway.proc else None


def close() -> None:
    """End the session that :func:`running` started, if it did."""
    _open.close()


def _check_package() -> None:
    try:
        import sparknlp  # noqa: F401
    except ImportError:
        raise VouchError(
            "engine: no Spark NLP in this environment", "pip install 'vouch[spark]'"
        ) from None


def _check_session(opened: "SparkSession") -> None:
    if opened.sparkContext.getConf().get(CLASS_PATH) != jars.class_path():
        raise VouchError(
            "engine: the Spark that runs in this process was started without Spark NLP's jars",
            "start it by vouch.usecases.sentiment.spark.session, or stop it first",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Start Java without our standard output: ClassifierDL writes a line there for each epoch."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's, to standard error
    output, null_device = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null_device, 1)
        yield
    finally:
        os.dup2(output, 1)
        os.close(output)
        os.close(null_device)
