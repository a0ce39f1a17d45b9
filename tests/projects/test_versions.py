"""One pipeline, two drivers: what one did, the other finds done."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.project import BIN, ENVIRONMENT, copy_checkout, dvc, shrink, vouch
from vouch.project.stages import STAGES


def statuses(project: Path, *words: str) -> dict[str, str]:
    done = vouch(project, "run", "fraud", "--no-prefect", "--json", "run.json", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return {o["stage"]: o["status"] for o in json.loads((project / "run.json").read_text())}


def assert_clean(project: Path) -> None:
    assert "up to date" in dvc(project, "status").stdout


def test_repro_after_a_run_finds_everything_unchanged(project):
    assert_clean(project)
    done = dvc(project, "repro")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("didn't change, skipping") >= len(STAGES)
    assert "Running stage" not in done.stdout


@pytest.mark.slow
def test_a_run_after_repro_finds_everything_unchanged(fresh_project):
    done = dvc(fresh_project, "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(fresh_project)
    assert set(statuses(fresh_project).values()) == {"unchanged"}


@pytest.mark.slow
def test_a_parameter_reruns_only_what_depends_on_it(project):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["explain"]["fraud"]["cases"] = 1
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    found = statuses(project)
    assert [s for s, status in found.items() if status == "ran"] == [
        "explain",
        "register",
        "report",
    ]
    assert_clean(project)


@pytest.mark.slow
def test_going_back_to_old_parameters_restores_from_the_run_cache(project):
    original = (project / "params.yaml").read_text()
    params = yaml.safe_load(original)
    params["label"]["fraud"]["use"] = ["rule"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    before = (project / "data/labels/fraud/issued/labels.parquet").read_bytes()
    assert statuses(project)["label"] == "ran"
    assert (project / "data/labels/fraud/issued/labels.parquet").read_bytes() != before
    (project / "params.yaml").write_text(original)
    found = statuses(project)
    assert found["label"] == "restored"
    assert (project / "data/labels/fraud/issued/labels.parquet").read_bytes() == before
    assert_clean(project)


def test_a_lost_output_is_restored(project):
    lost = project / "data/silver/fraud/rows.parquet"
    before = lost.read_bytes()
    lost.unlink()
    found = statuses(project)
    assert found["validate"] == "restored"
    assert found["tune"] == "unchanged"
    assert lost.read_bytes() == before


@pytest.mark.parametrize("torn", ["", pytest.param('{"write": {', marks=pytest.mark.slow)])
def test_what_a_kill_left_of_dvcs_list_is_mended(project, torn):
    (project / ".dvc/tmp/rwlock").write_text(torn)
    assert set(statuses(project).values()) == {"unchanged"}
    assert_clean(project)


@pytest.mark.slow
def test_two_runs_at_once_both_end_well(fresh_project):
    command = [str(BIN / "vouch"), "run", "fraud", "--no-prefect"]
    runs = [
        subprocess.Popen(
            command,
            cwd=fresh_project,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=400)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert any("waiting for it to end" in text for text in said)
    assert_clean(fresh_project)


@pytest.mark.parametrize(
    "field", ["trials: 0", pytest.param("trials: many", marks=pytest.mark.slow)]
)
def test_a_wrong_parameter_is_named(project, field):
    name, value = field.split(": ")
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["tune"]["fraud"]["budget"] = {name: int(value) if value.isdigit() else value}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    done = vouch(project, "run", "fraud", "--no-prefect")
    assert done.returncode == 1
    assert "tune.fraud.budget" in done.stderr
    assert "Traceback" not in done.stderr


def results(project: Path) -> dict[str, object]:
    board = json.loads((project / "data/tune/fraud/leaderboard.json").read_text())
    evaluation = json.loads((project / "data/evaluate/fraud/evaluation.json").read_text())
    return {
        "scores": [(t["algorithm"], t["value"]) for t in board["trials"] if t["value"] is not None],
        "out_of_fold": evaluation["out_of_fold"],
        "holdout": evaluation["holdout"]["truth"],
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_kills_change_nothing(fresh_project, tmp_path_factory):
    undisturbed = copy_checkout(tmp_path_factory.mktemp("undisturbed") / "project")
    shrink(undisturbed, trials=6)
    shrink(fresh_project, trials=6)
    started = time.monotonic()
    assert vouch(undisturbed, "run", "fraud", "--no-prefect").returncode == 0
    whole = time.monotonic() - started
    draw = random.Random(7)
    kills = 0
    while kills < 10:
        run = subprocess.Popen(
            [str(BIN / "vouch"), "run", "fraud", "--no-prefect"],
            cwd=fresh_project,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            run.wait(timeout=draw.uniform(3, whole / 2))
            # it got to its end before the kill: begin anew, the count of kills goes on
            subprocess.run(
                ["rm", "-rf", "dvc.lock", ".vouch", ".dvc/cache", "data/register"],
                cwd=fresh_project,
                check=True,
            )
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            kills += 1
    done = vouch(fresh_project, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    assert_clean(fresh_project)
    assert results(fresh_project) == results(undisturbed)
