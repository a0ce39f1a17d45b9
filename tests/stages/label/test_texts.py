"""Labels of texts: the lexicon's at once, the given ones after their delay with confidence."""

from datetime import timedelta

import ibis
import pandas as pd
import pytest

from tests.labels.conftest import START, issues
from vouch.labels.resolve import resolve
from vouch.sources.declaration import Declaration

COLUMNS = {
    "no": {"role": "id"},
    "when": {"role": "time"},
    "words": {"role": "text"},
    "mood": {"role": "label", "optional": True},
    "sure": {"role": "label_confidence", "optional": True},
}
USE = ("rule", "given")


def declare(**changes):
    base = {"name": "talk", "usecase": "sentiment", "format": "csv", "columns": COLUMNS}
    rule = {"name": "vader", "lexicon": "vader"}
    return Declaration.model_validate({**base, "rule": rule, **changes})


def silver(engine, **changes):
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "time": [START + timedelta(minutes=n) for n in range(3)],
            "text": ["I love it", "I hate it", "chart here"],
            "label": pd.array([2, 1, None], "Int8"),
            "label_confidence": [0.9, 0.4, None],
            "known_at": [START + timedelta(minutes=n) for n in range(3)],
            "superseded_at": pd.to_datetime([None] * 3),
        }
    ).assign(**changes)
    return engine.create_table(ibis.util.gen_name("silver"), ibis.memtable(frame), temp=True)


def test_the_lexicon_speaks_at_once_and_the_given_label_after_its_delay(engine):
    declaration = declare(truth={"delay": {"mean": "2h"}})
    found = engine.to_pandas(issues(silver(engine), declaration, USE))
    rule, given = (found[found.source == s].set_index("entity") for s in USE)
    assert rule.label.to_dict() == {"a": 2, "b": 0, "c": 1}
    assert set(rule.actor) == {"vader"}
    assert rule.confidence.isna().all()
    assert given.label.to_dict() == {"a": 2, "b": 1}
    assert given.confidence.to_dict() == {"a": 0.9, "b": 0.4}
    assert given.issued_at["a"] == START + timedelta(hours=2)


def test_a_given_label_beats_the_lexicon_once_it_is_known(engine):
    table = issues(silver(engine), declare(truth={"delay": {"mean": "2h"}}), USE)
    for hours, expected in ((1, {"a": 2, "b": 0, "c": 1}), (3, {"a": 2, "b": 1, "c": 1})):
        held = engine.to_pandas(resolve(table, START + timedelta(hours=hours)))
        assert held.set_index("entity").label.to_dict() == expected


def test_without_time_labels_are_known_when_the_rows_arrived(engine):
    columns = {name: c for name, c in COLUMNS.items() if name not in ("when", "sure")}
    rows = silver(engine).drop("time", "label_confidence")
    found = engine.to_pandas(issues(rows, declare(columns=columns), USE))
    assert (found.issued_at <= START + timedelta(minutes=2)).all()
    assert found.confidence.isna().all()


def test_the_rules_threshold_is_used(engine):
    rule = {"name": "strict", "lexicon": "vader", "threshold": 0.99}
    found = engine.to_pandas(issues(silver(engine), declare(rule=rule), ("rule",)))
    assert set(found[found.source == "rule"].label) == {1}


@pytest.mark.parametrize("use", [("rule",), ("given",)])
def test_sources_out_of_use_are_kept_out_of_force(engine, use):
    found = engine.to_pandas(issues(silver(engine), declare(), use))
    assert set(found[found.in_force].source) == set(use)
    assert set(found.source) == set(USE)
