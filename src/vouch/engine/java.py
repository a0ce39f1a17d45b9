"""Java, which Spark runs in."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from vouch.core.errors import VouchError

FIT = (8, 11, 17)
"""The versions Spark 3.5 runs on."""
HINT = (
    "install Java 17 (on Debian: apt-get install openjdk-17-jre-headless) or point JAVA_HOME to "
    "one; or stay with engine duckdb"
)


def find() -> str:
    """Find Java's command: JAVA_HOME's, or the one on the path.

    Raises:
        VouchError: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    command = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if not command:
        where = f"in JAVA_HOME ({home})" if home else "on this machine"
        raise VouchError(f"engine: Spark needs Java, and there is none {where}", HINT)
    return command


def check() -> None:
    """Make sure that Spark can run.

    Raises:
        VouchError: No Java, or one of another version.
    """
    process = subprocess.run([find(), "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(?:1\.)?(\d+)', process.stderr)
    if not match or int(match[1]) not in FIT:
        got = match[1] if match else (process.stderr.strip().splitlines() or ["nothing"])[0]
        raise VouchError(f"engine: Spark needs Java 17, and this is {got}", HINT)
