"""Ways to ask the same rows anew under another name, from raw files on: each is charged."""

import pandas as pd
import pytest
import yaml

from tests.stages.extract.test_held_out import NOTES, SHOP, Project, notes, payments
from vouch.holdout.ledger import HoldoutKey, Inquiry, Ledger, RefusedError
from vouch.project.rotation import rotate

BUDGET = 5


@pytest.fixture
def shop(tmp_path):
    """A project whose holdout is spent."""
    project = Project(tmp_path, "fraud", "shop", SHOP)
    other = SHOP.replace("name: shop", "name: store").replace(
        "number: {role: id}", "number: {role: ignore}"
    )
    (tmp_path / "data/sources/store.yaml").write_text(other)
    told, _, _ = project.run(path=project.write("a.csv", payments(0, 400)))
    assert spend(project, told) == BUDGET
    return project


def spend(project, told) -> int:
    """Ask until the present holdout refuses; return how often it answered."""
    ledger = Ledger(project.root / ".vouch")
    key = HoldoutKey(told["usecase"], told["source"], told["set"], told["generation"])
    for number in range(BUDGET + 1):
        name = f"{key} {told['holdout_id']} {number}"
        try:
            ledger.charge(
                key, Inquiry(name, "", told["holdout_id"], "m", name, "mean"), BUDGET, 9, 9
            )
        except RefusedError:
            return number
    raise AssertionError("it answered beyond its budget")


def share(project, value) -> None:
    path = project.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    for usecase in params["extract"].values():
        usecase["holdout_share"] = value
    path.write_text(yaml.safe_dump(params))


def test_another_window_over_the_same_file_under_another_name(shop):
    told, _, _ = shop.run(path=shop.write("other name.csv", payments(150, 230)))
    assert spend(shop, told) == 0
    assert any("5 questions were asked of these rows before" in text for text in told["warnings"])


def test_a_file_of_twenty_rows_more(shop):
    told, _, _ = shop.run(path=shop.write("b.csv", payments(0, 420)))
    assert spend(shop, told) == 0


def test_another_source_that_declares_no_ids(shop):
    shop.name = "store"
    told, _, _ = shop.run(path=shop.root / "a.csv")
    assert told["source"] == "store" and spend(shop, told) == 0


@pytest.mark.parametrize("value", [0.05, 0.4])
def test_another_share_of_a_file_of_one_row_more(shop, value):
    share(shop, value)
    told, _, _ = shop.run(path=shop.write("b.csv", payments(0, 401)))
    assert spend(shop, told) == 0


def test_a_file_given_as_the_holdout_with_sealed_rows(shop):
    held = pd.concat([payments(380, 10), payments(1000, 60)])
    told, _, _ = shop.run(holdout=shop.write("h.csv", held))
    assert spend(shop, told) == 0


def test_rows_that_were_never_asked_about_are_fresh_all_the_same(shop):
    told, _, _ = shop.run(path=shop.write("new.csv", payments(1000, 400)))
    assert spend(shop, told) == BUDGET


def test_another_share_moves_no_held_texts_and_a_rotation_brings_fresh_ones(tmp_path):
    project = Project(tmp_path, "sentiment", "notes", NOTES)
    told, train, held = project.run(path=project.write("a.csv", notes(0, 300)))
    assert spend(project, told) == BUDGET
    share(project, 0.1)
    _, same, still = project.run()
    assert set(same.id) == set(train.id) and set(still.id) == set(held.id)
    rotate(tmp_path, "sentiment", few=1)
    told, after, fresh = project.run()
    assert spend(project, told) == BUDGET
    assert {*fresh.id}.isdisjoint({*train.id, *held.id, *after.id})
    assert {*held.id} <= {*after.id}
