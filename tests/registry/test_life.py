"""What people do with versions: promote, roll back, compare, trace."""

import hashlib

import pytest

from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import sha256
from vouch.registry.compare import compare
from vouch.registry.life import promote, rollback
from vouch.registry.lineage import trace
from vouch.registry.promotions import champion_version
from vouch.registry.versions import find, parse, versions
from vouch.stages.register import champion

NAME = "fraud-shop"


@pytest.fixture
def two(project):
    """Two versions of other data, none promoted."""
    project.register("disabled")
    other = project.with_seed(2)
    other.register("disabled")
    return other


def test_the_alias_follows_the_log(two):
    promote(two.state, NAME, "1", "first")
    promote(two.state, NAME, "challenger", "second")
    assert find(two.state, NAME, "champion").number == 2
    rollback(two.state, NAME, "complaints")
    assert find(two.state, NAME, "champion").number == 1


def test_unknown_models_and_versions_are_told_with_the_near_ones(two):
    with pytest.raises(VouchError, match="no version '7'") as told:
        promote(two.state, NAME, "7", "why")
    assert "1, 2, challenger" in told.value.hint
    with pytest.raises(VouchError, match="no registered model") as told:
        parse(two.state, "fraud-shp:1")
    assert "did you mean 'fraud-shop'" in told.value.hint
    with pytest.raises(VouchError, match="names no version"):
        parse(two.state, NAME)
    with pytest.raises(VouchError, match="no champion yet"):
        parse(two.state, f"{NAME}:champion")
    with pytest.raises(VouchError, match="no registered model"):
        rollback(two.state, "fraud-none", "why")


def test_compare_shows_what_differs_and_nothing_else(two):
    found = compare(find(two.state, NAME, "1"), find(two.state, NAME, "2"))
    changed = {row["name"] for row in found["data"]}
    assert "gold/train.parquet" in changed
    assert [row["name"] for row in found["raw_files"]] == ["raw.csv"]
    assert found["metrics"] == [] and found["parameters"] == [] and found["labels"] == []
    same = compare(find(two.state, NAME, "1"), find(two.state, NAME, "1"))
    assert same["data"] == [] and same["decisions"]["examples"] == []
    assert same["decisions"]["rows_in_both"] == 400


def test_compare_counts_the_cases_decided_differently(two):
    import pandas as pd

    a, b = (find(two.state, NAME, n) for n in ("1", "2"))
    flagged = [set(_flagged(pd.read_parquet(v.predictions))) for v in (a, b)]
    found = compare(a, b)["decisions"]
    assert found["higher_by_a"] == len(flagged[0] - flagged[1]) > 0
    assert found["higher_by_b"] == len(flagged[1] - flagged[0]) > 0
    assert {case["id"] for case in found["examples"]} <= flagged[0] ^ flagged[1]


def _flagged(predictions):
    return predictions.loc[predictions["score_1"] >= 0.5, "id"]


def test_registering_beside_a_champion_counts_what_it_decides_otherwise(two):
    assert two.register("disabled")["otherwise"] is None  # nobody was champion
    two.changes["champion"] = {"version": 1, "comparison": None}
    told = two.register("disabled")["otherwise"]
    a, b = (find(two.state, NAME, n) for n in ("1", "2"))
    found = compare(a, b)["decisions"]
    del found["examples"]
    assert told == {"champion": 1, **found}
    assert told["decided_differently"] > 0


def test_lineage_of_a_version_tells_data_labels_deciders_and_promotion(two):
    promote(two.state, NAME, "2", "it is better")
    told = trace(two.root, two.state, f"{NAME}:champion")
    assert told["raw_files"][0]["sha256"] == sha256(two.path("raw.csv"))
    assert told["digests"]["gold/train.parquet"] == _md5(two.path("gold/train.parquet"))
    assert told["as_of"] == "2024-02-01T00:00:00" and told["ledger_question"] == 7
    # ada decided after the date the labels are as of; the bank's last labels came after it, too
    assert [(d["source"], d["actor"]) for d in told["labels"]] == [("chargeback", "bank")]
    assert told["promotions"][0]["why"] == "it is better"


def _md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_lineage_of_a_file_or_its_digest_tells_the_versions(two):
    raw = two.path("raw.csv")
    for subject in (str(raw), sha256(raw), sha256(raw)[:12], sha256(raw)[:6].upper()):
        assert [v["version"] for v in trace(two.root, two.state, subject)["versions"]] == [
            f"{NAME}:2"
        ]
    by_model = trace(two.root, two.state, str(two.path("tune/model")))
    assert by_model["path"] == "tune/model"
    assert by_model["versions"][0]["version"] == f"{NAME}:2"


def test_lineage_of_a_row_tells_its_file_line_and_labels(two):
    import pandas as pd

    for folder, name in (("silver", "rows"), ("labels", "labels")):
        place = two.path(f"data/{folder}/fraud") / ("issued" if folder == "labels" else "")
        place.mkdir(parents=True)
        frame = pd.read_parquet(two.path(f"{folder}/{name}.parquet"))
        frame.assign(source=frame.get("source", "shop"), arrived_at=None).to_parquet(
            place / f"{name}.parquet"
        )
    told = trace(two.root, two.state, "r1")
    assert told["rows"][0]["line"] == 1 and told["rows"][0]["file"] == "a" * 12
    assert {issue["actor"] for issue in told["rows"][0]["labels"]} == {"bank", "ada"}


def test_lineage_of_nothing_known_says_what_can_be_asked(two):
    with pytest.raises(VouchError, match="nothing is known of 'deadbeef'") as told:
        trace(two.root, two.state, "deadbeef")
    assert NAME in told.value.hint


def test_a_moved_project_finds_its_own_files(two, tmp_path_factory):
    import shutil

    elsewhere = tmp_path_factory.mktemp("moved") / "project"
    shutil.move(two.root, elsewhere)
    version = find(elsewhere / ".vouch", NAME, "1")
    assert version.folder.is_relative_to(elsewhere) and version.predictions.exists()


def renew(project, *seeds):
    """Delete the model in MLflow and register others, whose numbers begin anew."""
    tracking.client(project.state).delete_registered_model(NAME)
    return [project.with_seed(seed).register("disabled") for seed in seeds]


def test_a_run_goes_on_after_its_whole_model_was_deleted(project):
    project.register()
    tracking.client(project.state).delete_registered_model(NAME)
    assert champion(project.state, NAME) is None
    gate = project.with_seed(2).register()["gate"]
    assert gate["promoted"] and "Version 1, the champion, is no longer" in gate["reasons"][-1]
    assert champion(project.state, NAME) == find(project.state, NAME, "1").model


def test_no_rollback_to_another_model_of_the_same_number(two):
    for number in ("1", "2"):
        promote(two.state, NAME, number, "why")
    renew(two, 3, 4)
    with pytest.raises(VouchError, match=f"{NAME}:1, the champion before, was model m-"):
        rollback(two.state, NAME, "complaints")
    assert champion_version(two.state, NAME) == 2


def test_no_rollback_to_altered_files(two):
    for number in ("1", "2"):
        promote(two.state, NAME, number, "why")
    (find(two.state, NAME, "1").folder / "MLmodel").write_text("other")
    with pytest.raises(VouchError, match="MLmodel is not as registered"):
        rollback(two.state, NAME, "complaints")
    assert champion_version(two.state, NAME) == 2


def test_lineage_and_gate_do_not_take_another_models_story_for_its_own(two):
    for number in ("1", "2"):
        promote(two.state, NAME, number, "why")
    rollback(two.state, NAME, "complaints")
    renew(two, 3)
    two.with_seed(4).register()  # number 2, as the one that was rolled back
    assert trace(two.root, two.state, f"{NAME}:2")["promotions"][0]["kind"] == "gate"
    assert trace(two.root, two.state, f"{NAME}:1")["promotions"] == []


@pytest.mark.parametrize("setup", ["empty log", "another model"])
def test_an_alias_that_the_log_does_not_name_is_taken_away(two, setup):
    if setup == "another model":
        promote(two.state, NAME, "1", "why")
        renew(two, 3)
    mlflow = tracking.client(two.state)
    mlflow.set_registered_model_alias(NAME, "champion", "1")
    assert all("champion" not in version.aliases for version in versions(two.state, NAME))
    assert "champion" not in mlflow.get_registered_model(NAME).aliases


def test_an_altered_version_hides_no_other_and_is_named_once(two):
    (find(two.state, NAME, "1").folder / "MLmodel").write_text("other")
    altered, hit = trace(two.root, two.state, str(two.path("raw.csv")))["versions"]
    assert altered["version"] == f"{NAME}:1" and "MLmodel is not as" in altered["problem"]
    assert (hit["version"], hit["file"]) == (f"{NAME}:2", "raw.csv")
