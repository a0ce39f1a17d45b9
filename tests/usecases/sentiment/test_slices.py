import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.usecases.sentiment.slices import ASSETS, slices


def cut(texts, **more):
    rows = pd.DataFrame({"text": texts, **more})
    return {(kind, value): there for kind, value, there in slices(rows)}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | st.text(max_size=80), min_size=1, max_size=20))
def test_length_and_negation_share_out_every_text(texts):
    found = cut(texts)
    for wanted in ("length", "negation"):
        parts = [there for (kind, _), there in found.items() if kind == wanted]
        assert all(part.any() for part in parts)
        np.testing.assert_array_equal(np.sum(parts, axis=0), np.ones(len(texts)))


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (0, "0 to 5 words"),
        (5, "0 to 5 words"),
        (6, "6 to 12 words"),
        (12, "6 to 12 words"),
        (13, "13 to 20 words"),
        (21, "21 words or more"),
        (400, "21 words or more"),
    ],
)
def test_words_are_counted_without_marks(words, value):
    assert ("length", value) in cut([" ... ".join(["moon!"] * words)])


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("I do NOT like it", True),
        ("isn't it", True),
        ("isn’t it", True),
        ("dont buy", True),
        ("never again", True),
        ("nothing", True),
        ("knot another note", False),
        ("nowadays it is great", False),
        ("", False),
    ],
)
def test_negations_are_words_of_their_own(text, negated):
    assert list(cut([text]))[-1] == ("negation", "with a negation" if negated else "without")


def test_the_commonest_assets_have_a_slice_each():
    assets = [f"coin{n}" for n in range(ASSETS + 3) for _ in range(30 - n)]
    found = cut(["gm"] * (len(assets) + 1), asset=[*assets, None])
    mine = {value: there.sum() for (kind, value), there in found.items() if kind == "asset"}
    assert mine == {f"coin{n}": 30 - n for n in range(ASSETS)}


def test_confidence_is_cut_at_its_bounds_and_only_where_known():
    found = cut(["gm"] * 6, confidence=[0.0, 0.69, 0.7, 0.99, 1.0, None])
    mine = {v: there.tolist() for (kind, v), there in found.items() if kind.startswith("conf")}
    assert {value: sum(there) for value, there in mine.items()} == {
        "0 to below 0.7": 2,
        "0.7 to below 1": 2,
        "all agreed": 1,
    }
    assert not any(there[5] for there in mine.values())
    assert not [kind for kind, _ in cut(["gm"], confidence=[np.nan]) if kind.startswith("conf")]
