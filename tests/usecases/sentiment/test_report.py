import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.models.tokens import TOKEN
from vouch.stages.report.stage import _environment
from vouch.usecases.sentiment.candidate import Candidate, Preparation
from vouch.usecases.sentiment.report import TEMPLATES, pieces
from vouch.usecases.sentiment.spark.candidate import SparkCandidate


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.data())
def test_pieces_make_up_the_text_again(text, data):
    found = list(TOKEN.finditer(text))
    weigh = st.one_of(st.none(), st.floats(-1, 1))
    weights = data.draw(st.lists(weigh, min_size=len(found), max_size=len(found)))
    pairs = zip(found, weights, strict=True)
    tokens = [(match.start(), match[0], w) for match, w in pairs if w is not None]
    cut = pieces(text, data.draw(st.permutations(tokens)))
    assert "".join(piece["text"] for piece in cut) == text
    assert all(piece["text"] for piece in cut)
    assert all(0 <= piece["shade"] <= 1 for piece in cut)
    heavy = [piece["weight"] for piece in cut if piece["weight"]]
    assert heavy == [weight for _, _, weight in sorted(tokens) if weight]


def test_the_heaviest_word_has_the_full_shade():
    cut = pieces("not good at all", [(4, "good", 0.1), (0, "not", -0.4)])
    assert cut == [
        {"text": "not", "weight": -0.4, "shade": 1.0},
        {"text": " ", "weight": 0.0, "shade": 0.0},
        {"text": "good", "weight": 0.1, "shade": pytest.approx(0.25)},
        {"text": " at all", "weight": 0.0, "shade": 0.0},
    ]
    assert pieces("", []) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "words 1-2, VADER"),
        (
            {
                "characters": "3-5",
                "encoders": (f"e5@{'0' * 64}", f"bge@{'1' * 64}"),
                "embedding_weight": 0.03,
            },
            "words 1-2, characters 3-5, VADER, e5, bge (weight 0.030)",
        ),
        (
            {"vader": False, "encoders": (f"e5@{'0' * 64}",), "select": 3_000},
            "words 1-2, e5, the best 3,000",
        ),
    ],
)
def test_the_page_names_what_a_model_reads(changes, text):
    candidate = Candidate(algorithm="linear_svm", preparation=Preparation(**changes))
    template = _environment(TEMPLATES).get_template("trial.html")
    assert template.render(t={"candidate": candidate.model_dump()}) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "words 1-2; fit 3.000 s, 900 MB"),
        (
            {"encoder": f"e5@{'0' * 64}", "embedding_weight": 0.03},
            "words 1-2, e5 (weight 0.030); fit 3.000 s, 900 MB",
        ),
        ({"encoder": f"e5@{'0' * 64}", "longest": 0}, "e5; fit 3.000 s, 900 MB"),
    ],
)
def test_the_page_names_what_a_model_of_spark_reads_and_costs(changes, text):
    candidate = SparkCandidate(algorithm="logistic_regression", **changes).model_dump()
    template = _environment(TEMPLATES).get_template("trial.html")
    trial = {"candidate": candidate, "fit_seconds": 3.0, "peak_mb": 900.0}
    assert template.render(t=trial) == text
