"""The rows of a source of numbers: features and labels as of a time, in one table."""

from pathlib import Path
from typing import cast

from vouch.engine import write_parquet
from vouch.labels.known import labels_as_of, mean_delay, rows_when_scored
from vouch.results.extract import Computed
from vouch.usecases.fraud.features.plain import observe
from vouch.usecases.fraud.features.table import features
from vouch.usecases.fraud.params import ExtractParams
from vouch.usecases.job import Job


def labelled(job: Job, path: Path) -> Computed:
    """Write features and labels of all rows, unsorted.

    Args:
        job: What to extract from.
        path: Where to (Parquet).

    Returns:
        What was computed: ``features``, ``categories``, ``delay_seconds``.
    """
    rows, labels = job.every or (job.rows, job.labels)
    lag = job.params.lag
    all_current, all_issues = (
        rows_when_scored(rows, job.as_of, lag),
        labels.filter(labels.issued_at <= job.as_of),
    )
    current = rows_when_scored(job.rows, job.as_of, lag)
    issues = job.labels.filter(job.labels.issued_at <= job.as_of)
    values = observe(all_current, job.source)
    groups = cast(ExtractParams, job.params).groups
    table, described = features(current, job.source, issues, groups, values)
    valid = labels_as_of(job.issued(job.labels))
    joined = table.join(valid, table.id == valid.entity).drop("entity")
    write_parquet(joined, path, scratch=True)
    return {
        "features": [feature.summary() for feature in described],
        "categories": values,
        "delay_seconds": mean_delay(all_issues, all_current),
    }
