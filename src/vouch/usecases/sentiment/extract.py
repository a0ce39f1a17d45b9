"""The rows of a source of texts: VADER's scores, groups and labels as of a time, in one table.

What is counted in texts belongs to the model, which learns it from its training rows alone; a
table of texts therefore carries the texts themselves.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa

from vouch.engine import write_parquet
from vouch.labels.known import labels_as_of, mean_delay, rows_when_scored
from vouch.results.extract import Computed
from vouch.usecases.job import Job
from vouch.usecases.sentiment import vader
from vouch.usecases.sentiment.likeness import near_key

if TYPE_CHECKING:
    from ibis import Table

CARRIED = ("id", "time", "text", "author", "asset", "followers", "retweets")
DESCRIPTIONS = {
    "text": "the text as it came; words and characters are counted in it, cleaned as tune says",
    "vader_neg": "VADER: share of the text that is negative",
    "vader_neu": "VADER: share of the text that is neutral",
    "vader_pos": "VADER: share of the text that is positive",
    "vader_compound": "VADER: the whole text's score, -1 to 1",
}


def labelled(job: Job, path: Path) -> Computed:
    """Write texts, VADER's scores, groups and labels of all rows, unsorted.

    Args:
        job: What to extract from.
        path: Where to (Parquet): id, time, text, author, asset, followers and retweets as far as
            the source has them, ``vader_neg``, ``vader_neu``, ``vader_pos`` and
            ``vader_compound`` (float32), ``twin`` (the near-duplicate group),
            ``group`` (the author; without one the near-duplicate group, else the id),
            ``confidence`` of a given label, and the labels.

    Returns:
        What was computed: ``features``, ``delay_seconds``.
    """
    current = rows_when_scored(job.rows, job.as_of, job.params.lag)
    issues = job.labels.filter(job.labels.issued_at <= job.as_of)
    labels = labels_as_of(job.issued(job.labels))
    table = ibis.memtable(_scored(_texts(current)))
    joined = table.join(labels, table.id == labels.entity).drop("entity")
    write_parquet(joined, path, scratch=True)
    return {
        "features": [
            {"name": name, "group": "text", "window": None, "description": description}
            for name, description in DESCRIPTIONS.items()
        ],
        "delay_seconds": mean_delay(issues, current),
    }


def _texts(rows: "Table") -> pa.Table:
    """Read the columns carried over from rows, and each text's near-duplicate group."""
    carried = [name for name in CARRIED if name in rows.columns]
    sure = "label_confidence" in rows.columns
    confidence = rows.label_confidence if sure else ibis.null("float64")
    chosen = rows.select(*carried, confidence=confidence).alias("chosen")
    group = "coalesce(author, twin, id)" if "author" in carried else "coalesce(twin, id)"
    table: pa.Table = chosen.sql(
        f"""SELECT *, {group} AS "group"
            FROM (SELECT *, {near_key("text")} AS twin FROM chosen) ORDER BY id"""
    ).to_pyarrow()
    return table


def _scored(table: pa.Table) -> pa.Table:
    texts = [text or "" for text in table["text"].to_pylist()]
    for name, column in zip(vader.SCORES, vader.scores(texts).T, strict=True):
        table = table.append_column(name, pa.array(column, pa.float32()))
    return table
