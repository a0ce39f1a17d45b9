"""``vouch holdout verify`` in a trained project: heads in every place, and what tampering says."""

import json
import sqlite3
from contextlib import closing

from tests.project import vouch
from vouch.holdout.ledger import Ledger
from vouch.holdout.tables import Base
from vouch.registry.versions import find


def test_a_trained_projects_heads_stand_in_every_place_and_agree(project):
    done = vouch(project, "holdout", "verify", "--json", "verified.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1 and "recorded heads" in done.stdout
    verified = json.loads((project / "verified.json").read_text())
    lineage = find(project / ".vouch", "fraud-simulated", "1").lineage
    newest = Ledger(project / ".vouch").head()
    assert lineage.ledger_head and lineage.ledger_head.startswith(newest.ledger)
    places = " ".join(verified["records"])
    for place in (
        "data/holdouts.json",
        "data/evaluate/fraud/evaluation.json",
        "the promotion of fraud-simulated:1",
        "MLflow's tag vouch.ledger_head of fraud-simulated:1",
        "lineage.json",
    ):
        assert place in places


def test_an_emptied_ledger_is_told_and_no_stage_charges_it(project):
    with closing(sqlite3.connect(project / ".vouch/vouch.db")) as database:
        for name in reversed(Base.metadata.sorted_tables):
            database.execute(f"DROP TABLE {name}")
        database.commit()
    done = vouch(project, "holdout", "verify", "--json", "verified.json")
    assert done.returncode == 1 and "missing ledger" in done.stdout
    faults = json.loads((project / "verified.json").read_text())["faults"]
    assert {fault["kind"] for fault in faults} == {"missing ledger"} and len(faults) == 5
    for stage in ("extract", "evaluate"):
        done = vouch(project, "stage", stage, "fraud")
        assert done.returncode == 1 and "missing ledger" in done.stderr
        assert "--forget-holdouts" in done.stderr
    assert Ledger(project / ".vouch").log() == []


def test_where_nothing_ever_ran_there_is_nothing_to_verify_and_nothing_is_made(fresh_project):
    done = vouch(fresh_project, "holdout", "verify")
    assert done.returncode == 1 and "no ledger yet" in done.stderr
    assert not (fresh_project / ".vouch/vouch.db").exists()


def test_a_file_of_heads_in_the_middle_of_a_merge_says_so(project):
    path = project / "data/holdouts.json"
    path.write_text(f"<<<<<<< ours\n{path.read_text()}=======\n{path.read_text()}>>>>>>> theirs\n")
    done = vouch(project, "holdout", "verify")
    assert done.returncode == 1 and "git checkout --ours data/holdouts.json" in done.stderr
