"""Maven artifacts by the Ivy that PySpark carries: a program of its own, with a cache."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.core.output import write
from vouch.engine import java

PATTERN = "[artifact]-[revision](-[classifier]).[ext]"
FETCHED = re.compile(r"\[SUCCESSFUL \]\s+\S+?#([^!]+)")
LINES = 12


def retrieve(
    description: Path, place: Path, what: str, command: str, say: Callable[[str], None] = write
) -> None:
    """Fetch the artifacts of a description into a folder, which is removed again if that fails.

    Args:
        description: Ivy's file, which lists them.
        place: The folder to make.
        what: What they are, for the message.
        command: What fetches them, for the hint.
        say: Called with a line for each fetched file.

    Raises:
        VouchError: No Java, no PySpark, no network, or no room.
    """
    words = [java.find(), "-jar", str(_ivy()), "-ivy", str(description), "-types", "jar", "bundle"]
    arguments = [*words, "-retrieve", str(place / PATTERN)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        last = list(_announce(run.stdout, say))[-LINES:]
    if run.returncode or not any(place.glob("*.jar")):
        shutil.rmtree(place, ignore_errors=True)
        reason = next((line for line in last if "rror" in line or "not found" in line), "no answer")
        raise VouchError(
            f"{what} could not be fetched: {reason.strip()}",
            f"connect to the network and run {command} again: what came is kept",
        )


def _announce(lines: Iterator[str], say: Callable[[str], None]) -> Iterator[str]:
    """Print each fetched file; yield every line."""
    count = 0
    for line in lines:
        yield line
        if match := FETCHED.search(line):
            count += 1
            say(f"{count:4} {match[1]}")


def _ivy() -> Path:
    try:
        import pyspark
    except ImportError:
        raise VouchError("no PySpark in this environment", "pip install 'vouch[spark]'") from None
    return next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
