"""Raw files in, as a Prefect task."""

import time
from collections.abc import Sequence
from pathlib import Path

from prefect import task
from rich.console import Console

from tasks.stage import RETRY
from vouch.core import terminal
from vouch.core.errors import VouchError
from vouch.operate.exchange import put_aside, refuse
from vouch.project.intake import Taken, reason, take
from vouch.sources.manifest import sha256_of


@task(name="take rows", **RETRY)
def take_rows(usecase: str, files: Sequence[Path]) -> Taken:
    """Take raw files in and move them aside; a refused one stays, the error beside it."""
    console, began = Console(), time.time()
    digests, refused = _readable(files)
    result = take(Path(), usecase, list(digests), console) if digests else Taken()
    result.refused.update(refused)
    for file, error in result.refused.items():
        terminal.say(console, f"  intake    {reason(file, error)}")
        refuse(file, reason(file, error), began)
    for file in result.files:
        try:
            place = put_aside(file, digests[file])
        except VouchError as error:  # its rows are in force, but it must not come again and again
            result.refused[file] = error
            terminal.say(console, f"  intake    {reason(file, error)}")
            refuse(file, reason(file, error), began)
            continue
        moved = f"-> {place}" if place else "changed: it is read again next time"
        terminal.say(console, f"  intake    {file} {moved}")
    return result


def _readable(files: Sequence[Path]) -> tuple[dict[Path, str], dict[Path, VouchError]]:
    """Return the digests of the files that can be read, and the others' errors."""
    digests, refused = dict[Path, str](), dict[Path, VouchError]()
    for file in files:
        try:
            digests[file] = sha256_of(file)
        except VouchError as error:
            refused[file] = error
    return digests, refused
