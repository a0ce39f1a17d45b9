from datetime import timedelta

import pytest

from vouch.holdout.ledger import now
from vouch.review.page.words import ago, share


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (65, "1 min"), (7300, "2 h"), (90_000, "1 day"), (900_000, "10 days")],
)
def test_times_are_written_in_one_unit(seconds, words):
    assert ago(now() - timedelta(seconds=seconds)) == words


def test_what_never_was_and_what_is_to_come():
    assert (ago(None), ago(now() + timedelta(minutes=5))) == ("never", "0 s")


def test_a_share_has_its_interval():
    assert share({"value": 0.5, "interval": [0.25, 0.75]}) == "50% (25 to 75)"
    assert share({"value": None, "interval": None}) == "–"
