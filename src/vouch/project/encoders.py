"""``make encoders``: fetch the sentence encoders, and note for DVC that they are there."""

import sys
from pathlib import Path

from vouch.core.errors import VouchError, show
from vouch.core.output import write
from vouch.engine import encoders
from vouch.project.inputs import INPUTS, load_inputs, save_choice


def note(root: Path) -> list[str]:
    """Note the encoders that are there in ``data/inputs.yaml``, which DVC compares.

    Args:
        root: The project's folder.

    Returns:
        The use cases whose entry changed: their next run searches again.

    Raises:
        VouchError: The file is missing or wrong, or an encoder's files are damaged.
    """
    before = load_inputs(root / INPUTS).usecases
    return [
        usecase
        for usecase, choice in before.items()
        if save_choice(root, usecase, choice).encoders != choice.encoders
    ]


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
