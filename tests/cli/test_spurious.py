"""``vouch spurious`` as a user calls it."""

from tests.project import vouch


def test_a_word_is_marked_listed_and_taken_back(fresh_project):
    marked = vouch(fresh_project, "spurious", "sentiment", "Posting-Host")
    assert "spurious to sentiment: posting-host" in marked.stdout
    assert "vouch run sentiment" in marked.stdout
    assert "posting-host" in vouch(fresh_project, "spurious", "sentiment").stdout
    back = vouch(fresh_project, "spurious", "sentiment", "posting-host", "--undo")
    assert "spurious to sentiment: nothing" in back.stdout
    assert "spurious" not in (fresh_project / "params.yaml").read_text()


def test_a_feature_that_nobody_knows_is_refused(fresh_project):
    refused = vouch(fresh_project, "spurious", "fraud", "amuont")
    assert refused.returncode == 1
    assert "no features are known yet" in refused.stderr
    assert "vouch run fraud" in refused.stderr
