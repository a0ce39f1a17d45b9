import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from vouch.core.errors import VouchError
from vouch.holdout import blind
from vouch.registry.promotions import (
    Change,
    champion_version,
    history,
    record,
    record_rollback,
    standing,
)

NAME = "fraud-shop"


def promote(state, version):
    return record(state, "fraud", Change(NAME, version, "manual", f"version {version}"))


def test_rollback_returns_to_the_champion_before(tmp_path):
    for version in (1, 2, 3):
        promote(tmp_path, version)
    assert record_rollback(tmp_path, NAME, "worse").to_version == 2
    assert record_rollback(tmp_path, NAME, "worse still").to_version == 1
    with pytest.raises(VouchError, match="no other champion before"):
        record_rollback(tmp_path, NAME, "and back")
    assert [(e.from_version, e.to_version, e.kind) for e in history(tmp_path, NAME)] == [
        (None, 1, "manual"),
        (1, 2, "manual"),
        (2, 3, "manual"),
        (3, 2, "rollback"),
        (2, 1, "rollback"),
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 4), st.none()), max_size=12))
def test_the_log_replays_to_a_stack(tmp_path_factory, steps):
    """A step is a version to promote, or None for a rollback; a plain list is the oracle."""
    state, stack = tmp_path_factory.mktemp("log"), []
    for step in steps:
        if step is None and len(stack) > 1:
            record_rollback(state, NAME, "why")
            stack.pop()
        elif step is not None and stack[-1:] != [step]:
            promote(state, step)
            stack.append(step)
        elif step is None:
            with pytest.raises(VouchError):
                record_rollback(state, NAME, "why")
        else:
            assert not promote(state, step)[1]
    assert [entry.to_version for entry in standing(history(state, NAME))] == stack
    assert champion_version(state, NAME) == (stack[-1] if stack else None)


@pytest.mark.parametrize("statement", ["UPDATE promotions SET why = 'x'", "DELETE FROM promotions"])
def test_the_database_refuses_to_change_the_log(tmp_path, statement):
    promote(tmp_path, 1)
    engine = create_engine(f"sqlite:///{tmp_path}/vouch.db")
    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))


def test_a_promotion_needs_a_reason(tmp_path):
    with pytest.raises(VouchError, match="needs a reason"):
        record(tmp_path, "fraud", Change(NAME, 1, "manual", "  "))
    assert champion_version(tmp_path, NAME) is None


def test_each_model_has_its_own_champion(tmp_path):
    promote(tmp_path, 2)
    record(tmp_path, "fraud", Change("fraud-other", 1, "manual", "why"))
    assert (champion_version(tmp_path, NAME), champion_version(tmp_path, "fraud-other")) == (2, 1)


def test_a_decision_against_another_champion_is_refused(tmp_path):
    promote(tmp_path, 1)
    with pytest.raises(VouchError, match=f"{NAME}:1 became champion meanwhile"):
        record(tmp_path, "fraud", Change(NAME, 2, "gate", "why", instead_of=None))
    assert record(tmp_path, "fraud", Change(NAME, 2, "gate", "why", instead_of=1))[1]
    # repeated after a kill, it is there already
    assert not record(tmp_path, "fraud", Change(NAME, 2, "gate", "why", instead_of=1))[1]
    assert champion_version(tmp_path, NAME) == 2


def test_a_rollback_from_a_named_champion_goes_back_once(tmp_path):
    for version in (1, 2, 3):
        promote(tmp_path, version)
    assert record_rollback(tmp_path, NAME, "worse", leave=3).to_version == 2
    with pytest.raises(VouchError, match=f"{NAME}:3 is not the champion") as error:
        record_rollback(tmp_path, NAME, "worse", leave=3)
    assert "rolled back already" in error.value.hint
    assert champion_version(tmp_path, NAME) == 2


def test_another_model_under_the_champions_number_is_another_champion(tmp_path):
    assert record(tmp_path, "fraud", Change(NAME, 1, "manual", "why", model_id="m-1"))[1]
    assert not record(tmp_path, "fraud", Change(NAME, 1, "manual", "why", model_id="m-1"))[1]
    assert record(tmp_path, "fraud", Change(NAME, 1, "manual", "why", model_id="m-2"))[1]


def test_a_use_case_with_a_hyphen_in_its_name_is_held_up_too_and_it_alone(tmp_path):
    blind.begin(tmp_path, "churn-risk", seen=True)
    change = Change("churn-risk-mine", 1, "manual", "why")
    with pytest.raises(VouchError, match="churn-risk-mine:1 is not promoted: churn-risk is blind"):
        record(tmp_path, "churn-risk", change)
    assert record(tmp_path, "churn", change)[1]  # of the use case churn and the source risk-mine


def test_while_its_use_case_is_blind_no_version_is_promoted_and_a_rollback_is_not_held_up(tmp_path):
    for version in (1, 2):
        promote(tmp_path, version)
    blind.begin(tmp_path, "fraud", seen=True)
    with pytest.raises(VouchError, match="fraud-shop:3 is not promoted: fraud is blind since"):
        promote(tmp_path, 3)
    record(tmp_path, "sentiment", Change("sentiment-shop", 1, "manual", "another use case"))
    assert record_rollback(tmp_path, NAME, "worse").to_version == 1
    blind.end(tmp_path, "fraud", "f" * 64, "none")
    promote(tmp_path, 3)
    assert champion_version(tmp_path, NAME) == 3
