"""Any sequence of added files gives the bytes of a run from scratch over all of them."""

import random
from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.stages.adding import Adding, small_row_groups

START = datetime(2024, 1, 1)
RULE = {"rule": {"name": "large", "where": "amount > 900"}}
DELAYED = {"truth": {"delay": {"distribution": "exponential", "mean": "24h"}}}
PAYMENT = {
    "at": {"role": "time"},
    "sum": {"role": "amount"},
    "from": {"role": "payer"},
    "to": {"role": "payee"},
    "kind": {"role": "category"},
    "bad": {"role": "label", "optional": True},
}
WITHOUT_HISTORY = {
    name: column | ({"history": False} if column["role"] in ("payer", "payee") else {})
    for name, column in PAYMENT.items()
}
ID = {"ref": {"role": "id"}}
TEXT = {
    "at": {"role": "time"},
    "said": {"role": "text"},
    "who": {"role": "author"},
    "mood": {"role": "label", "optional": True, "values": ["bad", "so", "good"]},
}
SHAPES = {
    "payments": {"name": "payments", "format": "csv", "columns": ID | PAYMENT, **RULE, **DELAYED},
    "plain": {"name": "plain", "format": "csv", "columns": WITHOUT_HISTORY, **RULE, **DELAYED},
    "ids": {"name": "ids", "format": "csv", "columns": ID | WITHOUT_HISTORY, **RULE},
    "texts": {
        "name": "texts",
        "usecase": "sentiment",
        "format": "csv",
        "columns": ID | TEXT,
        "rule": {"name": "vader", "lexicon": "vader"},
    },
}


def payments(chance, rows, *, ids):
    """Return each row's day and what stands in it."""
    for number in range(rows):
        at = START + timedelta(minutes=30 * 24 * 60 * number // rows + chance.randrange(60))
        fields = [str(number)] if ids else []
        kind = "rare" if chance.random() < 0.001 else chance.choice(["web", "shop"])
        fields += [
            at.isoformat(),
            f"{chance.randrange(100_000) / 100}",
            f"p{chance.randrange(4000)}",
        ]
        fields += [f"s{chance.randrange(9)}", kind, chance.choice(["0", "0", "0", "1", ""])]
        yield at, fields


def texts(chance, rows):
    words = ["good", "bad", "love", "hate", "it", "this", "rain", "sun", "bank", "never"]
    for number in range(rows):
        at = START + timedelta(minutes=30 * 24 * 60 * number // rows)
        said = " ".join(chance.choices(words, k=4))
        mood = chance.choice(["bad", "so", "good", ""])
        yield at, [str(number), at.isoformat(), said, f"a{chance.randrange(50)}", mood]


def split(chance, shape, rows, cuts, stray):
    """Split rows into files by time; some stray into another, come again or come corrected."""
    ids = "ref" in SHAPES[shape]["columns"]
    made = texts(chance, rows) if shape == "texts" else payments(chance, rows, ids=ids)
    files = [[] for _ in range(len(cuts) + 1)]
    for at, fields in made:
        day = (at - START) / timedelta(days=1)
        own = sum(day >= cut for cut in cuts)
        place = chance.randrange(len(files)) if chance.random() < stray else own
        files[place].append(fields)
        if chance.random() < stray / 4:
            again = list(fields)
            if ids and chance.random() < 0.7:
                again[-1] = chance.choice(["1", "0"]) if shape != "texts" else "so"
                again[2] = "12.5" if shape != "texts" else "it changed"
                # a correction may move a row to another party, or to another day
                again[3] = chance.choice([fields[3], "p1", "a1"])
                again[1] = chance.choice([again[1], (at + timedelta(days=1)).isoformat()])
            files[chance.randrange(len(files))].append(again)
    header = ",".join(SHAPES[shape]["columns"])
    return [[header, *(",".join(f) for f in file)] for file in files if file]


@pytest.fixture(autouse=True)
def small():
    with small_row_groups():
        yield


def known_ids(project, chance, out):
    found = duckdb.sql(f"SELECT id FROM '{project.root / out}/silver.parquet' ORDER BY id")
    return chance.sample([row[0] for row in found.fetchall()], 5)


def check(project, chance, files, *, reviewed):
    """Add file after file, and compare with a run from scratch over all of them."""
    for number, file in enumerate(files):
        project.add(file)
        warm = project.run("warm")
        if reviewed and number < len(files) - 1:
            moment = START + timedelta(days=20 + number)
            project.decide(known_ids(project, chance, "warm"), moment)
    assert project.run("again") == warm
    assert project.run("scratch", kept=False) == warm


@pytest.mark.parametrize("shape", ["payments", "texts"])
def test_one_more_file_gives_what_a_run_from_scratch_does(tmp_path, shape):
    chance = random.Random(shape)
    files = split(chance, shape, 12_000, [24], 0.0005)
    check(Adding(tmp_path, SHAPES[shape]), chance, files, reviewed=True)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(12_000, 40_000),
    cuts=st.lists(st.integers(18, 30), min_size=1, max_size=3, unique=True),
    stray=st.sampled_from([0, 0, 0.0005, 0.01]),
    in_order=st.booleans(),
    reviewed=st.booleans(),
)
def test_added_files_give_what_a_run_from_scratch_does(
    tmp_path_factory, shape, seed, rows, cuts, stray, in_order, reviewed
):
    chance = random.Random(seed)
    files = split(chance, shape, rows, sorted(cuts), stray)
    if not in_order:
        chance.shuffle(files)
    project = Adding(tmp_path_factory.mktemp("adding"), SHAPES[shape])
    check(project, chance, files, reviewed=reviewed)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cut", "changed", "gone"])
def test_damage_to_what_is_kept_changes_no_byte(tmp_path, how):
    chance = random.Random(how)
    files = split(chance, "payments", 30_000, [24], 0.0005)
    project = Adding(tmp_path / "a", SHAPES["payments"])
    project.add(files[0])
    project.run("first")
    for path in sorted(path for path in project.cache.rglob("*") if path.is_file()):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        if how == "gone":
            path.unlink()
        else:
            path.write_bytes(content if how == "changed" else content[: len(content) // 2])
    project.add(files[1])
    assert project.run("warm") == project.run("scratch", kept=False)
