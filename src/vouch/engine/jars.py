"""Spark NLP's jars, fetched once into the environment by the Ivy that PySpark carries.

``make spark`` runs it. ``spark.jars.packages`` would fetch them at every start and fails on the
repackaged ones that ``ivy.xml`` leaves out.
"""

import os
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from vouch.core.errors import VouchError, show
from vouch.core.output import write
from vouch.engine import ivy, java

DESCRIPTION = Path(__file__).with_name("ivy.xml")
FOLDER = "VOUCH_SPARK_JARS"
DONE = ".done"


def folder() -> Path:
    """Return the jars' folder: ``VOUCH_SPARK_JARS``, or ``jars`` in the Python environment."""
    return Path(os.environ.get(FOLDER) or Path(sys.prefix) / "jars").resolve()


def class_path() -> str:
    """Return the jars as Java's class path.

    Raises:
        VouchError: They were not fetched, or for another version.
    """
    if not _complete(folder()):
        raise VouchError(f"{folder()}: Spark NLP's jars are not there", "make spark")
    return str(folder() / "*")


def fetch(say: Callable[[str], None] = write) -> Path:
    """Fetch the jars, unless they are there: some 400 MB, minutes the first time.

    Args:
        say: Called with a line for each fetched file.

    Returns:
        Their folder.

    Raises:
        VouchError: No Java, no PySpark, no network, or no room.
    """
    place = folder()
    if _complete(place):
        say(f"{place}: all jars are there")
        return place
    java.check()
    draft = place.with_name(f"{place.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    ivy.retrieve(DESCRIPTION, draft, "Spark NLP's jars", "make spark", say)
    (draft / DONE).write_text(_digest())
    shutil.rmtree(place, ignore_errors=True)
    draft.replace(place)
    return place


def _digest() -> str:
    return sha256(DESCRIPTION.read_bytes()).hexdigest()


def _complete(place: Path) -> bool:
    done = place / DONE
    return done.exists() and done.read_text() == _digest()


if __name__ == "__main__":
    try:
        write(f"{len(list(fetch().glob('*.jar')))} jars in {folder()}")
    except VouchError as error:
        sys.exit(show(error))
