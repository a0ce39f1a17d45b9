import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.usecases.sentiment.likeness import bare, is_empty, is_other_script, near_key


def ask(expression, text):
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT {expression('t')} FROM (SELECT ? AS t)", [text]
        ).fetchone()[0]


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("@bob https://t.co/x1", True),
        ("RT @bob: https://t.co/x1", True),
        ("<br/>&nbsp;", True),
        ("\u200b\ufeff \n", True),
        ("🚀", False),
        ("👩\u200d👧", False),
        ("?!", False),
        ("مرحبا", False),
        ("@bob no", False),
    ],
)
def test_a_text_is_empty_if_nothing_visible_is_left(text, empty):
    assert ask(is_empty, text) is empty


SAID = (
    "I really think Bitcoin will recover before the weekend is over, honestly, as it did so often"
)


@pytest.mark.parametrize(
    "text",
    [
        f"RT @whale_3: {SAID}",
        f"{SAID} https://t.co/abc 🚀🚀",
        SAID.upper() + "!!!",
        SAID.replace(" ", "\n"),
        f"@bob {SAID} 42%",
        SAID[:85] + "…",
    ],
)
def test_near_duplicates_have_one_key(text):
    assert ask(near_key, text) == ask(near_key, SAID) is not None


@pytest.mark.parametrize("text", ["gm", "🚀🚀🚀", "", "RT @a: to the moon", "42,000 42,000 42,000"])
def test_a_short_text_is_near_none(text):
    assert ask(near_key, text) is None


def test_another_word_at_the_front_is_another_text():
    assert ask(near_key, SAID.replace("really", "never")) != ask(near_key, SAID)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("биткоин растёт", True),
        ("は最高だ BTC", True),
        ("BTC est très élevé, déjà vu", False),
        ("Müßiggang şu an ęłń", False),
        ("🚀 100", False),
        ("@handle_in_latin https://t.co/x привет", True),
    ],
)
def test_other_scripts(text, other):
    assert ask(is_other_script, text) is other


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40))
def test_no_text_is_too_odd(text):
    with duckdb.connect() as connection:
        asked = f"SELECT {bare('t')}, {is_empty('t')}, {near_key('t')}, {is_other_script('t')}"
        left, empty, key, _ = connection.execute(f"{asked} FROM (SELECT ? AS t)", [text]).fetchone()
    assert len(left) <= len(text) + 1
    assert key is None or (20 <= len(key) <= 60 and not empty)
