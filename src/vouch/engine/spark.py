"""The engine for data that one process cannot hold: Spark, on this machine or on a cluster.

Without a setting Spark runs in one Java process with two threads. ``VOUCH_SPARK_MASTER`` names a
cluster instead (``spark://host:7077``, ``yarn``, ``local-cluster[2,1,1024]``); then every executor
must see the files a stage reads under the same paths. Spark's own ``conf/spark-defaults.conf``
(see ``SPARK_CONF_DIR``) may set whatever is not set here.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.engine import java
from vouch.engine.collect import collect
from vouch.engine.memory import usable

if TYPE_CHECKING:
    from ibis import Table
    from pyspark.sql import SparkSession

MASTER = "VOUCH_SPARK_MASTER"
THREADS = 2
NAMES = {"epoch_us": "unix_micros", "make_timestamp": "timestamp_micros"}
"""Spark's names for DuckDB's functions that Ibis lacks."""
LOGGING = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
# else it raises its own level and says so
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = spark: %p %c{1}: %m%n%ex
"""
STOPS_WITHIN = 30.0
"""Seconds Java has to end before it is killed."""


@contextmanager
def connect(memory: str | None = None, threads: int | None = None) -> Iterator[Any]:
    """Open Spark; see :func:`vouch.engine.connect`."""
    with session(memory, threads) as opened:
        yield backend(opened)


@contextmanager
def session(
    memory: str | None = None,
    threads: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator["SparkSession"]:
    """Run Java with Spark in it, for one piece of work; or join the session that runs already.

    Args:
        memory: Of the driver, such as ``4GB``; 60 % of the machine's, at most 4 GB, if None.
        threads: Of a local Spark, at least 1; two if None.
        settings: Spark's own settings, over those made here.

    Yields:
        A session in UTC. At the end Java has stopped and its temporary files are gone.

    Raises:
        VouchError: No Java, one that Spark does not run on, no PySpark, or no such cluster.
    """
    check()
    if opened := running():  # its owner ends it
        yield opened
        return
    folder = Path(tempfile.mkdtemp(prefix="vouch-"))
    try:
        opened = _start(_settings(folder, memory, threads) | dict(settings or {}))
        try:
            yield opened
        finally:
            _stop(opened)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def nlp() -> dict[str, str]:
    """Return the settings with which Spark NLP runs: ``session(settings=nlp())``.

    Raises:
        VouchError: Its jars were not fetched.
    """
    from vouch.engine import jars  # a program too, which Python runs once

    # ahead of Spark's own jars, whose protobuf is too old
    path = jars.class_path()
    return {
        "spark.driver.extraClassPath": path,
        "spark.executor.extraClassPath": path,
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.kryoserializer.buffer.max": "1000m",
        # Spark's own threads embed side by side; six more each would wait for one another
        "spark.jsl.settings.onnx.intraOpNumThreads": "1",
    }


def check() -> None:
    """Make sure that Spark can be started.

    Raises:
        VouchError: No Java, one that Spark does not run on, or no PySpark.
    """
    java.check()
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise VouchError(
            "engine: no PySpark in this environment", "pip install 'vouch[spark]'"
        ) from None


def running() -> "SparkSession | None":
    """Return the session that runs in this process, whichever thread started it."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    # not getActiveSession: Java keeps one for each thread
    return SparkSession.builder.getOrCreate() if SparkContext._active_spark_context else None


def master(threads: int | None = None) -> str:
    """Name where Spark runs: the cluster of ``VOUCH_SPARK_MASTER``, or this process's threads."""
    return os.environ.get(MASTER) or f"local[{threads or THREADS}]"


def _settings(folder: Path, memory: str | None, threads: int | None) -> dict[str, str]:
    logging = folder / "log4j2.properties"
    logging.write_text(LOGGING)
    where = master(threads)
    settings = {
        "spark.master": where,
        "spark.app.name": "vouch",
        "spark.driver.memory": in_java(memory or f"{usable()}MB"),
        "spark.driver.maxResultSize": "0",  # results go on to a file as they come
        "spark.driver.extraJavaOptions": (
            f"-Dlog4j2.configurationFile={logging.as_uri()} -Djava.io.tmpdir={folder} "
            "-Duser.language=en"  # in another, such as Turkish, letters are lowered otherwise
        ),
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.sql.session.timeZone": "UTC",
        # one kind of timestamp, which all of Spark's functions take: with UTC they mean the same
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
        "spark.sql.timestampType": "TIMESTAMP_LTZ",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if where.startswith("local"):
        # the default of 200 is meant for clusters: here most of them would be empty
        settings["spark.sql.shuffle.partitions"] = str(4 * (threads or THREADS))
    return settings


def in_java(memory: str) -> str:
    """Write ``4GB`` as Java does: ``4g``.

    Raises:
        VouchError: It is no size.
    """
    match = re.fullmatch(r"(\d+)\s*([kmgt])i?b?", memory.strip().lower())
    if not match:
        raise VouchError(f"memory: {memory!r} is no size", "write a size such as 4GB")
    return match[1] + match[2]


def _start(settings: Mapping[str, str]) -> "SparkSession":
    from pyspark import SparkConf
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if settings["spark.master"].startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    try:
        return SparkSession.builder.config(conf=conf).getOrCreate()
    except (PySparkException, OSError) as error:
        raise _unreachable(settings["spark.master"], str(error)) from None
    except Exception as error:  # py4j's, which cannot be imported without PySpark
        reason = str(getattr(error, "java_exception", error))
        raise _unreachable(settings["spark.master"], reason) from None


def _unreachable(where: str, reason: str) -> VouchError:
    _end_java()
    first = (reason.strip().splitlines() or ["no reason told"])[0]
    return VouchError(f"Spark does not start on {where}: {first}", f"see {MASTER} and JAVA_HOME")


def backend(opened: "SparkSession") -> Any:
    """Make an Ibis backend of a session, with Spark's names for DuckDB's functions."""
    import ibis
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler

    class Compiler(PySparkCompiler):
        """Ibis' own, with Spark's names for builtin functions."""

        __slots__ = ()

        def __sql_name__(self, op: Any) -> str:
            name = super().__sql_name__(op)
            return NAMES.get(name, name)

    result = ibis.pyspark.connect(opened)
    result.compiler = Compiler()
    return result


def _stop(opened: "SparkSession") -> None:
    """End Spark and its Java process, which would else keep its memory until Python ends."""
    from pyspark.find_spark_home import _find_spark_home

    # a local cluster's executors leave their logs there
    logs = Path(_find_spark_home()) / "work" / opened.sparkContext.applicationId
    try:
        opened.stop()
    finally:
        _end_java()
        shutil.rmtree(logs, ignore_errors=True)


def _end_java() -> None:
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    if gateway.proc is None:  # somebody else's Java, which we were pointed to
        return
    gateway.proc.stdin.close()  # the sign for it to end
    try:
        gateway.proc.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()


def write_parquet(table: "Table", path: Path, *, scratch: bool = False) -> None:
    """Stream a table into one file on this machine; see :func:`vouch.engine.write_parquet`."""
    engine = table.get_backend()
    frame = engine._session.sql(engine.compile(table))
    collect(frame, table.schema().to_pyarrow(), path, scratch=scratch)
