"""Labels of held-out rows do not get into bronze."""

from datetime import datetime, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.ingest.conftest import HEADER, Project
from vouch.holdout.labels import open_labels
from vouch.holdout.ledger import HoldoutKey, Ledger
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
    told = plain[held & plain["label"].notna()]
    assert sealed.table["label"].to_pylist() == told.sort_values(["file", "line"])["label"].tolist()
    # nor does a row's hash tell it
    assert (bronze["row_hash"].str.len()[held] == 2 * HASH_DIGITS + 1).all()
    assert bronze["row_hash"][~held].equals(plain["row_hash"][~held])
    assert bronze.drop(columns=["label", "row_hash"]).equals(
        plain.drop(columns=["label", "row_hash"])
    )


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
