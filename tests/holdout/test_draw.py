"""Drawing rows of the holdout: chances as recorded, over several waves, and what people said."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vouch.holdout.judge import ScoredModel
from vouch.holdout.keeper import HoldoutKey, Keeper

JUNE = datetime(2024, 6, 1)
ROWS = 12
SIZES = np.linspace(1, 4, ROWS)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return seal(tmp_path)


def seal(state: Path) -> Path:
    plain, sealed = state / "plain.parquet", state / "holdout.sealed"
    pd.DataFrame({"id": [f"r{n}" for n in range(ROWS)]}).to_parquet(plain)
    Keeper(state).seal(plain, sealed)
    return sealed


def cut(keeper: Keeper, name: str = "first") -> HoldoutKey:
    key = HoldoutKey("fraud", "simulated", name, 1)
    keeper.cut(key, lambda: (JUNE, JUNE))
    return key


def test_waves_add_rows_and_chances_never_fall(sealed):
    keeper = Keeper(sealed.parent)
    key = cut(keeper)
    assert keeper.drawn(key) == {}
    keeper.draw(key, sealed, lambda rows: SIZES, 4)
    first = keeper.drawn(key)
    keeper.draw(key, sealed, lambda rows: SIZES[::-1], 3)
    second = keeper.drawn(key)
    assert len(first) == 4 and list(second)[:4] == list(first) and len(second) == 7
    assert all(second[entity] >= chance for entity, chance in first.items())
    keeper.draw(key, sealed, lambda rows: SIZES, 100)
    assert keeper.drawn(key) == {f"r{number}": 1.0 for number in range(ROWS)}


def test_the_inverse_chances_of_the_rows_drawn_count_all_rows(tmp_path):
    """Over many holdouts the mean of the estimated number of rows is the number of rows.

    But for a few per cent: of so few rows, the last number drawn depends on who was drawn before.
    """
    totals, often = [], np.zeros(ROWS)
    for number in range(150):
        if number % 20 == 0:  # every write compares its whole ledger with the chain
            state = tmp_path / f"{number}"
            state.mkdir()
            keeper, sealed = Keeper(state), seal(state)
        key = cut(keeper, f"set {number}")
        keeper.draw(key, sealed, lambda rows: SIZES, 3)
        keeper.draw(key, sealed, lambda rows: SIZES[::-1], 2)
        drawn = keeper.drawn(key)
        totals.append(sum(1 / chance for chance in drawn.values()))
        often[[int(entity[1:]) for entity in drawn]] += 1
    error = np.std(totals) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - ROWS) < 4 * error + 0.06 * ROWS
    assert often.min() > 0


def test_the_same_rows_are_drawn_again_only_with_the_key(sealed):
    keeper = Keeper(sealed.parent)
    drawn = []
    for name in ("a", "b"):
        key = cut(keeper, name)
        keeper.draw(key, sealed, lambda rows: np.ones(ROWS), 4)
        drawn.append(set(keeper.drawn(key)))
    assert drawn[0] != drawn[1]


class Seeing:
    """A judge that keeps what it is given."""

    budget, least, counted, description = 20, 0, "rows", "as given"
    metrics: tuple[str, ...] = ()

    def deciding(self):
        return {}

    def count(self, rows, people):
        return len(people.rows)

    def candidate(self, rows, challenger, champion, people):
        self.people = people
        return {"decided": len(people.rows)}


def test_what_people_said_of_whole_waves_counts_by_its_chance(sealed):
    keeper, judge = Keeper(sealed.parent), Seeing()
    key, model = cut(keeper), ScoredModel("m", lambda rows: np.ones((len(rows), 2)))
    keeper.draw(key, sealed, lambda rows: SIZES, 5)
    first = keeper.drawn(key)
    keeper.draw(key, sealed, lambda rows: SIZES, 5)

    def ask(entities):
        votes = pd.DataFrame({0: 1, 1: 0}, index=pd.Index(entities, name="entity"))
        return keeper.candidate(key, sealed, model, None, judge, votes)

    # one row of the second wave is decided: it waits until nearly all are
    reply = ask([*first, list(keeper.drawn(key))[5]])
    assert reply.answer == {"decided": 5} and judge.people.drawn == 10
    assert sorted(judge.people.chances) == pytest.approx(sorted(first.values()))
    again = ask(list(keeper.drawn(key)))
    assert again.question != reply.question  # more decisions are another question
    assert sorted(judge.people.chances) == pytest.approx(sorted(keeper.drawn(key).values()))
    # of a first wave decided in part nothing counts, and nothing is charged
    before = len(keeper.log())
    later = list(keeper.drawn(key))[5]  # of the second wave
    part = ask([*list(first)[:3], later, "nobody's"])
    assert part.answer == {"decided": 0} and part.status == "too_small"
    assert len(keeper.log()) == before


class Deciding(Seeing):
    """A judge for whom so many decisions are enough."""

    def candidate(self, rows, challenger, champion, people):
        decided = len(people.rows)
        compared = {"difference": {"value": decided}, "missing": max(8 - decided, 0)}
        return {"against_rule": compared, "against_champion": {}}


def test_the_look_at_which_enough_is_decided_decides_and_no_later_one(sealed):
    """Looking at a 95 % interval with each new decision would find a lead where there is none."""
    keeper = Keeper(sealed.parent)
    key, model = cut(keeper), ScoredModel("m", lambda rows: np.ones((len(rows), 2)))
    keeper.draw(key, sealed, lambda rows: SIZES, ROWS)
    drawn = list(keeper.drawn(key))
    votes = pd.DataFrame({0: 1, 1: 0}, index=pd.Index(drawn, name="entity"))

    def ask(model, votes):
        reply = keeper.candidate(key, sealed, model, None, Deciding(), votes)
        return reply.question, reply.answer["against_rule"]["difference"]["value"]

    first = ask(model, votes)
    assert ask(model, votes * 2) == first and len(keeper.log()) == 1  # others decided them, too
    other = ScoredModel("other", model.predict)
    assert ask(other, votes)[0] != first[0]  # another pair


def test_decisions_that_do_not_count_yet_are_no_other_question(sealed):
    keeper, judge = Keeper(sealed.parent), Seeing()
    key, model = cut(keeper), ScoredModel("m", lambda rows: np.ones((len(rows), 2)))
    keeper.draw(key, sealed, lambda rows: SIZES, 5)
    first = list(keeper.drawn(key))
    keeper.draw(key, sealed, lambda rows: SIZES, 5)

    def ask(entities):
        votes = pd.DataFrame({0: 1, 1: 0}, index=pd.Index(entities, name="entity"))
        return keeper.candidate(key, sealed, model, None, judge, votes).question

    assert ask(first) == ask([*first, list(keeper.drawn(key))[5]])


def test_decisions_for_a_class_that_is_left_out_by_now_complete_a_wave_and_count_no_more(sealed):
    keeper, judge = Keeper(sealed.parent), Seeing()
    key, model = cut(keeper), ScoredModel("m", lambda rows: np.ones((len(rows), 2)))
    keeper.draw(key, sealed, lambda rows: SIZES, 6)
    drawn = list(keeper.drawn(key))

    def ask(counted, left_out):
        index = pd.Index([*counted, *left_out], name="entity")
        votes = pd.DataFrame({0: [1] * len(counted) + [0] * len(left_out), 1: 0}, index=index)
        votes = votes.sort_index()
        return keeper.candidate(key, sealed, model, None, judge, votes).answer

    assert ask(drawn[:3], []) == {"decided": 0}
    assert ask(drawn[:3], drawn[3:]) == {"decided": 3}
    # they stand for rows of their own kind alone, as if the holdout had none
    chances = keeper.drawn(key)
    assert judge.people.chances == pytest.approx([chances[each] for each in sorted(drawn[:3])])


def test_rows_sure_to_be_drawn_stand_for_themselves_alone(sealed):
    keeper, judge = Keeper(sealed.parent), Seeing()
    key, model = cut(keeper), ScoredModel("m", lambda rows: np.ones((len(rows), 2)))
    sizes = np.array([1000.0] * 3 + [1.0] * 9)
    keeper.draw(key, sealed, lambda rows: sizes, 8)
    drawn = keeper.drawn(key)
    sure = [entity for entity, chance in drawn.items() if chance == 1]
    others = [entity for entity in drawn if entity not in sure]
    assert len(sure) == 3
    votes = pd.DataFrame({0: 1, 1: 0}, index=pd.Index([*sure, *others[:-1]], name="entity"))
    keeper.candidate(key, sealed, model, None, judge, votes)
    chances = dict(zip(judge.people.rows, judge.people.chances, strict=True))
    assert [chances[int(entity[1:])] for entity in sure] == [1, 1, 1]
    assert all(chances[int(e[1:])] == pytest.approx(drawn[e] * 0.8) for e in others[:-1])
