"""The folders of incoming and outgoing files while ``vouch up`` runs."""

from pathlib import Path

INBOX = "data/inbox/{usecase}"
TO_SCORE = f"{INBOX}/score"
"""Rows to be scored."""
REVIEWS = f"{INBOX}/reviews"
"""Files that reviewers decided."""
DONE = "done"
"""Folder beside the reviewers' files for those that are recorded."""
SCORES = "data/outbox/{usecase}/scores"
CASES = "data/outbox/{usecase}/cases"
"""Cases for reviewers, a file a day."""
PARTIAL = (".part", ".partial", ".tmp", ".crdownload", ".swp")
"""How names end while a file is still being written."""


def arrived(folder: Path) -> list[Path]:
    """List the files of a folder, by name, but for hidden ones and those still being written."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in PARTIAL
    )
