"""Models that answer together: what is stacked was predicted by members that had not seen it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usecases.sentiment.conftest import text_rows, write_gold
from tests.usecases.sentiment.test_models import candidate
from vouch.core.errors import VouchError
from vouch.usecases.sentiment import together
from vouch.usecases.sentiment.classes import CLASSES
from vouch.usecases.sentiment.models import fit
from vouch.usecases.sentiment.params import TextTuneParams
from vouch.usecases.sentiment.rows import lay_out

PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=1, max_size=60)


@given(PAIRS, st.integers(0, 2**16))
def test_each_row_is_predicted_once_by_members_that_learned_every_class(pairs, seed):
    labels, groups = np.array(pairs).T
    random = np.random.default_rng(seed)
    rows = np.sort(random.choice(len(pairs), random.integers(1, len(pairs) + 1), replace=False))
    try:
        split = together.inner_folds(rows, labels.astype(np.int8), groups, CLASSES)
    except VouchError:
        return
    assert sorted(np.concatenate([assess for _, assess in split])) == rows.tolist()
    for train, assess in split:
        assert sorted([*train, *assess]) == rows.tolist()
        assert not {*groups[train]} & {*groups[assess]}
        assert {*labels[train]} == {*labels[rows]}


def test_classes_in_many_groups_can_be_stacked():
    labels, groups = np.arange(60, dtype=np.int8) % 3, np.arange(60)
    sizes = [len(assess) for _, assess in together.inner_folds(groups, labels, groups, CLASSES)]
    assert sizes == [20, 20, 20]


def test_near_duplicates_and_an_authors_texts_stand_on_one_side(tmp_path, monkeypatch):
    frame = text_rows(600, time=False)
    random = np.random.default_rng(0)
    frame["group"] = np.arange(len(frame)) // 2
    frame["twin"] = np.where(
        np.arange(len(frame)) % 2, None, random.integers(0, 100, len(frame)).astype(str)
    )
    write_gold(tmp_path, frame)
    rows, splits = lay_out(tmp_path / "train.parquet", TextTuneParams()), []
    split = together.inner_folds
    monkeypatch.setattr(
        together, "inner_folds", lambda *given: splits.extend(split(*given)) or splits
    )
    rows.refit(candidate("stacking"))
    assert len(splits) == together.INNER
    for train, assess in splits:
        assert not {*frame["group"][train]} & {*frame["group"][assess]}
        assert not {*frame["twin"][train].dropna()} & {*frame["twin"][assess].dropna()}


def test_a_class_that_a_part_would_not_learn_is_an_error():
    frame = text_rows(300)
    frame.loc[frame["label"] == 2, "group"] = -1
    with pytest.raises(VouchError, match="positive stands in too few groups") as error:
        fit(candidate("stacking"), frame, 0, 1)
    assert "leave stacking out" in error.value.hint


def test_a_class_without_which_a_member_cannot_be_calibrated_is_an_error():
    frame = text_rows(300)
    frame.loc[frame["label"] == 2, "group"] = -1
    with pytest.raises(VouchError, match="linear_svm: a class stands in too few groups"):
        fit(candidate("linear_svm"), frame, 0, 1)
