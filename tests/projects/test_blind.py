"""A blind period in a real project: on, a run, off, a run."""

import json
import math
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests.project import dvc, vouch
from vouch.cli.run import _show_result
from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.holdout import blind
from vouch.holdout.ledger import Ledger
from vouch.metrics.blinding import SHARES
from vouch.operate.reset import Scope, reset
from vouch.project.blind import begin, declare, end, figures_seen, status
from vouch.project.inputs import choose, load_inputs
from vouch.registry.promotions import history
from vouch.registry.versions import find
from vouch.results.evaluate import Evaluation

EVALUATION = "data/evaluate/fraud/evaluation.json"
LEADERBOARD = "data/tune/fraud/leaderboard.json"
REGISTRATION = "data/register/fraud/registration.json"
REPORT = "data/report/fraud/report.html"
MEASURED = "SELECT key, value FROM metrics UNION SELECT key, value FROM latest_metrics"
METRIC = "average_precision"


def succeed(project: Path, *words: str) -> str:
    done = vouch(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def numbers(content) -> set[float]:
    """Return every number of a JSON file that has digits of its own: no 1/3 or 7/15."""
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        return set().union(*map(numbers, content))
    if not isinstance(content, float) or not math.isfinite(content):
        return set()
    return set() if math.isclose(content * 30, round(content * 30)) else {content}


def figures(project: Path) -> set[float]:
    """Return all that was measured of the models out of fold."""
    evaluation = read_json(project / EVALUATION)
    facts = {"chance", "evidence"}
    parts = [evaluation["out_of_fold"][kind] for kind in ("truth", "rule")]
    measured = [{k: v for k, v in part.items() if k not in facts} for part in parts]
    board = read_json(project / LEADERBOARD)
    trials = [[trial["value"], *trial["folds"]] for trial in board["trials"]]
    bests = [[best["value"], *best["interval"]] for best in board["best_by_algorithm"].values()]
    rest = [evaluation["curves"], [point["cost"] for point in evaluation["cost_curve"]]]
    shares = {part["chance"] for part in parts}  # of positives: the precision of flagging all
    return numbers([measured, trials, bests, rest]) - shares


def stored(project: Path) -> set[float]:
    """Return every number in JSON files, the search's journals and MLflow's metrics."""
    files = [*project.glob("data/*/fraud/**/*.json"), *project.glob(".vouch/**/*.json")]
    found = [read_json(path) for path in files]
    for journal in project.glob(".vouch/tune/*.journal"):
        found += map(json.loads, journal.read_text().splitlines())
    return numbers(found) | {value for _, value in logged(project)}


def logged(project: Path) -> list[tuple[str, float]]:
    (place,) = (project / ".vouch").glob("mlflow*.db")
    with closing(sqlite3.connect(place)) as database:
        return database.execute(MEASURED).fetchall()


def values(project: Path) -> dict[int, float]:
    return {t["number"]: t["value"] for t in read_json(project / LEADERBOARD)["trials"]}


def comparable(content):
    """Return a result without what differs from run to run of the same."""
    varying = {"seconds", "run_id", "opened_at", "head", "git_commit", "frozen"}
    if isinstance(content, dict):
        return {k: comparable(v) for k, v in content.items() if k not in varying}
    return [comparable(each) for each in content] if isinstance(content, list) else content


def declared(project: Path) -> str | None:
    return load_inputs(project / "data/inputs.yaml").choice("fraud").blind


def test_a_copy_without_the_ledger_stays_blind(fresh_project):
    begin(fresh_project, "fraud")
    period = declared(fresh_project)
    away = fresh_project / ".vouch-elsewhere"
    (fresh_project / ".vouch").rename(away)
    for command in (choose, begin, end):
        with pytest.raises(VouchError, match=f"blind: the ledger.*no blind period {period}") as no:
            command(fresh_project, "fraud")
        assert "bring the ledger back" in no.value.hint and "blind: null" in no.value.hint
        assert declared(fresh_project) == period
    inputs = fresh_project / "data/inputs.yaml"
    whole = inputs.read_text()
    inputs.write_text(whole.replace(f"blind: {period}", "blind: null"))
    assert choose(fresh_project, "fraud").blind is None  # as somebody decided
    inputs.write_text(whole)
    shutil.rmtree(fresh_project / ".vouch")
    away.rename(fresh_project / ".vouch")
    assert choose(fresh_project, "fraud").blind == period
    blind.end(fresh_project / ".vouch", "fraud", "f" * 64, "none")
    assert declared(fresh_project) == period  # of an ended period, which the ledger knows
    assert choose(fresh_project, "fraud").blind is None


@pytest.mark.parametrize("text", [None, "usecases: 1\n"])
def test_where_the_choice_of_input_cannot_be_read_the_ledger_gets_nothing(fresh_project, text):
    inputs = fresh_project / "data/inputs.yaml"
    whole = inputs.read_text()
    inputs.unlink()
    if text:
        inputs.write_text(text)
    with pytest.raises(VouchError, match=r"inputs\.yaml"):
        begin(fresh_project, "fraud")
    assert not (fresh_project / ".vouch/vouch.db").exists()
    inputs.write_text(whole)
    begin(fresh_project, "fraud")
    inputs.write_text("usecases: 1\n")
    with pytest.raises(VouchError, match=r"inputs\.yaml"):
        end(fresh_project, "fraud")
    assert status(fresh_project, "fraud").blind


def test_figures_count_as_seen_wherever_a_run_left_a_trace(project, tmp_path, monkeypatch):
    assert figures_seen(project, "fraud") and not figures_seen(project, "sentiment")
    reset(project, Scope())
    assert figures_seen(project, "fraud")  # the ledger stays
    assert not figures_seen(project, "sentiment")
    none = tmp_path / "none"
    traces = ("data/report/fraud/report.html", "data/register/fraud/registration.json")
    for trace in (*traces, ".vouch/tune/0123.journal"):
        assert not figures_seen(none, "fraud")
        (none / trace).parent.mkdir(parents=True)
        (none / trace).write_text("{}")
        assert figures_seen(none, "fraud")
        shutil.rmtree(none)
    elsewhere = tmp_path / "server/.vouch"
    tracking.experiment(elsewhere, "fraud-shop")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.uri(elsewhere))
    assert figures_seen(none, "fraud") and not figures_seen(none, "sentiment")


def test_a_run_says_that_its_pipeline_is_not_the_frozen_one(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    said = "the pipeline has changed since it was frozen"

    def shown():
        _show_result("fraud")
        return capsys.readouterr().out

    assert said not in shown()
    begin(project, "fraud")
    assert said not in shown()
    end(project, "fraud")
    assert said not in shown()
    params = project / "params.yaml"
    params.write_text(params.read_text() + "# another\n")
    assert said in shown() and "vouch blind status fraud" in shown()


@pytest.mark.slow
def test_an_evaluation_says_of_which_frozen_pipeline_it_is_and_whether_it_still_is_that(project):
    def evaluated():
        succeed(project, "stage", "evaluate", "fraud")
        return Evaluation.read(project / EVALUATION).frozen

    assert evaluated() is None and "frozen" not in read_json(project / EVALUATION)
    begin(project, "fraud")
    assert evaluated() is None
    end(project, "fraud")
    last = status(project, "fraud")
    facts = {"pipeline": last.pipeline, "git_commit": last.git_commit}
    entry = load_inputs(project / "data/inputs.yaml").choice("fraud")
    assert entry.frozen == evaluated() == facts | {"unchanged": True}
    params = project / "params.yaml"
    params.write_text(params.read_text() + "# another\n")
    assert evaluated() == facts | {"unchanged": False}
    # what DVC sees follows with the next run
    declare(project, "fraud")
    entry = load_inputs(project / "data/inputs.yaml").choice("fraud")
    assert entry.frozen == facts | {"unchanged": False}


def test_blind_nothing_tells_a_figure_and_unblinded_all_are_as_if_never_blind(
    fresh_project, trained_project
):
    project, never = fresh_project, trained_project
    assert "not blind, and never was" in succeed(project, "blind", "status", "fraud")
    assert "seen" not in succeed(project, "blind", "on", "fraud")
    output = succeed(project, "run", "fraud", "--no-prefect")

    true = figures(never)
    assert len(true) > 50 and true <= stored(never)
    assert not true & stored(project)
    evaluation, board = read_json(project / EVALUATION), read_json(project / LEADERBOARD)
    period = Ledger(project / ".vouch").blindness("fraud")[0].commitment[:12]
    assert evaluation["blind"]["period"] == board["blind"]["period"] == period

    # all of a metric have one offset: trials, the best, the evaluation, MLflow
    shown, were = values(project), values(never)
    offset = shown[0] - were[0]
    assert all(abs(shown[n] - were[n] - offset) < 1e-12 for n in were)
    theirs = read_json(never / EVALUATION)["out_of_fold"]["truth"]
    ours = evaluation["out_of_fold"]["truth"]
    offsets = {name: ours[name]["value"] - theirs[name]["value"] for name in SHARES & set(ours)}
    assert abs(offsets[METRIC] - offset) < 1e-12
    assert len({round(each, 6) for each in offsets.values()}) == len(offsets) == 3
    trials = [value for key, value in logged(project) if key == METRIC]
    assert {round(value, 9) for value in trials} >= {round(value, 9) for value in shown.values()}
    assert not [key for key, _ in logged(project) if "fold_" in key and "out_of" not in key]

    # the pages say so, and hold none of the figures
    page, whole = ((root / REPORT).read_text() for root in (project, never))
    assert "Blinded" in page and period in page and "Blinded" not in whole
    written = re.compile(r"\d\.\d+ \(\d\.\d+ to \d\.\d+\)")
    told = {f for f in written.findall(whole) if f not in {"0.000 (0.000 to 0.000)"}}
    assert told and not any(figure in page for figure in told)
    assert f"blind {period}" in output and "No promotion while blind" in output

    # nothing is promoted, by the gate or by hand, and the holdout answers nothing
    state, name = project / ".vouch", "fraud-simulated"
    assert not history(state, name) and not Ledger(state).log()
    refused = vouch(project, "promote", "fraud", "--why", "I like it")
    assert refused.returncode == 1 and "is not promoted: fraud is blind since" in refused.stderr
    asked = succeed(project, "holdout", "ask", "fraud")
    assert asked.startswith("refused: fraud is blind")
    assert f"out of fold, blinded: {ours[METRIC]['value']:.4f}" in asked
    assert not Ledger(state).log()
    declared = yaml.safe_load((project / "data/inputs.yaml").read_text())["usecases"]["fraud"]
    assert declared["blind"] == period and not dvc(project, "status", "-q").returncode

    succeed(project, "blind", "off", "fraud")
    assert dvc(project, "status", "-q").returncode  # DVC sees that they are stale
    succeed(project, "run", "fraud", "--no-prefect")
    for path in (EVALUATION, LEADERBOARD, "data/tune/fraud/tree/tree.json"):
        assert comparable(read_json(project / path)) == comparable(read_json(never / path)), path
    for path in ("data/tune/fraud/predictions.parquet", "data/tune/fraud/model/candidate.json"):
        assert (project / path).read_bytes() == (never / path).read_bytes()
    gates = [read_json(root / REGISTRATION)["gate"] for root in (project, never)]
    assert gates[0] == gates[1]
    frozen = read_json(project / EVALUATION)["frozen"]
    assert frozen["unchanged"] and frozen["pipeline"] == status(project, "fraud").pipeline
    assert find(state, name, "2").lineage.frozen == frozen
    assert find(state, name, "1").lineage.frozen is None and "frozen" not in evaluation
    if not gates[0]["promoted"]:
        succeed(project, "promote", "fraud", "--version", "2", "--why", "it is frozen")
    assert history(state, name)[-1].to_version == 2
    assert "withheld: fraud-simulated:1 was" in succeed(project, "lineage", "fraud:1")
    assert (
        find(state, name, "2").lineage.metrics == find(never / ".vouch", name, "1").lineage.metrics
    )
    compared = succeed(project, "compare", "fraud:1", "fraud:2", "--json", "compared.json")
    assert "withheld" in compared
    shown = read_json(project / "compared.json")["metrics"]
    assert all(isinstance(each["a"], str | None) for each in shown)
    blinded = vouch(project, "promote", "fraud", "--version", "1", "--why", "I like it")
    assert blinded.returncode == 1 and "registered while blind" in blinded.stderr
    assert "agree with" in succeed(project, "holdout", "verify")
    last = succeed(project, "blind", "status", "fraud", "--json", "status.json")
    assert "frozen: pipeline" in last and "has changed" not in last
    params = project / "params.yaml"
    params.write_text(params.read_text() + "# another\n")
    assert "has changed since it was frozen" in succeed(project, "blind", "status", "fraud")


@pytest.mark.slow
def test_blind_after_figures_were_seen_says_so_everywhere(project):
    assert "Figures were seen before" in succeed(project, "blind", "on", "fraud")
    assert "nothing changes" in succeed(project, "blind", "on", "fraud")
    plain = vouch(project, "stage", "evaluate", "fraud")
    assert plain.returncode == 0  # the choice of input says what the ledger says
    evaluation = read_json(project / EVALUATION)
    assert evaluation["blind"]["seen"] and "were seen before" in evaluation["warnings"][0]
    told = succeed(project, "lineage", "fraud:1")
    assert "withheld: fraud-simulated:1 was registered unblinded, its use case is now in" in told
    assert "average_precision" not in told.replace("by average precision", "")
    inputs = project / "data/inputs.yaml"
    inputs.write_text(re.sub(r"blind: \w+", "blind: null", inputs.read_text()))
    for stage in ("tune", "evaluate"):
        forced = vouch(project, "stage", stage, "fraud")
        assert forced.returncode == 1 and "usecases.fraud.blind" in forced.stderr
    assert "figures had been seen" in succeed(project, "blind", "status", "fraud")
