"""``make encoders``: fetch the sentence encoders, and note for DVC that they are there."""

import sys
from pathlib import Path

from rich.console import Console

from vouch.core.errors import VouchError, show
from vouch.core.output import write
from vouch.engine import encoders
from vouch.project.inputs import INPUTS, load_inputs, save_choice, usable_encoders
from vouch.project.training import alone


def note(root: Path) -> list[str]:
    """Note the encoders that are there in ``data/inputs.yaml``, which DVC compares.

    It waits for a run that is at work on the project.

    Args:
        root: The project's folder.

    Returns:
        The use cases whose entry changed: their next run searches again.

    Raises:
        VouchError: The file is missing or wrong, or an encoder's files are damaged.
    """
    changed = []
    with alone(root, Console(stderr=True)):  # a run reads the file, and puts it back if it fails
        for usecase, choice in load_inputs(root / INPUTS).usecases.items():
            there = usable_encoders(usecase)
            if there != choice.encoders:
                save_choice(root, usecase, choice.model_copy(update={"encoders": there}))
                changed.append(usecase)
    return changed


def main() -> None:
    """Fetch them and note them in the project of the working directory."""
    encoders.fetch()
    for name in encoders.installed():
        write(f"{name[: name.index('@') + 13]} in {encoders.folder()}")
    for usecase in note(Path()):
        write(f"the next vouch run {usecase} searches with them")


if __name__ == "__main__":
    try:
        main()
    except VouchError as error:
        sys.exit(show(error))
