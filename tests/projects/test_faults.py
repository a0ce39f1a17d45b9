"""Real faults in a real project: two lines, what is wrong and what to do, and doctor finds it."""

import errno
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.project import BIN, ENVIRONMENT, dvc, vouch
from vouch.cli import main
from vouch.core import tracking
from vouch.operate.doctor import examine
from vouch.operate.record import Ports
from vouch.project.faults import explain, report
from vouch.project.stages import STAGES

AROUND = ("enqueue", "collect")


@dataclass(frozen=True)
class Fault:
    """Something that is broken.

    Attributes:
        breaks: Breaks it in a project.
        words: A command that meets it.
        says: What the first line names.
        tries: What the second line advises.
        finding: What doctor calls it.
    """

    breaks: Callable[[Path], None]
    words: tuple[str, ...]
    says: str
    tries: str
    finding: str


def lose_data(project):
    for folder in ("bronze", "silver", "labels/fraud/issued", "gold", "tune"):
        shutil.rmtree(project / "data" / folder)
    shutil.rmtree(project / ".dvc/cache")


def lose_git(project):
    shutil.rmtree(project / ".git")


def garble(name):
    return lambda project: (project / name).write_bytes(b"no database at all " * 500)


def cut(name):
    def breaks(project):
        content = (project / name).read_bytes()
        (project / name).unlink()  # DVC may have linked it
        (project / name).write_bytes(content[: len(content) // 2])

    return breaks


def garble_pages(project):
    """Spoil the rows of a table and leave its end, by which files are recognised."""
    path = project / "data/silver/fraud/rows.parquet"
    content = bytearray(path.read_bytes())
    content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    path.unlink()
    path.write_bytes(content)


def drop_section(name):
    def breaks(project):
        params = yaml.safe_load((project / "params.yaml").read_text())
        del params[name]
        (project / "params.yaml").write_text(yaml.safe_dump(params))

    return breaks


def drop_section_before_answers(project):
    drop_section("collect")(project)
    (project / "c.csv").write_text("case,decision,reviewer\nc1,1,ann\n")


def change_store(statement, *values):
    def breaks(project):
        with closing(sqlite3.connect(tracking.database(project / ".vouch"))) as store:
            store.execute(statement, values)
            store.commit()

    return breaks


def lose_champion(project):
    done = vouch(project, "promote", "fraud", "--version", "1", "--why", "a test")
    assert done.returncode == 0, done.stderr
    assert (
        vouch(project, "simulate", "payments", "--rows", "10000", "--out", "p.csv").returncode == 0
    )
    tracking.client(project / ".vouch").delete_model_version("fraud-simulated", "1")


def lose_model(project):
    lose_champion(project)
    tracking.client(project / ".vouch").delete_registered_model("fraud-simulated")


def put_file_for_folder(project):
    shutil.rmtree(project / ".vouch/locks")
    (project / ".vouch/locks").write_text("")


SCORE = ("score", "fraud", "--path", "p.csv", "--out", "s.csv")
LINEAGE = ("lineage", "fraud-simulated:1")
READERS = {
    "data/bronze/fraud/rows.parquet": "validate",
    "data/silver/fraud/rows.parquet": "label",
    "data/labels/fraud/issued/labels.parquet": "extract",
    "data/gold/fraud/train.parquet": "tune",
    "data/tune/fraud/predictions.parquet": "evaluate",
    "data/explain/fraud/explanations.parquet": "report",
}
"""Each table and a stage that reads it."""
FAULTS = {
    "no data": Fault(
        lose_data, ("stage", "label", "fraud"), "data/silver/fraud/rows.parquet", "dvc pull", "data"
    ),
    "no data to ask about": Fault(
        lose_data,
        ("enqueue", "fraud", "--out", "c.csv"),
        "data/tune/fraud/predictions.parquet",
        "dvc pull",
        "data",
    ),
    "no git": Fault(
        lose_git, ("run", "fraud", "--no-prefect"), "git repository", "git init", "git"
    ),
    "no champion": Fault(lose_champion, SCORE, "fraud-simulated", "", "champions"),
    "no model": Fault(lose_model, SCORE, "fraud-simulated", "", "champions"),
    "ledger": Fault(
        garble(".vouch/vouch.db"), ("holdout", "log"), ".vouch/vouch.db", "restore", "databases"
    ),
    "runs": Fault(garble(".vouch/mlflow.db"), LINEAGE, ".vouch/mlflow.db", "restore", "databases"),
    "half of the runs": Fault(
        cut(".vouch/mlflow.db"), LINEAGE, ".vouch/mlflow.db", "restore", "databases"
    ),
    "old schema": Fault(
        change_store("UPDATE alembic_version SET version_num = ?", "75868b020152"),
        LINEAGE,
        ".vouch/mlflow.db",
        "mlflow db upgrade sqlite:///.vouch/mlflow.db",
        "MLflow",
    ),
    "newer schema": Fault(
        change_store("UPDATE alembic_version SET version_num = ?", "ffffffffffff"),
        LINEAGE,
        ".vouch/mlflow.db",
        "mlflow",
        "MLflow",
    ),
    "spoilt pages": Fault(
        garble_pages,
        ("stage", "label", "fraud"),
        "data/silver/fraud/rows.parquet",
        "dvc checkout data/silver/fraud/rows.parquet --force",
        "",
    ),
    "file for a folder": Fault(
        put_file_for_folder, ("stage", "label", "fraud"), ".vouch/locks", "move it away", ""
    ),
    "no section, by DVC": Fault(
        drop_section("tune"),
        ("run", "fraud", "--no-prefect", "--force"),
        "tune.fraud",
        "params.yaml",
        "parameters",
    ),
    **{
        f"cut {table}": Fault(
            cut(table),
            ("stage", stage, "fraud"),
            table,
            f"dvc checkout {table} --force",
            "tables",
        )
        for table, stage in READERS.items()
    },
    **{
        f"no section {stage.name}": Fault(
            drop_section(stage.name),
            ("stage", stage.name, "fraud"),
            f"params.yaml: no section {stage.name}.fraud",
            f"{stage.name}: {{fraud: {{}}}}",
            "parameters",
        )
        for stage in STAGES
    },
    "no section enqueue": Fault(
        drop_section("enqueue"),
        ("enqueue", "fraud", "--out", "c.csv"),
        "params.yaml: no section enqueue.fraud",
        "enqueue: {fraud: {}}",
        "parameters",
    ),
    "no section collect": Fault(
        drop_section_before_answers,
        ("collect", "fraud", "c.csv"),
        "params.yaml: no section collect.fraud",
        "collect: {fraud: {}}",
        "parameters",
    ),
}


def test_every_table_of_a_stage_that_another_reads_is_cut():
    made = {p.format(usecase="fraud") for s in STAGES for p in s.outputs.values()}
    read = {
        p.format(usecase="fraud", source="s", raw="r") for s in STAGES for p in s.inputs.values()
    }
    assert {path for path in made & read if path.endswith(".parquet")} == set(READERS)


LONG = ("no champion", "no model", "no section, by DVC")
"""Faults that take 15 seconds and more."""


@pytest.mark.parametrize(
    "name", [pytest.param(f, marks=[pytest.mark.slow] * (f in LONG)) for f in FAULTS]
)
def test_a_fault_is_told_in_two_lines_and_doctor_finds_it(project, monkeypatch, capfd, name):
    fault = FAULTS[name]
    fault.breaks(project)
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["vouch", *fault.words])
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    assert ended.value.code == 1
    check(out, err, fault.says, fault.tries)
    wrong = {f.name: f for f in examine(Path(), Ports()) if f.state == "wrong"}
    if fault.finding:
        assert fault.finding in wrong
        assert wrong[fault.finding].hint


def check(out, err, says, tries):
    assert "Traceback" not in out + err
    lines = err.strip().splitlines()
    assert len(lines) == 2, err
    assert lines[0].startswith("error: ") and says in lines[0]
    assert lines[1].startswith("  try: ") and tries in lines[1]


@pytest.mark.slow
def test_the_advice_for_an_old_schema_upgrades_it(project, monkeypatch):
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import text

    from vouch.core.database import sqlite

    store = tracking.database(project / ".vouch")
    store.unlink()
    engine = sqlite(store)
    config = _get_alembic_config("sqlite://")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "3500859a5d39")  # of MLflow 2
        assert connection.scalar(text("SELECT count(*) FROM model_versions")) == 0
    engine.dispose()
    monkeypatch.chdir(project)
    (wrong,) = (f for f in examine(Path(), Ports()) if f.name == "MLflow")
    assert wrong.state == "wrong" and "version 3500859a5d39" in wrong.said
    words = wrong.hint.rpartition("then: ")[2].split()
    subprocess.run([str(BIN / words[0]), *words[1:]], cwd=project, env=ENVIRONMENT, check=True)
    assert {f.state for f in examine(Path(), Ports()) if f.name == "MLflow"} == {"ok"}


def test_the_advice_for_a_cut_table_brings_it_back(project):
    table = "data/silver/fraud/rows.parquet"
    before = (project / table).read_bytes()
    cut(table)(project)
    told = vouch(project, "stage", "label", "fraud").stderr
    advice = told.partition("try: dvc ")[2].partition(",")[0].split()
    assert dvc(project, *advice).returncode == 0
    assert (project / table).read_bytes() == before


def confined(project, mount, *words):
    """Run commands in a mount namespace of their own, in which ``mount`` was done first."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("this system allows no mounts of one's own")
    script = f'set -e; {mount}; cd "$0/project"; set +e; "$@"; code=$?; '
    script += f'"{BIN}/vouch" doctor > "$0/doctor.txt" 2>&1; exit $code'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, str(project.parent), str(BIN / "vouch"), *words],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT | {"TMPDIR": "/tmp"},
    )


READ_ONLY = 'mount --bind "$0/project" "$0/project"; mount -o remount,ro,bind "$0/project"'
FULL = (
    'cp -a "$0/project" "$0/copy"; mount -t tmpfs -o size=32m tmpfs "$0/project"; '
    'cp -a "$0/copy/." "$0/project"; head -c 64m /dev/zero > "$0/project/filler" 2>/dev/null || :'
)


WRITING = (
    ("stage", "label", "fraud"),
    ("run", "fraud", "--no-prefect", "--force"),
    ("run", "fraud"),
)


@pytest.mark.slow
@pytest.mark.parametrize("words", WRITING)
def test_a_read_only_disk(project, words):
    done = confined(project, READ_ONLY, *words)
    assert done.returncode == 1
    check(done.stdout, done.stderr.lower(), "read-only", "")
    doctor = (project.parent / "doctor.txt").read_text()
    assert "cannot be written: Read-only file system" in doctor and "error:" not in doctor


@pytest.mark.slow
@pytest.mark.parametrize("words", [*WRITING, ("enqueue", "fraud", "--out", "c.csv")])
def test_a_full_disk(project, words):
    done = confined(project, FULL, *words)
    assert done.returncode == 1
    check(done.stdout, done.stderr, "the disk is full", "make room")
    doctor = (project.parent / "doctor.txt").read_text()
    assert "cannot be written: No space left on device" in doctor and "error:" not in doctor


def test_a_locked_database_is_told(tmp_path):
    one, two = (sqlite3.connect(tmp_path / "a.db", timeout=0.01) for _ in range(2))
    one.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        two.execute("BEGIN EXCLUSIVE")
    assert "locked by another process" in str(explain(caught.value, tmp_path))


def test_a_file_that_may_not_grow_is_named(tmp_path):
    error = OSError(errno.EFBIG, "File too large", str(tmp_path / "a"))
    meaning = explain(error, tmp_path)
    assert str(tmp_path / "a") in str(meaning) and "ulimit" in meaning.hint


def test_what_is_not_understood_has_its_traceback_in_a_log(project, capsys):
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        assert report(error, project) == 1
    err = capsys.readouterr().err
    check("", err, "ZeroDivisionError", "vouch doctor")
    log = Path(err.strip().rpartition(" ")[2])
    assert log.parent == project / ".vouch/errors" and "Traceback" in log.read_text()


def test_where_no_log_can_be_written_the_traceback_is_shown(project, capsys):
    shutil.rmtree(project / ".vouch")
    (project / ".vouch").write_text("")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        assert report(error, project) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_environment_with_a_percent_sign_in_its_path_is_named(tmp_path):
    environment = tmp_path / "a%20b"
    environment.mkdir()
    installed = find_spec("mlflow")
    (environment / "mlflow").symlink_to(Path(installed.origin).parent)
    code = """if True:
        import sys
        from pathlib import Path
        from mlflow import MlflowClient
        from vouch.project.faults import report
        try:
            MlflowClient("sqlite:///mlflow.db").search_experiments()
        except Exception as error:
            sys.exit(report(error, Path()))
        """
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**ENVIRONMENT, "PYTHONPATH": str(environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    told, hint = done.stderr.strip().splitlines()[-2:]
    assert done.returncode == 1
    assert told.startswith(f"error: {environment / 'mlflow'}: MLflow cannot") and "%" in told
    assert hint.startswith("  try: make the environment in one without")


def test_a_traceback_that_no_log_can_take_is_shown_line_by_line(tmp_path, capsys):
    assert report(RuntimeError("a\nerror: forged"), tmp_path) == 1
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "error: RuntimeError: a"
    assert all(line.startswith("  ") for line in shown[1:])
