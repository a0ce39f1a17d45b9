import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.usecases.sentiment.cleaning import Cleaning, clean, clean_all

KEEP = Cleaning(html=False, escapes=False, links="keep", handles="keep", timestamps="keep")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("@bob_1 thanks!  @Al", "@user thanks! @user"),
        ("mail a@b.org", "mail a@b.org"),
        ("see https://t.co/Ab?x=1 or www.x.org/a", "see http or http"),
        ("a &amp;amp; b &lt;3", "a & b <3"),
        ("<b>bold</b><br/>i <3 you", "bold i <3 you"),
        ("at 10:30 pm on 2024-01-02T03:04:05Z ok", "at on ok"),
        ("#btc 😍👍🏽 👨‍👩‍👧", "#btc 😍👍🏽 👨‍👩‍👧"),
        (r"don\u2019t \ud83d\ude0d", "don’t 😍"),
        ("a\x00b\tc\n\u200b", "a b c \u200b"),
        ("", ""),
        ("lone \ud800 half", "lone half"),
    ],
)
def test_noise_goes_and_what_carries_sentiment_stays(text, cleaned):
    assert clean(text, Cleaning()) == cleaned


@pytest.mark.parametrize(
    ("change", "cleaned"),
    [
        ({"handles": "drop"}, "sooooo good http"),
        ({"links": "keep"}, "@user sooooo good http://x.y"),
        ({"elongations": True}, "@user sooo good http"),
    ],
)
def test_options_change_what_is_done(change, cleaned):
    assert clean("@bob sooooo good http://x.y", Cleaning(**change)) == cleaned


@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_becomes_one_that_can_be_written(text):
    for cleaning in (Cleaning(), KEEP, Cleaning(elongations=True)):
        cleaned = clean(text, cleaning)
        cleaned.encode("utf-8")
        assert cleaned == cleaned.strip()
        assert "  " not in cleaned
        assert not any(unicodedata.category(c) == "Cc" for c in cleaned)
        assert clean_all([text], cleaning) == [cleaned]


@given(st.text(alphabet="ab @#<>&;:/.0123456789htp-TZ\\u", max_size=60))
def test_keeping_everything_changes_white_space_only(text):
    assert clean(text, KEEP) == " ".join(text.split())


@pytest.mark.parametrize("piece", ["<a ", "&amp;", "@", "1:2", "http://", "a", "😍", "\\u00"])
def test_long_texts_take_time_that_grows_with_their_length_only(piece):
    began = time.process_time()
    clean(piece * 20_000, Cleaning(elongations=True))
    assert time.process_time() - began < 2
