"""People's decisions on rows of the holdout: evidence, from which nothing learns meanwhile."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vouch.labels.resolve import ARRIVING
from vouch.labels.reviews import CONSENSUS

if TYPE_CHECKING:
    from ibis import Table


def known_by(labels: "Table", as_of: str) -> "Table":
    """Return the issues known by a moment, that of extract's result (ISO 8601)."""
    return labels.filter(labels.issued_at <= datetime.fromisoformat(as_of))


def truth_arrives(labels: "Table") -> bool:
    """Return whether any truth in force comes by itself; else people's word is the only truth.

    Args:
        labels: Issues known by the time in question.
    """
    arriving = labels.filter(labels.in_force & labels.source.isin(ARRIVING))
    return bool(arriving.count().to_pyarrow().as_py())


def votes(issues: pd.DataFrame, classes: int, decided: Collection[str] = ()) -> pd.DataFrame:
    """Count the reviewers of each decided row of the holdout, by the class they chose.

    Args:
        issues: Those on rows of the holdout known by the time in question, opened.
        classes: How many classes there are.
        decided: All rows that were decided, also for a class whose rows are left out by now.

    Returns:
        A row an entity (the index), a column a class (0 and on): each reviewer's last word counts
        once, and a final one, such as a lead's, alone. Who decided rows that are left out has none.
    """
    own = issues[issues["actor"] != CONSENSUS]
    words = own.sort_values(["entity", "issued_at"])
    words = words.drop_duplicates(["entity", "actor"], keep="last")
    final = words["final"].fillna(False).astype(bool)
    ended = words["entity"].isin(words["entity"][final])
    last = words[final].drop_duplicates("entity", keep="last")
    counted = pd.concat([words[~ended], last])
    table = pd.crosstab(counted["entity"], counted["label"].astype(np.int64))
    every = table.index.union(pd.Index(list(decided), dtype=table.index.dtype))
    return table.reindex(index=every.unique(), columns=range(classes), fill_value=0).sort_index()
