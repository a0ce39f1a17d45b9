import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouch.usecases.fraud.candidate import Candidate
from vouch.usecases.fraud.models import fit
from vouch.usecases.fraud.tree import HEADER, export, read, rules, sql

ODD = 'type = "A"'


def by_sql(text, frame):
    with duckdb.connect() as connection:
        connection.register("gold", frame)
        return connection.execute(f"SELECT {text} AS score FROM gold").fetchnumpy()["score"]


def table(seed, rows, missing, infinite=False):
    random = np.random.default_rng(seed)
    amount = random.lognormal(3, 3, rows).astype("float32")
    few = random.integers(0, 3, rows).astype("float32") / 3
    few[random.random(rows) < missing] = np.nan
    if infinite:
        amount[:5] = np.inf
        amount[5:9] = -np.inf
    label = random.random(rows) < np.where(np.isnan(few), 0.6, few / 3) * (amount > 10) + 0.02
    return pd.DataFrame({"amount": amount, ODD: few, "label": label.astype("int8")})


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.sampled_from(["none", "weights", "undersampling"]),
    st.integers(1, 12),
)
def test_sql_gives_every_row_the_models_probability(seed, missing, imbalance, depth):
    frame = table(seed, 400, missing, infinite=True)
    wanted = Candidate(
        algorithm="decision_tree",
        hyperparameters={"max_depth": depth, "min_samples_leaf": 2},
        imbalance=imbalance,
    )
    fitted = fit(wanted, frame, ["amount", ODD], "label", seed, 1)
    # rows the tree has not seen, undefined where none was when it learned
    other = pd.concat([frame, table(seed + 1, 200, 0.5)], ignore_index=True)
    np.testing.assert_array_equal(by_sql(sql(read(fitted)), other), fitted.score(other))


def test_null_is_undefined_too():
    frame = table(3, 500, 0.3)
    wanted = Candidate(algorithm="decision_tree", hyperparameters={"max_depth": 6})
    text = sql(read(fit(wanted, frame, ["amount", ODD], "label", 1, 1)))
    nulled = "(SELECT amount, CASE WHEN isnan(f) THEN NULL ELSE f END AS f FROM g) AS t"
    with duckdb.connect() as connection:
        connection.register("g", frame.rename(columns={ODD: "f"}))
        nullable = text.replace('"type = ""A"""', "f")
        assert nullable != text
        found = connection.execute(f"SELECT {nullable} AS score FROM {nulled}").fetchnumpy()
    np.testing.assert_array_equal(found["score"], by_sql(text, frame))


def test_export_writes_the_same_readable_files_each_time(tmp_path):
    frame = table(1, 2000, 0.2)
    wanted = Candidate(
        algorithm="decision_tree", hyperparameters={"max_depth": 7, "min_samples_leaf": 5}
    )
    fitted = fit(wanted, frame, ["amount", ODD], "label", 1, 1)
    for name in ("a", "b"):
        export(fitted, tmp_path / name, {"average_precision": 0.5})
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert files == ["tree.json", "tree.sql", "tree.svg", "tree.txt"]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    drawn = (tmp_path / "a" / "tree.svg").read_text()
    assert drawn.count(">yes<") == drawn.count(">no<") <= 15
    assert "amount" in drawn
    assert (tmp_path / "a" / "tree.sql").read_text() == HEADER + sql(read(fitted)) + "\n"


def test_rules_tell_every_leaf_with_its_rows():
    frame = table(2, 1000, 0.2)
    wanted = Candidate(algorithm="decision_tree", hyperparameters={"max_depth": 5})
    root = read(fit(wanted, frame, ["amount", ODD], "label", 1, 1))
    leaves = [line for line in rules(root) if "probability" in line]
    assert len(leaves) == root.leaves()
    counted = sum(int(line.split("(")[1].split(" rows")[0].replace(",", "")) for line in leaves)
    assert counted == len(frame)


def test_a_tree_of_one_leaf_is_exported(tmp_path):
    frame = table(2, 50, 0.0)
    wanted = Candidate(algorithm="decision_tree", hyperparameters={"min_samples_leaf": 40})
    fitted = fit(wanted, frame, ["amount", ODD], "label", 1, 1)
    export(fitted, tmp_path, {})
    assert by_sql(sql(read(fitted)), frame) == pytest.approx(frame.label.mean())
