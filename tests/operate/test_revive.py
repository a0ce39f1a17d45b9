from hypothesis import given
from hypothesis import strategies as st

from vouch.operate.revive import LONGEST, SHORTEST, SOUND, Revival

LIVES = st.one_of(st.none(), st.floats(0, 3 * SOUND))  # None: it could not start


@given(st.lists(LIVES, min_size=1, max_size=12).filter(lambda lives: lives[0] is not None))
def test_a_server_that_keeps_ending_is_started_ever_more_seldom(lives):
    moment = 0.0
    revival = Revival(lambda: moment)
    assert not revival.due()
    short = 0  # ends in a row that came too soon
    for number, life in enumerate(lives):
        if life is not None and number:
            revival.started()
            assert not revival.due()
        moment += life or 0.0
        short = 0 if number == 0 or (life or 0.0) >= SOUND else short + 1
        pause = revival.ended()
        assert pause == min(SHORTEST * 2**short, LONGEST)
        assert not revival.due()
        moment += pause
        assert revival.due()
