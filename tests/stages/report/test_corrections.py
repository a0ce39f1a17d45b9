"""What people corrected, counted by hand, and as the page shows it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.sources.declaration import Declaration
from vouch.stages.report.corrections import corrections

from .conftest import DECLARATION, figure, make_labels, make_rows
from .test_stage import Tags, text_of

SOURCE = Declaration.model_validate(DECLARATION)
ROWS = make_rows()
TYPES = dict(zip(ROWS["id"], ROWS["type"], strict=True))
# entity, label, actor, hour
PEOPLE = st.lists(
    st.tuples(
        st.sampled_from([f"p{n:04d}" for n in range(6)]),
        st.integers(0, 1),
        st.sampled_from(["ada", "bob"]),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda said: (said[0], said[3]),
)


@pytest.fixture(scope="module")
def silver(tmp_path_factory):
    path = tmp_path_factory.mktemp("silver") / "rows.parquet"
    ROWS.to_parquet(path)
    return path


@settings(max_examples=20, deadline=None)
@given(PEOPLE)
def test_rows_flips_slices_and_reviewers_are_those_counted_by_hand(silver, people):
    labels = silver.with_name("labels.parquet")
    make_labels(people).to_parquet(labels)
    found = corrections(labels, silver, SOURCE)
    was = {f"p{n:04d}": int(n % 4 == 0) for n in range(6)}
    now, last = {}, {}
    for entity, label, actor, _ in sorted(people, key=lambda said: said[3]):
        now[entity] = last[actor, entity] = label
    flipped = {e for e in now if now[e] != was[e]}
    assert found["rows"] == len(now)
    assert found["flipped"] == len(flipped)
    assert found["confirmed"] == len(now) - len(flipped)
    assert sum(f["rows"] for f in found["flips"]) == len(flipped)
    for flip in found["flips"]:
        assert (flip["source"], flip["from"] != flip["to"]) == ("rule", True)
    for one in found["reviewers"]:
        own = {e: label for (actor, e), label in last.items() if actor == one["actor"]}
        assert one["rows"] == len(own)
        assert one["flipped"] == sum(was[e] != label for e, label in own.items())
        assert one["classes"]["fraud"] == sum(own.values())
    for one in found["slices"]:
        there = {e for e in now if TYPES[e] == one["value"]}
        assert (one["rows"], one["flipped"]) == (len(there), len(there & flipped))
        low, high = one["share"]["interval"]
        assert low <= one["flipped"] / one["rows"] <= high
    assert sum(one["rows"] for one in found["slices"]) == len(now)


PERSON = [("p0000", 0, "ada", 1), ("p0001", 1, "ada", 2), ("p0002", 0, "bob", 3)]
SEEN = {
    "reviewed": 40,
    "outside": 2,
    "random": {"frame": 900, "drawn_to": 0.02, "drawn": 20, "decided": 18, "undecided": 2},
    "metrics": {
        "average_precision": {
            "random": figure(0.31, 0.2, 0.5),
            "naive": figure(0.62, 0.5, 0.7),
            "bias": figure(0.31, 0.1, 0.45),
        }
    },
    "by_class": {"random": {"genuine": 15, "fraud": 3}, "naive": {"genuine": 25, "fraud": 15}},
    "too_few": True,
    "reason": "3 fraud cases in the random sample are too few to tell (fewer than 20)",
}


def test_the_page_tells_what_people_corrected(inputs):
    inputs.labels = make_labels(PERSON)
    evaluation = inputs.summaries["evaluation"]
    evaluation["review"] = SEEN
    evaluation["champion"] = {
        "version": 1,
        "comparison": {
            "metric": "average_precision",
            "challenger": 0.58,
            "champion": 0.4,
            "difference": figure(0.18, 0.05, 0.3),
        },
        "reason": "",
    }
    inputs.summaries["registration"]["otherwise"] = {
        "champion": 1,
        "rows_in_both": 200,
        "decided_differently": 7,
        "higher_by_a": 2,
        "higher_by_b": 5,
    }
    page = inputs.page()
    assert "#corrections" in Tags(page).values("href")
    text = text_of(page)
    for said in (
        "On 2 of them they overruled the label that stood, 1 they confirmed.",
        "ada 2 1 1 2",
        "0.310 (0.200 to 0.500) too few",
        "0.620 (0.500 to 0.700)",
        "18 decided of 20 drawn from 900 rows",
        "2 drawn ones are not decided yet",
        "3 fraud cases in the random sample are too few to tell",
        "a difference of 0.180 (0.050 to 0.300)",
        "7 are decided otherwise than by version 1",
    ):
        assert said in text, said
    assert "Not in force" not in text
    assert "None" not in text


def test_the_first_champion_is_held_against_the_rule_and_many_reviewers_are_folded_away(inputs):
    people = [(f"p{n:04d}", 0, f"reviewer-{n:02}", 1 + n % 9) for n in range(11)]
    inputs.labels = make_labels(people)
    inputs.summaries["evaluation"]["champion"] |= {"version": None, "comparison": None}
    rule = inputs.summaries["evaluation"]["holdout"]["rule_comparison"]
    text = text_of(inputs.page())
    assert "Who decided: 11 reviewers" in text
    assert f"goes from {rule['champion']:.3f} (the rule) to {rule['challenger']:.3f}" in text


def test_decisions_that_do_not_count_are_told_as_such(inputs):
    inputs.labels = make_labels(PERSON, use=False)
    assert "Not in force" in text_of(inputs.page())


def test_nothing_is_shown_where_nobody_decided(inputs):
    page = inputs.page()
    assert "corrections" not in Tags(page).values("id")
    assert "#corrections" not in Tags(page).values("href")
