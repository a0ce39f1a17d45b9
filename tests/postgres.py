"""A real PostgreSQL for tests and benchmarks, in a temporary folder, as a user without rights."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")
USER = "postgres"


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs; None where it is not installed."""
    if here := shutil.which("initdb"):
        return Path(here).resolve().parent
    places = sorted(place for pattern in PLACES for place in Path("/").glob(pattern[1:]))
    return places[-1] if places else None


def missing() -> str:
    """Return what is missing for a server to run here, in words; empty where nothing is."""
    if binaries() is None:
        return "PostgreSQL's server is not installed (apt install postgresql)"
    return "" if find_spec("psycopg") else "its driver is not installed (pip install psycopg)"


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Start a server that listens on a socket in its own folder; yields its address.

    Args:
        durable: Whether it waits for the disk before it answers, as one that is measured must.
    """
    folder, programs = Path(tempfile.mkdtemp(prefix="vouch-pg-", dir="/tmp")), binaries()
    assert programs is not None
    who = USER if os.geteuid() == 0 else None  # it refuses to run with root's rights
    if who:
        shutil.chown(folder, USER)
    data, settings = folder / "data", f"-k {folder} -c listen_addresses="
    settings += "" if durable else " -c fsync=off"

    def run(program: str, *words: str) -> None:
        command = [str(programs / program), "-D", str(data), *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, user=who)

    try:
        run("initdb", "-A", "trust", "-U", USER)
        run("pg_ctl", "-o", settings, "-l", str(folder / "log"), "-w", "start")
        yield f"postgresql://{USER}@/postgres?host={folder}"
        run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
