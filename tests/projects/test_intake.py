"""New raw files: taken whole into the data, or refused and the data as it was."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.project import ENVIRONMENT, copy_checkout, dvc, shrink, vouch
from vouch.cli import app
from vouch.core.errors import PassingError, VouchError
from vouch.core.files import read_json
from vouch.operate.events import TAKEN
from vouch.operate.locks import at_work
from vouch.operate.reset import Scope, reset
from vouch.project import versions
from vouch.project.inputs import INPUTS, choose, load_inputs
from vouch.project.intake import DATA, take
from vouch.project.request import Request
from vouch.project.training import choose_input, train, trying
from vouch.sources.manifest import load_manifest
from vouch.sources.paysim import simulate

GOLD = ("train.parquet", "extract.json")
HEADER = (
    "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest"
)
UNREADABLE = f"{HEADER}\n{'x,PAYMENT,many,C1,1,0,M1,0,0' + chr(10)}" * 3


@pytest.fixture(scope="module")
def days() -> list[pd.DataFrame]:
    rows = simulate(10_000, 1).to_pandas()
    edges = rows["step"].quantile([0.6, 0.8]).tolist()
    part = (rows["step"].to_numpy()[:, None] > edges).sum(axis=1)
    return [rows[part == number] for number in range(3)]


@pytest.fixture(scope="module")
def first(days, tmp_path_factory) -> Path:
    """A project whose data holds the first file's rows."""
    root = copy_checkout(tmp_path_factory.mktemp("first") / "project")
    shrink(root)
    days[0].to_csv(root / "first.csv", index=False)
    with chdir(root):  # DVC finds paths from the present folder
        choose(Path(), "fraud", "paysim", path=Path("first.csv"), say=lambda _: None)
        assert take(Path(), "fraud", [Path("first.csv")], quiet()).files
    return root


@pytest.fixture
def root(first, tmp_path, monkeypatch) -> Path:
    shutil.copytree(first, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return Path()


def quiet() -> Console:
    return Console(file=io.StringIO())


def gold(root: Path) -> list[bytes]:
    return [(root / "data/gold/fraud" / name).read_bytes() for name in GOLD]


def silver(root: Path) -> int:
    return len(pd.read_parquet(root / "data/silver/fraud/rows.parquet", columns=["id"]))


def assert_up_to_date(root: Path) -> None:
    names = [f"{stage.name}@fraud" for stage in DATA]
    assert "up to date" in dvc(root, "status", "data/raw/paysim.dvc", *names).stdout


def files_of(root: Path) -> tuple[str, ...]:
    return load_inputs(root / INPUTS).choice("fraud").files


def test_files_are_taken_and_a_second_time_change_nothing(root, days):
    paths = [root / "second.csv", root / "third.csv"]
    for path, rows in zip(paths, days[1:], strict=True):
        rows.to_csv(path, index=False)
    assert take(root, "fraud", paths, quiet()).files == paths
    assert silver(root) == sum(map(len, days))
    assert_up_to_date(root)
    before = files_of(root), gold(root)
    assert take(root, "fraud", [paths[0]], quiet()).files == [paths[0]]
    assert (files_of(root), gold(root)) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n", "column"),
        (UNREADABLE, "none of its"),
        ("", "is empty"),
        (None, "no such file"),
    ],
    ids=["other columns", "no line can be read", "empty", "missing"],
)
def test_a_refused_file_leaves_the_data_as_it_was(root, content, reason):
    before, kept = gold(root), set(load_manifest(root / "data/raw/paysim"))
    path = root / "bad.csv"
    if content is not None:
        path.write_text(content)
    result = take(root, "fraud", [path], quiet())
    assert result.files == [] and reason in str(result.refused[path])
    assert len(files_of(root)) == 1 and gold(root) == before
    assert set(load_manifest(root / "data/raw/paysim")) == kept
    assert not list((root / "data/raw/paysim").glob("*bad*"))
    assert_up_to_date(root)


@pytest.mark.slow
def test_one_bad_file_keeps_no_other_from_being_taken(root, days):
    good, bad = root / "good.csv", root / "bad.csv"
    days[1].to_csv(good, index=False)
    bad.write_text(UNREADABLE)
    result = take(root, "fraud", [bad, good], quiet())
    assert result.files == [good] and list(result.refused) == [bad]
    assert silver(root) == len(days[0]) + len(days[1])
    assert_up_to_date(root)


KILLED = """
import os, sys
from pathlib import Path
from rich.console import Console
from vouch.project import intake
intake.update = lambda *_: os._exit(9)
intake.take(Path(), "fraud", [Path(sys.argv[1])], Console())
"""


@pytest.mark.parametrize("after", [pytest.param("intake", marks=pytest.mark.slow), "run"])
def test_a_file_on_trial_when_it_was_killed_is_out_again(root, days, after):
    bad, good = root / "bad.csv", root / "good.csv"
    bad.write_text(UNREADABLE)
    days[1].to_csv(good, index=False)
    words = [sys.executable, "-c", KILLED, str(bad)]
    assert subprocess.run(words, env=ENVIRONMENT, check=False).returncode == 9
    assert len(files_of(root)) == 2
    if after == "intake":
        assert take(root, "fraud", [good], quiet()).files == [good]
    else:
        request = Request(usecase="fraud", add=good)
        with trying(root, request, quiet()):
            choose_input(root, request)
    assert len(files_of(root)) == 2
    names = [entry.name for entry in load_manifest(root / "data/raw/paysim").values()]
    assert sorted(name.split("-")[1] for name in names) == ["first.csv", "good.csv"]


def test_reset_forgets_no_trial(root):
    (root / "bad.csv").write_text(UNREADABLE)
    words = [sys.executable, "-c", KILLED, "bad.csv"]
    assert subprocess.run(words, env=ENVIRONMENT, check=False).returncode == 9
    reset(root, Scope())
    assert len(files_of(root)) == 1 and not list((root / "data/raw/paysim").glob("*bad*"))


@pytest.mark.parametrize("note", ["", "{", "{}", "[]"])
def test_a_damaged_note_on_a_trial_is_named(root, note):
    place = root / ".vouch/trials/fraud.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(note)
    for action in (
        lambda: take(root, "fraud", [root / "first.csv"], quiet()),
        lambda: train(root, Request(usecase="fraud"), quiet()),
    ):
        with pytest.raises(VouchError, match=r"trials/fraud\.json: is damaged") as caught:
            action()
        assert f"rm {place}" in caught.value.hint


def test_after_a_killed_trial_a_refused_file_finds_the_data_mended(root):
    before = gold(root)
    shutil.rmtree(root / "data/silver/fraud")
    place = root / ".vouch/trials/fraud.json"
    place.parent.mkdir(exist_ok=True)
    choice = load_inputs(root / INPUTS).choice("fraud").model_dump(mode="json")
    raw = {"data/raw/paysim": files_of(root)}
    note = {"format": 2, "choice": choice, "remembered": {}, "raw": raw}
    place.write_text(json.dumps(note))
    orphan = root / f"data/raw/paysim/{'0' * 12}-cut.csv"
    orphan.write_text("cut")
    (root / "bad.csv").write_text("a,b\n1,2\n")
    assert take(root, "fraud", [root / "bad.csv"], quiet()).files == []
    assert gold(root) == before and not orphan.exists()
    assert_up_to_date(root)


def test_a_killed_trial_of_a_file_in_force_takes_nothing_out(root):
    words = [sys.executable, "-c", KILLED, str(root / "first.csv")]
    assert subprocess.run(words, env=ENVIRONMENT, check=False).returncode == 9
    with trying(root, Request(usecase="fraud"), quiet()):
        assert len(files_of(root)) == 1


@pytest.mark.slow
def test_a_full_disk_is_no_fault_of_the_file(root, days, monkeypatch):
    path = root / "second.csv"
    days[1].to_csv(path, index=False)

    def fails(*_):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr("vouch.project.intake.update", fails)
        with pytest.raises(OSError, match="No space"):
            take(root, "fraud", [path], quiet())
    assert len(files_of(root)) == 1
    assert take(root, "fraud", [path], quiet()).files == [path]


def test_a_file_that_is_called_like_one_of_dvcs_keeps_none_from_being_taken(root, days):
    inbox = root / "data/inbox/fraud/rows"
    inbox.mkdir(parents=True)
    for name in ("odd.dvc", "dvc.yaml", "good.csv"):
        days[1].to_csv(inbox / name, index=False)
    (inbox / "dvc.yaml").write_text("a,b\n1,2\n")
    result = take(root, "fraud", sorted(inbox.iterdir()), quiet())
    assert result.files == [inbox / "good.csv"]
    assert "its name ends in .dvc" in str(result.refused[inbox / "odd.dvc"])
    assert_up_to_date(root)


def test_rows_are_scored_before_another_run_begins_and_a_server_is_told(root, days, monkeypatch):
    days[1].to_csv(root / "good.csv", index=False)
    moments, events = [], []

    def write_arrived(_root, _state, _usecase, out):
        moments.append("run" in at_work(root))
        return {"rows": 3, "predicted": {}, "model": "fraud-paysim:1", "out": str(out)}

    def emit(_root, *event):
        events.append((*event, "run" in at_work(root)))
        return True

    monkeypatch.setattr("vouch.serve.arrived.write_arrived", write_arrived)
    monkeypatch.setattr("vouch.operate.events.emit", emit)
    for server, told in (("", False), ("http://127.0.0.1:9/api", True)):
        monkeypatch.setenv("PREFECT_API_URL", server)
        done = CliRunner().invoke(app, ["add", "fraud", "good.csv"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert ("told the project's Prefect server" in done.output) == told
    assert moments == [True, True]
    assert events == [(TAKEN, "fraud", {"rows": 3}, False)]


def test_what_others_change_meanwhile_is_no_fault_of_the_file(root, days, monkeypatch):
    path, late = root / "second.csv", root / "data/labels/fraud/reviews/late.txt"
    days[1].to_csv(path, index=False)
    run = versions.execute

    def run_while_somebody_collects(place, stage, *rest):
        summary = run(place, stage, *rest)
        if stage.name == "label":
            late.write_text(str(summary))
        return summary

    with monkeypatch.context() as patched:
        patched.setattr(versions, "execute", run_while_somebody_collects)
        with pytest.raises(PassingError, match="reviews changed while it ran"):
            take(root, "fraud", [path], quiet())
    assert len(files_of(root)) == 1
    late.unlink()
    assert take(root, "fraud", [path], quiet()).files == [path]


def test_a_key_that_is_gone_is_no_fault_of_the_file(root, days):
    path, key = root / "second.csv", root / ".vouch/holdout.key"
    days[1].to_csv(path, index=False)
    key.rename(root / "away.key")
    with pytest.raises(PassingError, match="key: no such file"):
        take(root, "fraud", [path], quiet())
    assert len(files_of(root)) == 1
    (root / "away.key").rename(key)
    assert take(root, "fraud", [path], quiet()).files == [path]


def test_an_error_that_names_no_file_is_that_of_the_file_it_comes_with(root, days, monkeypatch):
    good, odd = root / "good.csv", root / "odd.csv"
    days[1].to_csv(good, index=False)
    days[2].to_csv(odd, index=False)
    before, run = gold(root), versions.execute

    def run_unless_odd(place, stage, *rest):
        if list((root / "data/raw/paysim").glob("*-odd.csv")):
            raise ValueError("value too large")
        return run(place, stage, *rest)

    monkeypatch.setattr(versions, "execute", run_unless_odd)
    assert "value too large" in str(take(root, "fraud", [odd], quiet()).refused[odd])
    assert gold(root) == before
    result = take(root, "fraud", [odd, good], quiet())
    assert result.files == [good] and list(result.refused) == [odd]


@pytest.mark.slow
def test_the_command_says_what_became_of_each_file(root, days):
    days[1].to_csv(root / "good.csv", index=False)
    (root / "bad.csv").write_text("a,b\n1,2\n")
    done = vouch(root, "add", "fraud", "good.csv", "bad.csv", "--json", "added.json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "taken: good.csv" in done.stdout and "refused: bad.csv: no column" in done.stderr
    added = read_json(root / "added.json")
    assert added["taken"] == ["good.csv"] and list(added["refused"]) == ["bad.csv"]


def test_a_simulated_source_takes_no_file(fresh_project):
    (fresh_project / "new.csv").write_text(f"{HEADER}\n")
    done = vouch(fresh_project, "add", "fraud", "new.csv")
    assert done.returncode == 1
    assert "source 'simulated' is simulated and takes no file" in done.stderr
    assert not (fresh_project / "src/vouch/sources/.paysim.lock").exists()
