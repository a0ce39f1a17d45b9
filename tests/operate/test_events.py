import pytest

from vouch.operate.events import COLLECTED, ENOUGH, of_labels, tell


@pytest.mark.parametrize(
    ("new", "enough", "events"),
    [
        (0, False, []),
        (0, True, [ENOUGH]),  # a collect that was killed before it told: tell now
        (3, False, [COLLECTED]),
        (3, True, [COLLECTED, ENOUGH]),
    ],
)
def test_which_events_a_file_gives_rise_to(new, enough, events):
    assert of_labels({"batch": new and "a", "enough": enough}) == events


def test_nobody_is_told_where_no_server_is(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    found = {"new": 3, "held": 0, "enough": True, "since_training": 3, "batch": "a"}
    assert tell(tmp_path, "fraud", found) == []
