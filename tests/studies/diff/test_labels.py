"""Flips of the labels that hold, against the labels resolved by hand."""

from collections import Counter
from datetime import timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.studies.diff.test_compare import START, compare
from vouch.studies.diff.tables import ISSUE

STRENGTH = {"rule": 1, "chargeback": 2, "reviewer": 3}
ACTORS = {"rule": ["big"], "chargeback": ["bank"], "reviewer": ["ada", "bob"]}
KEYS = [
    (entity, source, actor, hour)
    for entity in "abc"
    for source, actors in ACTORS.items()
    for actor in actors
    for hour in range(3)
]
# what names an issue, to its label and whether it is in force
ISSUES = st.dictionaries(
    st.sampled_from(KEYS),
    st.tuples(st.integers(0, 1), st.sampled_from([True, True, False])),
    max_size=8,
)


def frame(issues):
    rows = [
        (entity, label, source, actor, START + timedelta(hours=hour), in_force)
        for (entity, source, actor, hour), (label, in_force) in issues.items()
    ]
    columns = ["entity", "label", "source", "actor", "issued_at", "in_force"]
    return pd.DataFrame(rows, columns=columns).astype(
        {
            "entity": "string",
            "label": "int8",
            "source": "string",
            "actor": "string",
            "issued_at": "datetime64[us]",
            "in_force": "bool",
        }
    )


def held(issues):
    """Entity to label, source and all the actors of the issue that holds."""
    best, actors = {}, {}
    for (entity, source, actor, hour), (label, in_force) in issues.items():
        if in_force:
            rank = (STRENGTH[source], hour, label, source)
            best[entity] = max(best.get(entity, rank), rank)
            actors.setdefault((entity, rank), set()).add(actor)
    return {e: (r[2], r[3], ", ".join(sorted(actors[e, r]))) for e, r in best.items()}


@settings(max_examples=25, deadline=None)
@given(ISSUES, ISSUES)
def test_flips_are_those_of_labels_resolved_by_hand(one, other):
    found = compare(frame(one), frame(other))
    assert found["key"] == list(ISSUE)
    was, now = held(one), held(other)
    both = was.keys() & now.keys()
    assert found["labels"]["held"] == {
        "flipped": sum(was[e][0] != now[e][0] for e in both),
        "confirmed": sum(was[e][0] == now[e][0] and was[e][1] != now[e][1] for e in both),
        "gained": len(now.keys() - was.keys()),
        "lost": len(was.keys() - now.keys()),
    }
    flips = Counter((was[e][0], was[e][1], *now[e]) for e in both if was[e][0] != now[e][0])
    told = {
        (f["from"], f["from_source"], f["to"], f["source"], f["actor"]): f["entities"]
        for f in found["labels"]["flips"]
    }
    assert told == flips
    assert len(found["labels"]["examples"]) == min(sum(flips.values()), 5)
    issued = {(i["source"], i["actor"]): i for i in found["labels"]["issues"]}
    for kind, keys in (
        ("added", other.keys() - one.keys()),
        ("removed", one.keys() - other.keys()),
        ("changed", {k for k in one.keys() & other.keys() if one[k] != other[k]}),
    ):
        assert Counter(k[1:3] for k in keys) == Counter(
            {name: i[kind] for name, i in issued.items() if i[kind]}
        )


def test_classes_have_names_where_the_path_tells_whose_they_are(tmp_path):
    from vouch.studies.diff import diff

    key = ("a", "rule", "big", 0)
    paths = [tmp_path / f"data/labels/fraud/{n}/labels.parquet" for n in (1, 2)]
    for path, issues in zip(
        paths,
        ({key: (0, True)}, {key: (0, True), ("a", "reviewer", "ada", 2): (1, True)}),
        strict=True,
    ):
        path.parent.mkdir(parents=True)
        frame(issues).to_parquet(path)
    found = diff(tmp_path, tmp_path, *map(str, paths))["labels"]
    assert found["flips"] == [
        {
            "from": "genuine",
            "from_source": "rule",
            "to": "fraud",
            "source": "reviewer",
            "actor": "ada",
            "entities": 1,
        }
    ]
