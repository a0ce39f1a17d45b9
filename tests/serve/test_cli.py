from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from vouch.cli import app
from vouch.core.files import read_json

from .conftest import payments


def test_score_prints_counts_and_writes_them(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(shop)
    Path("dvc.yaml").touch()  # what makes a folder a project
    rows = payments(10, seed=3, first=1000).astype({"price": str})
    rows.loc[0, "price"] = "plenty"
    rows.to_csv(tmp_path / "new.csv", index=False)
    files = {"--path": "new.csv", "--out": "s.csv", "--json": "s.json"}
    words = [word for option, name in files.items() for word in (option, str(tmp_path / name))]
    done = CliRunner().invoke(app, ["score", "fraud", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "fraud-shop:1: 9 of 10 rows scored" in done.output
    assert "1 of 10 rows cannot be read" in done.output
    assert read_json(tmp_path / "s.json")["unreadable"] == 1
    assert len(pd.read_csv(tmp_path / "s.csv")) == 10
