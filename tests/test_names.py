"""A whole run over payments whose columns all bear names that vouch's own queries use."""

import random
from datetime import datetime, timedelta

import pandas as pd
import pytest
import yaml

from tests.project import copy_checkout, shrink, vouch
from vouch.sources.declaration import RESERVED

WORDS = (
    *("reason", "category", "source", "at", "flagged", "expectation", "Time", "row", "id", ""),
    *("label", "amount", "time", "payer", "payee", "arrival", "known_at", "superseded_at", "score"),
    *("rows", "line", "file", "n", "t", "b", "a", "name", "value", "key", "day", "hour", "group"),
    *("select", "from", "order", "table", "index", "count", "sum", "rank", "prediction", "weight"),
    *(
        "fold",
        "split",
        "rest",
        "flipped",
        "place",
        "title",
        "held",
        "set",
        "version",
        "features",
        "entity",
        "case",
        "actor",
        "issued_at",
    ),
    *("good", "parsed", "current", "arrived", "position", "batch", "left", "right", "all", "step"),
    *("V1", "V2", "x'y", 'q"r', "per cent %", "{braces}", "<b>", "Ünï", "a.b"),
    *("score_0", "score_1", "amount_is_round", "day_of_week", "rate", "total", "window", "cases"),
)
TIME, AMOUNT, PAYER, PAYEE, LABEL = "w 1", "w 2", "w 3", "w 4", "w 5"


def odd_names() -> list[str]:
    names = dict.fromkeys([*WORDS, *sorted(RESERVED)])
    return [name for name in names if name.lower() not in ("time", "id") or name in ("Time", "id")]


def payments(rows: int = 3000, seed: int = 1) -> pd.DataFrame:
    chance, start = random.Random(seed), datetime(2024, 3, 1)
    frame = pd.DataFrame(
        {
            TIME: [str(start + timedelta(minutes=15 * n)) for n in range(rows)],
            AMOUNT: [round(chance.lognormvariate(3, 1), 2) for _ in range(rows)],
            PAYER: [f"c{chance.randrange(80)}" for _ in range(rows)],
            PAYEE: [f"m{chance.randrange(30)}" for _ in range(rows)],
        }
    )
    frame[LABEL] = [int(value > 60 and chance.random() < 0.8) for value in frame[AMOUNT]]
    for place, name in enumerate(odd_names()):
        words = [chance.choice("xyz") for _ in range(rows)]
        frame[name] = words if place % 2 else [chance.randrange(9) for _ in range(rows)]
    return frame


def declaration() -> dict:
    roles = {TIME: "time", AMOUNT: "amount", PAYER: "payer", PAYEE: "payee", LABEL: "label"}
    columns = {name: {"role": role} for name, role in roles.items()}
    columns[LABEL]["optional"] = True
    for place, name in enumerate(odd_names()):
        columns[name] = {"role": "category" if place % 2 else "number"}
    return {
        "name": "odd",
        "usecase": "fraud",
        "format": "csv",
        "columns": columns,
        "truth": {"delay": {"mean": "1d"}},
        "rule": {"name": "big", "where": "amount > 80"},
    }


@pytest.mark.slow
def test_a_run_over_columns_of_any_name(tmp_path):
    project = copy_checkout(tmp_path / "p")
    shrink(project, trials=1)
    (project / "data/sources/odd.yaml").write_text(yaml.safe_dump(declaration()))
    rows = payments(3200)
    frame, later = rows.head(3000), rows.tail(200)  # rows of the holdout get no scores
    frame.to_csv(project / "odd.csv", index=False)
    done = vouch(project, "run", "fraud", "--no-prefect", "--source", "odd", "--path", "odd.csv",
                 timeout=500)  # fmt: skip
    assert done.returncode == 0, done.stderr
    silver = pd.read_parquet(project / "data/silver/fraud/rows.parquet")
    assert len(silver) == len(frame)
    later.drop(columns=[LABEL]).to_csv(project / "new.csv", index=False)
    done = vouch(project, "score", "fraud", "--path", "new.csv", "--out", "scores.csv", "--model",
                 "challenger" if "challenger" in done.stdout else "champion")  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores = pd.read_csv(project / "scores.csv")
    assert len(scores) == 200
    assert scores["score_1"].between(0, 1).all()
    assert scores["score_1"].nunique() > 1
    done = vouch(project, "enqueue", "fraud", "-n", "20", "--out", "cases.csv")
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(project / "cases.csv")) == 20
