"""``vouch blind`` in a project where nothing has run; a whole period is in tests/projects."""

import json

from tests.project import vouch


def test_on_status_off_in_a_project_where_nothing_has_run(fresh_project):
    def answer(*words):
        done = vouch(fresh_project, "blind", *words, "fraud", "--json", "answer.json")
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads((fresh_project / "answer.json").read_text())

    said, now = answer("status")
    assert "never was" in said and not now["blind"] and now["period"] is None
    assert "nothing changes" in answer("off")[0]
    said, now = answer("on")
    assert "from the next run on: vouch run fraud" in said and "seen" not in said
    assert now["blind"] and not now["seen"] and len(now["period"]) == 12 and now["actor"]
    assert f"(period {now['period']})" in answer("status")[0]
    said, ended = answer("off")
    assert "unblinded since" in said and ended["period"] == now["period"]
    assert not ended["blind"] and len(ended["pipeline"]) == 64 and ended["git_commit"] == "none"
    said, again = answer("on")  # its trials could be those of the period before
    assert "Figures were seen before" in said and again["seen"] and again["period"] != now["period"]


def test_a_period_whose_key_is_lost_is_abandoned_with_its_searches(fresh_project):
    assert vouch(fresh_project, "blind", "on", "fraud").returncode == 0
    (fresh_project / ".vouch/holdout.key").unlink()
    done = vouch(fresh_project, "blind", "off", "fraud")
    assert done.returncode == 1 and "vouch blind off fraud --abandon" in done.stderr
    vouch(fresh_project, "blind", "status", "fraud", "--json", "status.json")
    period = json.loads((fresh_project / "status.json").read_text())["period"]
    searches = fresh_project / ".vouch/tune"
    searches.mkdir()
    (searches / "blinded.journal").write_text(json.dumps({"user_attr": {"blind": period}}) + "\n")
    (searches / "other.journal").write_text("{}\n")
    done = vouch(fresh_project, "blind", "off", "fraud", "--abandon")
    assert done.returncode == 0 and f"period {period} was abandoned" in done.stdout
    assert "to search anew: vouch run fraud" in done.stdout
    assert [path.name for path in searches.glob("*.journal")] == ["other.journal"]
    assert period not in (fresh_project / "data/inputs.yaml").read_text()
    status = vouch(fresh_project, "blind", "status", "fraud")
    assert "was abandoned, nothing frozen" in status.stdout


def test_a_mistake_is_told_with_what_there_is(fresh_project):
    done = vouch(fresh_project, "blind", "on", "frauds")
    assert done.returncode == 1 and "fraud" in done.stderr and "Traceback" not in done.stderr
    assert not (fresh_project / ".vouch/vouch.db").exists()


def test_a_backtest_is_refused_while_blind(fresh_project):
    assert vouch(fresh_project, "blind", "on", "fraud").returncode == 0
    words = ("backtest", "cards", "--path", "none.parquet", "--folds", "2018-07-11")
    done = vouch(fresh_project, *words)
    assert done.returncode == 1 and "no backtest: fraud is blind since" in done.stderr


def test_help_shows_an_example_of_each(fresh_project):
    for word in ("on", "off", "status"):
        done = vouch(fresh_project, "blind", word, "--help")
        assert f"vouch blind {word} fraud" in done.stdout
