"""Whole results of the stages, of which a test changes what it is about."""

from typing import Any

from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.label import Labelled
from vouch.results.lineage import Lineage
from vouch.results.tune import Leaderboard

FIGURES = {
    "average_precision": {"value": 0.8, "interval": [0.7, 0.9]},
    "rows": 100,
    "positives": 30,
    "chance": 0.3,
    "too_few": False,
}
HOLDOUT = {
    "status": "answered",
    "question": 7,
    "reason": "",
    "truth": FIGURES,
    "rule": FIGURES,
    "rule_comparison": None,
    "rule_comparison_reason": "",
    "bootstrap": {"repeats": 400, "confidence": 0.95},
}


def ingested(**changes: Any) -> Ingested:
    """What ingest wrote of one file of 400 rows."""
    file = {"name": "raw.csv", "sha256": "ab" * 32, "arrived_at": "2024-02-01 00:00:00"}
    counts = {"lines": 400, "rows": 400, "rejects": 0}
    lists: dict[str, Any] = {"columns": ["id"], "ignored_columns": [], "warnings": []}
    return Ingested.model_validate(
        {"files": [{**file, **counts}], **counts, "dropped": 0, **lists, **changes}
    )


def labelled(**changes: Any) -> Labelled:
    """What label wrote where nothing was issued."""
    content = {"issues": 0, "by_source": {}, "rule": None, "history": None}
    return Labelled.model_validate({**content, "reviews": [], "warnings": [], **changes})


def extracted(**changes: Any) -> Extracted:
    """What extract wrote of payments without a time."""
    key = {"usecase": "fraud", "source": "shop", "set": "s", "generation": 1}
    classes = {"truth": {"genuine": 370, "fraud": 30}, "rule": {"genuine": 380, "fraud": 20}}
    content = {
        **key,
        "as_of": "2024-02-01T00:00:00",
        "holdout_id": "h",
        "boundary": None,
        "until": None,
        "features": [],
        "classes": ["genuine", "fraud"],
        "rows": {"train": 400, "holdout": 400, "newer": 0, "reserved": 0},
        "positives": {part: {"truth": 30, "rule": 20} for part in ("train", "holdout")},
        "by_class": dict.fromkeys(("train", "holdout"), classes),
        "warnings": [],
    }
    return Extracted.model_validate(content | changes)


def leaderboard(**changes: Any) -> Leaderboard:
    """What tune wrote of a search without a trial."""
    content = {
        "metric": "average_precision",
        "budget": {"trials": 1},
        "trials": [],
        "best": None,
        "best_by_algorithm": {},
        "best_by_sampler": {},
    }
    return Leaderboard.model_validate(content | changes)


CHAMPION = {"version": None, "comparison": None, "reason": "there is no champion yet"}
THRESHOLD = {"value": 0.5, "interval": None, "cost": None, "kind": "truth"}


def evaluation(**changes: Any) -> Evaluation:
    """What evaluate wrote where there is no champion; parts change in the fields given."""
    content = {
        "metric": "average_precision",
        "kind": "truth",
        "confidence": 0.95,
        "out_of_fold": {"truth": FIGURES, "rule": FIGURES, "the_rule": {"truth": FIGURES}},
        "review": None,
        "ledger": None,
        "published": [],
        "warnings": [],
    }
    whole = {"holdout": HOLDOUT, "champion": CHAMPION, "threshold": THRESHOLD}
    parts = {name: part | changes.pop(name, {}) for name, part in whole.items()}
    return Evaluation.model_validate({**content, **parts, **changes})


def lineage(**changes: Any) -> Lineage:
    """What register wrote beside a version's files."""
    part = extracted()
    carried = ("usecase", "source", "set", "generation", "as_of", "boundary", "until", "holdout_id")
    content = {
        **{name: getattr(part, name) for name in (*carried, "rows", "positives")},
        "raw_files": [],
        "digests": {},
        "labels": [],
        "reviews": [],
        "features": [],
        "candidate": {},
        "threshold": 0.5,
        "metrics": {},
        "ledger_question": 7,
        "holdout_status": "answered",
        "git_commit": "f" * 40,
    }
    return Lineage.model_validate(content | changes)
