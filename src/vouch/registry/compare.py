"""What differs between two versions: data, labels, parameters, metrics, cases decided."""

from collections.abc import Mapping
from typing import Any, TypedDict

import pyarrow.parquet as pq

from vouch.core.errors import VouchError
from vouch.models.predictions import decision_at, scored_names
from vouch.registry.lineage import visible
from vouch.registry.picks import Picked, compare_picks
from vouch.registry.versions import Version
from vouch.results.lineage import Lineage
from vouch.sources.readers import parquet

EXAMPLES = 5


class Difference(TypedDict):
    """A named value that differs between two versions; null where one has none."""

    name: str
    a: Any
    b: Any


class Decisions(TypedDict):
    """The rows that two versions decide differently, see :func:`decisions`."""

    rows_in_both: int
    decided_differently: int
    higher_by_a: int
    higher_by_b: int
    examples: list[dict[str, Any]]


class VersionComparison(TypedDict):
    """What differs between two versions, see :func:`compare`."""

    a: str
    b: str
    data: list[Difference]
    raw_files: list[Difference]
    labels: list[Difference]
    parameters: list[Difference]
    metrics: list[Difference]
    decisions: Decisions | None
    reason: str
    picks: Picked | None


def compare(a: Version, b: Version) -> VersionComparison:
    """Compare two versions.

    Args:
        a: The first version, usually the older.
        b: The second version.

    Returns:
        ``data``, ``raw_files``, ``labels``, ``parameters`` and ``metrics`` list only what differs
        (``a`` and ``b`` of each; null where one has none); ``decisions`` counts out-of-fold rows
        both have predicted and those they decide differently, each at its own threshold or by
        its likeliest class, with examples; null, with a ``reason``, where they are of other
        classes. ``picks`` are the cases that together cover each, see
        :func:`vouch.registry.picks.compare_picks`.

    Raises:
        VouchError: A version's files cannot be had.
    """
    ours, theirs = a.lineage, b.lineage
    files = [{f["name"]: f["sha256"] for f in facts.raw_files} for facts in (ours, theirs)]
    labels = [_labels(facts) for facts in (ours, theirs)]
    parameters = [_parameters(facts) for facts in (ours, theirs)]
    reason = a.extracted.differing(b.extracted)
    return {
        "a": str(a),
        "b": str(b),
        "data": _differing(ours.digests, theirs.digests),
        "raw_files": _differing(*files),
        "labels": _differing(*labels),
        "parameters": _differing(*parameters),
        "metrics": _differing(visible(a), visible(b)),
        "decisions": None if reason else decisions(a, b),
        "reason": reason,
        "picks": compare_picks(a, b),
    }


def _differing(a: Mapping[str, object], b: Mapping[str, object]) -> list[Difference]:
    return [
        {"name": name, "a": a.get(name), "b": b.get(name)}
        for name in sorted(a.keys() | b.keys())
        if a.get(name) != b.get(name)
    ]


def _labels(facts: Lineage) -> dict[str, object]:
    issues = {f"{d['source']} by {d['actor']}": d["issues"] for d in facts.labels}
    return {"as_of": facts.as_of, **issues}


def _parameters(facts: Lineage) -> dict[str, object]:
    candidate = dict(facts.candidate)
    settings = candidate.pop("hyperparameters")
    rest = {"features": facts.features, "threshold": facts.threshold}
    return {**candidate, **settings, **rest, "git_commit": facts.git_commit}


def decisions(a: Version, b: Version) -> Decisions:
    """Count and show the rows decided differently, the surest disagreement first.

    Args:
        a: The first version.
        b: The second version.

    Returns:
        ``rows_in_both``, ``decided_differently``, ``higher_by_a``, ``higher_by_b`` (how many got
        a higher class from the first or the second), and ``examples``.

    Raises:
        VouchError: A version's files cannot be had, or they are of other classes.
    """
    import duckdb

    if reason := a.extracted.differing(b.extracted):
        raise VouchError(
            f"{a} and {b} cannot be compared case by case: of the first, {reason}",
            "compare versions of the same classes",
        )
    classes = a.extracted.classes or b.extracted.classes
    rows = f"""
        WITH both_have AS (
            SELECT a.id, a.label, a.truth,
                {_surest(a, "a")} AS score_a, {_surest(b, "b")} AS score_b,
                {_decision(a, "a", classes)} AS decision_a,
                {_decision(b, "b", classes)} AS decision_b
            FROM {parquet(a.predictions)} AS a JOIN {parquet(b.predictions)} AS b USING (id))
    """
    counts = f"""{rows} SELECT count(*) AS rows_in_both,
        count(*) FILTER (decision_a <> decision_b) AS decided_differently,
        count(*) FILTER (decision_a > decision_b) AS higher_by_a,
        count(*) FILTER (decision_b > decision_a) AS higher_by_b FROM both_have"""
    examples = f"""{rows} SELECT * FROM both_have WHERE decision_a <> decision_b
        ORDER BY abs(score_a - score_b) DESC, id LIMIT {EXAMPLES}"""
    try:
        with duckdb.connect() as connection:
            both, differing, a_higher, b_higher = connection.execute(counts).fetchall()[0]
            shown = connection.execute(examples).arrow().read_all().to_pylist()
    except duckdb.Error as error:
        raise VouchError(
            f"{a}, {b}: their predictions cannot be read: {error}",
            "restore .vouch/mlartifacts from a copy",
        ) from None
    return {
        "rows_in_both": both,
        "decided_differently": differing,
        "higher_by_a": a_higher,
        "higher_by_b": b_higher,
        "examples": shown,
    }


def _decision(version: Version, side: str, classes: list[str]) -> str:
    """Return SQL for a version's class of a row, by its number among ``classes``."""
    number = decision_at(version.lineage.threshold).sql(_scores(version, side))
    own = version.extracted.classes
    if not own or own == classes:
        return number
    return f"{[classes.index(name) for name in own]}[{number} + 1]"


def _surest(version: Version, side: str) -> str:
    return decision_at(version.lineage.threshold).surest(_scores(version, side))


def _scores(version: Version, side: str) -> list[str]:
    """Return SQL for a row's probabilities; early versions kept that of the second class alone."""
    columns = scored_names(pq.read_schema(version.predictions).names)
    if not columns:
        return [f"(1 - {side}.score)", f"{side}.score"]
    return [f"{side}.{name}" for name in columns]
