"""Reading a file to be scored: the source's columns, whatever the file's own format."""

from pathlib import Path

from vouch.core.errors import VouchError, suggest
from vouch.sources.declaration import Declaration
from vouch.sources.manifest import check_name

UNSCORED = frozenset(["id", "arrival", "label", "label_time", "label_confidence", "ignore"])
"""Roles no feature is made of."""
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of a compressed file's name, which say nothing of its format."""
FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl"}


def check_file(path: Path) -> None:
    """Check that there is a file with something in it.

    Raises:
        VouchError: There is none, it is a folder, its name is no UTF-8 text, or it is empty.
    """
    if path.is_dir():
        raise VouchError(f"{path}: is a folder", "give one file")
    if not path.exists():
        names = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise VouchError(f"{path}: no such file", suggest(path.name, names))
    check_name(path)
    if not path.stat().st_size:
        raise VouchError(f"{path}: is empty (0 bytes)", "give a file with rows")


def as_given(source: Declaration, path: Path) -> Declaration:
    """Adapt a declaration to a file that is to be scored.

    The format follows from the file's name where that tells it, so a simulated source's model can
    score a CSV file of the same columns. What no feature is made of may be absent: the label and
    its like, known only afterwards, and columns the declaration ignores.

    Args:
        source: The declaration of the file's columns.
        path: The file.
    """
    usual = "csv" if source.format == "simulator" else source.format
    columns = {
        name: column.model_copy(update={"optional": True})
        if column.role in UNSCORED - {"id"}
        else column
        for name, column in source.columns.items()
    }
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in PACKED]
    kind = FORMATS.get(endings[-1], usual) if endings else usual
    return source.model_copy(update={"format": kind, "simulator": None, "columns": columns})
