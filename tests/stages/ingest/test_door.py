"""Labels of held-out rows do not get into bronze."""

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.ingest.conftest import HEADER, Project
from vouch.core.errors import VouchError
from vouch.holdout.labels import hash_secret, open_labels
from vouch.holdout.ledger import HoldoutKey, Ledger
from vouch.holdout.rows import identities
from vouch.stages.ingest.door import Guard
from vouch.stages.ingest.parse import HASH_DIGITS

START = datetime(2024, 1, 1)
KEY = HoldoutKey("fraud", "payments", "a", 1)


def lines(rows):
    """Payments of number, minute, payer and label."""
    times = ((number, START + timedelta(minutes=minute), *rest) for number, minute, *rest in rows)
    body = (f"p{n},{time},{n},{payer},s,web,{bad}" for n, time, payer, bad in times)
    return "\n".join([HEADER, *body]) + "\n"


def frames(project):
    """Return bronze, the sealed labels, and all rows with all labels."""
    bronze = read(project.rows)
    sealed = open_labels(project.root / "state", project.rows.with_name("labels.sealed"))
    project.bronze()
    return bronze, sealed, read(project.root / "plain.parquet")


def read(path):
    return pd.read_parquet(path).set_index("id").astype({"label": float})


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from("xyz"), st.sampled_from([0, 1, ""])),
        min_size=5,
        max_size=40,
    ),
)
def test_bronze_has_no_label_of_the_latest_rows_and_all_others(tmp_path_factory, rows):
    project = Project(tmp_path_factory.mktemp("project"))
    numbered = [(n, *row) for n, row in enumerate(rows)]
    project.give(lines(numbered))
    project.ingest()
    bronze, sealed, plain = frames(project)
    boundary = sealed.cut.boundary
    labelled = plain[plain["label"].notna()]
    if labelled["time"].nunique() < 2:
        assert boundary is None and bronze["label"].equals(plain["label"])
        return
    held = plain["time"].between(boundary, sealed.cut.until)  # later ones have no label
    assert bronze["label"][held].isna().all()
    assert bronze["label"][~held].equals(plain["label"][~held])
    # every row of the holdout is sealed, with a label or without
    own = plain[held].sort_values(["file", "line"])["label"]
    assert sealed.table["label"].to_pylist() == own.astype(object).where(own.notna(), None).tolist()
    # nor does a row's hash tell it
    assert (bronze["row_hash"].str.len()[held] == 2 * HASH_DIGITS + 1).all()
    assert bronze["row_hash"][~held].equals(plain["row_hash"][~held])
    assert bronze.drop(columns=["label", "row_hash"]).equals(
        plain.drop(columns=["label", "row_hash"])
    )


@settings(max_examples=5)
@given(st.lists(st.sampled_from([0, 1, ""]), min_size=30, max_size=30))
def test_nothing_beside_bronze_depends_on_which_held_out_rows_have_a_label(
    tmp_path_factory, labels
):
    """Where only positives have one, how many have one is how many are positive."""
    seen = []
    for given_labels in (labels, [1, *[""] * 29]):
        project = Project(tmp_path_factory.mktemp("project"))
        ends = START + timedelta(minutes=20), START + timedelta(minutes=49)
        Ledger(project.root / "state").cut(KEY, lambda ends=ends: ends)
        trained = [(n, n, "x", n % 2) for n in range(20)]
        held = [(n, n, "x", label) for n, label in enumerate(given_labels, 20)]
        project.give(lines(trained))
        project.give(lines(held), "held.csv")
        counted = project.ingest()
        size = project.rows.with_name("labels.sealed").stat().st_size
        seen.append((counted["sealed"], size))
    assert seen[0] == seen[1] and seen[0][0] == 30


def test_the_cut_is_foreseen_and_recorded_by_extract_alone(project):
    project.give(lines((n, n, f"b{n % 9}", n % 2) for n in range(50)))
    project.ingest()
    assert Ledger(project.root / "state").find(KEY) is None
    _, sealed, _ = frames(project)
    assert sealed.cut.boundary == START + timedelta(minutes=40)
    ends = START + timedelta(minutes=10), START + timedelta(minutes=19)
    Ledger(project.root / "state").cut(KEY, lambda: ends)
    project.ingest()
    bronze, sealed, plain = frames(project)
    assert (sealed.cut.boundary, sealed.cut.until) == ends
    hidden = bronze["label"].isna() & plain["label"].notna()
    late = plain["time"] > ends[1]
    assert hidden[plain["time"].between(*ends)].all()
    assert 0 < hidden[late].sum() < late.sum()  # of some parties, for the next holdout
    assert not hidden[plain["time"] < ends[0]].any()


def test_rotation_gives_the_old_rows_their_labels_back(project):
    ledger = Ledger(project.root / "state")
    project.give(lines((n, n, f"b{n % 7}", n % 2) for n in range(100)))
    ledger.cut(KEY, lambda: (START + timedelta(minutes=40), START + timedelta(minutes=49)))
    ledger.reserve(KEY, 0.5)
    project.ingest()
    first, _, _ = frames(project)
    ledger.rotate(replace(KEY, generation=2))
    project.generation = 2
    project.ingest()
    second, sealed, plain = frames(project)
    old = plain["time"].between(START + timedelta(minutes=40), START + timedelta(minutes=49))
    assert first["label"][old].isna().all() and second["label"][old].notna().all()
    kept = first["label"].isna() & ~old
    assert second["label"][kept].isna().all() and sealed.table.num_rows == kept.sum()


def test_all_versions_of_rows_of_a_given_file_are_sealed(project):
    project.give(lines((n, n, "x", n % 2) for n in range(20)))
    project.give(lines((n, n, "x", 1) for n in range(15, 30)))
    first, last = project.manifest
    project.files, project.held_out = [first], [last]
    project.ingest()
    bronze = pd.read_parquet(project.rows)
    numbers = bronze["id"].str[1:].astype(int)
    assert bronze["label"].isna().equals(numbers >= 15)
    _, sealed, _ = frames(project)
    assert sealed.table.num_rows == 20  # both versions of five rows


def test_without_time_whole_parties_are_sealed(project):
    project.declare(
        "name: payments\nformat: csv\ncolumns:\n"
        "  ref: {role: id}\n  sum: {role: amount}\n  from: {role: payer}\n  bad: {role: label}\n"
    )
    rows = [f"p{n},{n},b{n % 40},{n % 2}" for n in range(400)]
    project.give("\n".join(["ref,sum,from,bad", *rows]) + "\n")
    project.ingest()
    bronze, sealed, plain = frames(project)
    hidden = bronze["label"].isna()
    assert hidden.groupby(plain["payer"]).nunique().eq(1).all()
    assert 0 < sealed.table.num_rows < hidden.sum() < 300


def test_without_time_nothing_is_recorded_either(project):
    project.declare(
        "name: payments\nformat: csv\ncolumns:\n"
        "  sum: {role: amount}\n  from: {role: payer}\n  bad: {role: label}\n"
    )
    project.give(
        "\n".join(["sum,from,bad", *(f"{n},b{n % 40},{n % 2}" for n in range(100))]) + "\n"
    )
    project.ingest()
    ledger = Ledger(project.root / "state")
    assert ledger.find(KEY) is None
    before = pd.read_parquet(project.rows)
    ledger.take(KEY, 0.2, 0.2)
    project.ingest("again")
    assert before.equals(pd.read_parquet(project.rows))


def test_how_sure_a_label_is_comes_in_where_there_is_no_label(project):
    project.declare(
        "name: payments\nformat: csv\ncolumns:\n  at: {role: time}\n  sum: {role: amount}\n"
        "  bad: {role: label, optional: true}\n  sure: {role: label_confidence}\n"
        "rule: {where: amount > 5}\n"
    )
    project.give("at,sum,sure\n" + "".join(f"2024-01-01 00:{n:02},{n},0.5\n" for n in range(20)))
    project.ingest()
    assert pd.read_parquet(project.rows)["label_confidence"].eq(0.5).all()


MINUTES = st.integers(0, 29)


def between(times, ends):
    return times.between(*(START + timedelta(minutes=minute) for minute in sorted(ends)))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), MINUTES, MINUTES), min_size=1, max_size=4),
    st.sampled_from("abd"),
    st.sets(st.sampled_from("abc")),
)
def test_no_set_opens_the_labels_of_another_ones_holdout_in_force(
    tmp_path_factory, cuts, present, rotated
):
    project = Project(tmp_path_factory.mktemp("project"))
    project.give(lines((n, n, f"b{n % 9}", n % 2) for n in range(30)))
    ledger = Ledger(project.root / "state")
    for name, *ends in cuts:
        moments = [START + timedelta(minutes=minute) for minute in sorted(ends)]
        ledger.cut(replace(KEY, set=name), lambda moments=moments: tuple(moments))
    first = {name: (one, two) for name, one, two in reversed(cuts)}  # a holdout is cut once
    for name in rotated & first.keys() - {present}:
        ledger.cut(replace(KEY, set=name, generation=2), lambda: (START, START))
        first[name] = (0, 0)
    project.set = present
    warnings = project.ingest()["warnings"]
    bronze, sealed, plain = frames(project)
    held = [between(plain["time"], ends) for name, ends in first.items() if name != present]
    alone = sum(held, pd.Series(0, plain.index)).gt(0)
    alone &= ~plain["time"].between(sealed.cut.boundary, sealed.cut.until)
    sealed_elsewhere = [w for w in warnings if w.startswith(f"{alone.sum()} rows come in without")]
    assert len(sealed_elsewhere) == bool(alone.sum())
    for name, ends in first.items():
        inside = between(plain["time"], ends)
        # the reserve of a holdout's own set goes to later rows only
        assert bronze["label"][inside].isna().all(), name
    mine = plain["time"].between(sealed.cut.boundary, sealed.cut.until)
    assert sealed.table.num_rows == mine.sum()  # extract opens the present holdout's alone


def test_rows_of_a_holdout_that_was_given_as_a_file_stay_sealed_in_other_sets(project):
    project.give(lines((n, n, "x", n % 2) for n in range(20)))
    project.give(lines((n, n, "x", n % 2) for n in range(100, 110)))
    first, last = project.manifest
    project.files, project.held_out = [first], [last]
    project.ingest()
    given = read(project.rows)
    held = project.root / "held.parquet"
    bronze = given.reset_index()
    bronze[bronze["file"] == last].to_parquet(held)
    ledger = Ledger(project.root / "state")
    ledger.cut(KEY, lambda: None)
    ledger.know(KEY, identities(held, held, ledger.secret(), declared=True), 0.05)
    project.files, project.held_out, project.set = [first, last], [], "another"
    project.ingest()
    bronze, _, _ = frames(project)
    assert bronze["label"][bronze["file"] == last].isna().all()
    assert bronze["label"][bronze["file"] == first].notna().all()


def test_a_generation_that_nobody_opened_is_refused(project):
    project.give(lines((n, n, f"b{n % 7}", n % 2) for n in range(100)))
    ledger = Ledger(project.root / "state")
    ledger.cut(KEY, lambda: (START + timedelta(minutes=40), START + timedelta(minutes=49)))
    project.generation = 2
    with pytest.raises(VouchError, match=r"data/inputs.yaml: .*generation: got 2") as caught:
        project.ingest()
    assert "set it to 1" in caught.value.hint and "vouch holdout rotate fraud" in caught.value.hint
    ledger.rotate(replace(KEY, generation=2))
    project.ingest()
    project.generation = 3
    with pytest.raises(VouchError, match="generation: got 3"):
        project.ingest()


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(MINUTES, st.sampled_from("xyz")), min_size=10, max_size=10),
    st.lists(st.tuples(st.integers(0, 9), MINUTES, st.sampled_from("xyz")), max_size=4),
)
def test_all_versions_of_a_row_are_sealed_if_any_is(tmp_path_factory, rows, corrections):
    project = Project(tmp_path_factory.mktemp("project"))
    ends = START + timedelta(minutes=10), START + timedelta(minutes=14)
    Ledger(project.root / "state").cut(KEY, lambda: ends)
    project.give(lines((n, minute, payer, 1) for n, (minute, payer) in enumerate(rows)))
    project.ingest()
    for n, minute, payer in corrections:
        project.give(lines([(n, minute, payer, 0)]), f"{n} {minute} {payer}.csv")
        project.ingest()
    bronze = pd.read_parquet(project.rows)
    closed = bronze["label"].isna()
    assert closed[bronze["time"].between(*ends)].all()
    assert not closed[bronze["time"] < ends[0]][~bronze["id"].isin(bronze["id"][closed])].any()
    assert closed.groupby(bronze["id"]).nunique().eq(1).all()
    # as if all had come at once
    project.ingest("together")
    assert bronze.equals(pd.read_parquet(project.rows))


def test_no_query_holds_what_held_out_rows_are_hashed_with(project, monkeypatch):
    project.give(lines((n, n, f"b{n % 9}", n % 2) for n in range(50)))
    queries = []
    without = Guard.without_labels
    monkeypatch.setattr(
        Guard, "without_labels", lambda *args: queries.append(without(*args)) or queries[-1]
    )
    project.ingest()
    assert queries and not any(hash_secret(project.root / "state") in each for each in queries)
