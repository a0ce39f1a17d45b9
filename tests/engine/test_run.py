"""The second engine as a user meets it: on the command line."""

import subprocess

import pytest
import yaml

from tests.project import BIN, ENVIRONMENT, vouch

GOLD = ("train.parquet", "holdout.sealed", "extract.json")


def gold(project):
    return {name: (project / "data/gold/fraud" / name).read_bytes() for name in GOLD}


def choice(project):
    return yaml.safe_load((project / "data/inputs.yaml").read_text())["usecases"]["fraud"]


@pytest.mark.slow
def test_a_run_on_spark_changes_no_byte_and_is_remembered(project):
    before = gold(project)
    assert choice(project)["engine"] == "duckdb"
    done = vouch(project, "run", "fraud", "--no-prefect", "--engine", "spark", "--json", "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert gold(project) == before
    ran = {
        each["stage"]
        for each in yaml.safe_load((project / "out.json").read_text())
        if each["status"] != "unchanged"
    }
    assert ran == {"extract"}
    assert choice(project)["engine"] == "spark"
    assert "Traceback" not in done.stderr


def test_without_java_a_run_says_what_to_install(project):
    done = subprocess.run(
        [BIN / "vouch", "run", "fraud", "--no-prefect", "--engine", "spark"],
        cwd=project,
        env=ENVIRONMENT | {"JAVA_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Spark needs Java, and there is none in JAVA_HOME (/nowhere)" in done.stderr
    assert "openjdk-17" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_older_choice_without_engine_is_completed(project):
    path = project / "data/inputs.yaml"
    path.write_text(path.read_text().replace("    engine: duckdb\n", ""))
    assert "engine" not in choice(project)
    done = vouch(project, "run", "fraud", "--no-prefect")
    assert done.returncode == 0, done.stdout + done.stderr
    assert choice(project)["engine"] == "duckdb"


@pytest.mark.parametrize("engine", ["sparc", ""])
def test_an_unknown_engine_is_refused(project, engine):
    done = vouch(project, "run", "fraud", "--engine", engine)
    assert done.returncode == 2
    assert "duckdb" in done.stderr
    assert choice(project)["engine"] == "duckdb"
