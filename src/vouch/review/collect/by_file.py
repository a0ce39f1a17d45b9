"""What people decided by file, as the page and its leads need to know it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from vouch.labels.issues import HELD
from vouch.review.collect.batch import recorded
from vouch.review.names import identity
from vouch.review.queue.seats import PAGE
from vouch.sources.declaration import Declaration, plain_word
from vouch.usecases.classes import class_names, decision_words


class FileDecision(NamedTuple):
    """A decision that came by file and was collected.

    Attributes:
        case: The case.
        person: Whom the file names.
        word: The class as the source calls it now; None: it is of the holdout, and sealed.
        final: Whether it is the word of somebody who ends a case (``collect.<usecase>.leads``).
        decided_at: When (UTC, no zone).
    """

    case: str
    person: str
    word: str | None
    final: bool
    decided_at: datetime


def file_decisions(folder: Path, source: Declaration) -> list[FileDecision]:
    """Read what people decided by file, first decided first.

    Args:
        folder: ``data/labels/<usecase>/reviews``.
        source: The declaration of the rows.
    """
    return chosen(recorded(folder, source.name), source)


def chosen(rows: pd.DataFrame, source: Declaration) -> list[FileDecision]:
    """Return those of some recorded decisions that came by file; see :func:`file_decisions`."""
    ours = rows["unique_id"].fillna("").str.startswith(PAGE)
    columns = ["case", "actor", "stream", "class_name", "label", "final", "decided_at"]
    return [
        FileDecision(
            case=row["case"],
            person=row["actor"],
            word=None if row["stream"] == HELD else _word(row["class_name"], row["label"], source),
            final=row["final"] is True,
            decided_at=row["decided_at"],
        )
        for row in pa.Table.from_pandas(rows.loc[~ours, columns]).to_pylist()
    ]


def _word(written: object, number: object, source: Declaration) -> str | None:
    """Return a decision's class as it is called now; a word that means none stays as it is."""
    names = class_names(source)
    if isinstance(written, str):
        meant = decision_words(source).get(plain_word(written))
        return written if meant is None else names[meant]
    return names[number] if isinstance(number, int) else None


def seconded(by_file: Sequence[FileDecision], flagged: Collection[str]) -> set[str]:
    """Return the cases somebody who is not flagged decided by file.

    Args:
        by_file: What was decided by file.
        flagged: Who is flagged; a file may spell them otherwise.
    """
    doubtful = {identity(name) for name in flagged}
    return {one.case for one in by_file if identity(one.person) not in doubtful}
