"""Every result in a project of an earlier release is read; see :mod:`.test_releases`."""

import tarfile

import pytest

from vouch.core.files import write_json
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.label import Labelled
from vouch.results.lineage import Lineage
from vouch.results.register import Registration
from vouch.results.tune import Leaderboard

from .test_releases import STATE

CLASSES = {
    "evaluation.json": Evaluation,
    "extract.json": Extracted,
    "ingest.json": Ingested,
    "leaderboard.json": Leaderboard,
    "lineage.json": Lineage,
    "registration.json": Registration,
}


@pytest.mark.parametrize("name", CLASSES)
def test_an_earlier_releases_result_is_read(name, tmp_path):
    with tarfile.open(STATE) as archive:
        members = [member for member in archive if member.name.endswith(f"/{name}")]
        archive.extractall(tmp_path, members, filter="data")
    paths = list(tmp_path.rglob(name))
    for path in paths:
        CLASSES[name].read(path)
    assert paths


def test_classes_that_were_counted_one_by_one_stand_together(tmp_path):
    ends = {"first": None, "last": None, "in_force": True, "issues": 9, "entities": 9}
    given = {"negative": 2, "neutral": 3, "positive": 4}
    content = {"issues": 9, "by_source": {"given": ends | given, "rule": {**ends, "positives": 1}}}
    rest = {"rule": None, "history": None, "reviews": [], "warnings": []}
    write_json(tmp_path / "label.json", content | rest)
    by_source = Labelled.read(tmp_path / "label.json").by_source
    assert by_source["given"]["by_class"] == given
    assert (by_source["rule"]["by_class"], by_source["rule"]["positives"]) == ({}, 1)
