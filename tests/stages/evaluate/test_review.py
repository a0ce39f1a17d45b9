"""The decisions people took, as a random sample and as a whole."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from tests.results import extracted
from vouch.results.extract import Extracted
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.enqueue.pool import permanent, pool
from vouch.review.enqueue.select import select
from vouch.stages.evaluate.review import review
from vouch.usecases.params import EvaluateParams

from .conftest import payments

NOW = datetime(2024, 3, 1)
LATER = "2025-01-01T00:00:00"
TYPES = {
    "entity": "string",
    "label": "int8",
    "source": "string",
    "actor": "string",
    "issued_at": "datetime64[us]",
    "propensity": "float64",
    "in_force": "bool",
}


def write(path, issues):
    """Write issues of entity, label, minutes after the start and propensity; a rule's beside."""
    rows = [
        (e, label, "reviewer", "ada", NOW + timedelta(minutes=at), chance, False)
        for e, label, at, chance in issues
    ]
    rule = [("x", 1, "rule", "big", NOW, None, True)]
    frame = pd.DataFrame([*rows, *rule], columns=list(TYPES)).astype(TYPES)
    frame.to_parquet(path)
    return path


@dataclass
class Counting:
    """A candidate whose figure is the weighted share of class 1, and who keeps what it saw."""

    rows: pd.DataFrame
    extracted: Extracted
    params: EvaluateParams
    seen: list[dict[str, float]] = field(default_factory=list)

    def reviewed(self, rows, weights):
        self.seen.append(dict(zip(rows["id"], weights, strict=True)))
        if rows.empty:
            return {"share": {"value": None, "interval": None}}
        value = float(np.average(rows["decided"], weights=weights))
        return {"share": {"value": value, "interval": [value - 0.1, value + 0.1]}}


def counting(rows, as_of=LATER):
    return Counting(rows, extracted(as_of=as_of), EvaluateParams())


# a row: which near-duplicates it belongs to (0: none), and what was decided of it
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([None, 0, 1])), min_size=1, max_size=12
)


@settings(max_examples=20, deadline=None)
@given(ROWS, st.integers(0, 12))
def test_the_sample_and_its_weights_are_those_found_by_hand(tmp_path_factory, rows, place):
    frame = pd.DataFrame(
        {
            "id": [f"r{n}" for n in range(len(rows))],
            "twin": [f"t{twin}" if twin else None for twin, _ in rows],
        }
    )
    u = dict(zip(frame["id"], permanent(frame["id"], "fraud"), strict=True))
    cut = sorted(u.values())[min(place, len(rows) - 1)]
    issues = [(f"r{n}", said, n, None) for n, (_, said) in enumerate(rows) if said is not None]
    issues.append(("elsewhere", 1, 0, cut))
    candidate = counting(frame)
    found = review(candidate, write(tmp_path_factory.mktemp("r") / "labels.parquet", issues))
    groups: dict[str, list[str]] = {}
    for n, (twin, _) in enumerate(rows):
        groups.setdefault(f"t{twin}" if twin else f"r{n}", []).append(f"r{n}")
    decided = {e: label for e, label, *_ in issues}
    sample, known = {}, set()
    for members in groups.values():
        said = min((m for m in members if m in decided), key=u.get, default=None)
        if said:
            known.add(said)
            if min(u[m] for m in members) <= cut:
                sample[said] = 1 / (1 - (1 - cut) ** len(members))
    assert candidate.seen[0] == pytest.approx(sample)
    assert candidate.seen[1] == dict.fromkeys(known, 1)
    drawn = sum(min(u[m] for m in members) <= cut for members in groups.values())
    assert found["random"] == {
        "frame": len(groups),
        "drawn_to": cut,
        "drawn": drawn,
        "decided": len(sample),
        "undecided": drawn - len(sample),
    }
    assert found["reviewed"] == len(known)
    assert found["outside"] == 1


def test_without_decisions_there_is_no_review(tmp_path):
    frame = pd.DataFrame({"id": ["x"]})
    assert review(counting(frame), write(tmp_path / "l.parquet", [])) is None


def test_the_newest_decision_counts_and_none_from_after_the_time(tmp_path):
    labels = write(
        tmp_path / "l.parquet", [("x", 1, 0, 0.999999), ("x", 0, 5, None), ("x", 1, 9, None)]
    )
    frame = pd.DataFrame({"id": ["x"]})
    as_of = (NOW + timedelta(minutes=7)).isoformat()
    for moment, share in ((as_of, 0), (LATER, 1)):
        told = review(counting(frame, moment), labels)
        assert told["metrics"]["share"]["random"]["value"] == share
    assert review(counting(frame, (NOW - timedelta(1)).isoformat()), labels) is None


def decide(rows, days, n):
    """Let people decide rightly what the queue puts before them, day by day."""
    issues, taken = [], set()
    for day in range(days):
        chosen = select(pool(rows, "fraud", taken, 3), n, EnqueueParams())
        truth = rows.set_index("id")["truth"]
        for entity, chance in zip(chosen["entity"], chosen["propensity"], strict=True):
            issues.append((entity, truth[entity], day, chance))
        taken |= set(chosen["entity"])
    return issues


def test_the_queues_random_stream_tells_what_all_labels_would(project, tmp_path):
    project.make(out_of_fold=payments(6000, 1, rate=0.1))
    issues = decide(pd.read_parquet(project.path("predictions")), 3, 800)
    project.labels(issues)
    content = project.evaluate()
    told, metric = content["review"], content["review"]["metrics"]["average_precision"]
    rows = pd.read_parquet(project.path("predictions"))
    true = average_precision_score(rows["truth"].astype(int), rows["score_1"])
    low, high = metric["random"]["interval"]
    assert low <= true <= high
    assert metric["naive"]["value"] > true + 0.05  # value at risk finds the frauds
    assert metric["bias"]["value"] == pytest.approx(
        metric["naive"]["value"] - metric["random"]["value"]
    )
    assert told["reviewed"] == 2400
    assert told["random"]["undecided"] == 0
    assert told["random"]["decided"] >= 600
    assert not told["too_few"]
    assert sum(told["by_class"]["random"].values()) == told["random"]["decided"]


def test_too_few_are_said_and_no_decision_is_null(project):
    assert project.evaluate()["review"] is None
    rows = pd.read_parquet(project.path("predictions"))
    project.labels(decide(rows, 1, 40))
    told = project.evaluate()["review"]
    assert told["too_few"]
    assert "fraud cases in the random sample are too few to tell" in told["reason"]
