"""Raw files in, as a Prefect task."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from rich.console import Console

from tasks.stage import RETRY
from vouch.core import terminal
from vouch.core.errors import described
from vouch.core.files import sha256
from vouch.operate.exchange import put_aside, refuse
from vouch.project.intake import Taken, take


@task(name="take rows", **RETRY)
def take_rows(usecase: str, files: Sequence[Path]) -> Taken:
    """Take raw files in and move them aside; a refused one stays, the error beside it."""
    console = Console()
    digests = {file: sha256(file) for file in files}
    result = take(Path(), usecase, files, console)
    for file, error in result.refused.items():
        terminal.say(console, f"  intake    {file}: {described(error)}")
        refuse(file, error)
    for file in result.files:
        if place := put_aside(file, digests[file]):
            terminal.say(console, f"  intake    {file} -> {place}")
        else:
            terminal.say(console, f"  intake    {file} changed: it is read again next time")
    return result
