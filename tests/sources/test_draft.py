import random
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from vouch.errors import VouchError
from vouch.ingest import ingest
from vouch.ingest.params import IngestParams
from vouch.sources.declaration import load_declaration
from vouch.sources.draft import draft_source
from vouch.sources.inputs import choose
from vouch.validate import validate
from vouch.validate.params import ValidateParams


def german(path, rows=5000):
    """A table of other names, written as a German spreadsheet would."""
    random.seed(7)
    start = datetime(2024, 3, 1)
    with path.open("w", encoding="cp1252") as file:
        file.write("Buchung;Zeitpunkt;Betrag;Kunde;Haendler;Weg;betrug\n")
        for n in range(rows):
            when = (start + timedelta(minutes=9 * n)).strftime("%d.%m.%Y %H:%M")
            amount = f"{random.lognormvariate(4, 1):,.2f}".translate(str.maketrans(",.", ".,"))
            who, where = f"Müller {random.randrange(300)}", f"Laden {random.randrange(40)}"
            way = random.choice(["Karte", "bar", "Überweisung"])
            bad = int(random.random() < 0.02)
            file.write(f"B{n};{when};{amount};{who};{where};{way};{bad}\n")
    return path


def test_a_german_table_goes_from_draft_to_silver(tmp_path):
    table = german(tmp_path / "Zahlungen.csv")
    drafted = draft_source(tmp_path, table)
    assert drafted.path == tmp_path / "data/sources/zahlungen.yaml"
    roles = {guess.column: guess.role for guess in drafted.guesses}
    assert roles == {
        "Buchung": "id",
        "Zeitpunkt": "time",
        "Betrag": "amount",
        "Kunde": "payer",
        "Haendler": "payee",
        "Weg": "category",
        "betrug": "label",
    }
    choice = choose(tmp_path, "fraud", "zahlungen", path=table)
    out = tmp_path / "out"
    out.mkdir()
    ingested = ingest(
        declaration=drafted.path,
        raw=tmp_path / choice.raw,
        files=choice.files,
        held_out=choice.held_out,
        rows=out / "bronze.parquet",
        rejects=out / "rejects.parquet",
        summary=out / "ingest.json",
        params=IngestParams(),
    )
    assert (ingested["rows"], ingested["rejects"]) == (5000, 0)
    validated = validate(
        declaration=drafted.path,
        suite=tmp_path / "expectations/zahlungen.json",
        bronze=out / "bronze.parquet",
        rows=out / "rows.parquet",
        quarantine=out / "quarantine.parquet",
        summary=out / "validate.json",
        page=out / "page.html",
        params=ValidateParams(),
    )
    assert validated["counts"]["silver"] == 5000
    assert all(each["success"] for each in validated["expectations"])
    first = duckdb.sql(
        f"SELECT time, payer FROM read_parquet('{out}/rows.parquet') WHERE id = 'B7'"
    ).fetchone()
    assert first is not None
    assert first[0] == datetime(2024, 3, 1, 1, 3)
    assert first[1].startswith("Müller ")


def test_every_guess_stands_in_the_file_with_its_reason(tmp_path):
    drafted = draft_source(tmp_path, german(tmp_path / "t.csv", 50), "shop")
    text = drafted.path.read_text()
    for guess in drafted.guesses:
        assert f"# {guess.why}" in text
    for question in drafted.questions:
        assert f"# - {question}" in text
    assert load_declaration(drafted.path).decimal == ","


def test_paysims_columns_are_all_recognised(tmp_path):
    def row(n):
        kind = "PAYMENT" if n % 2 else "DEBIT"
        return f"{1 + n // 9},{kind},{n}.5,C{n},{n}.5,0,M{n},0,{n}.5,{n % 2}\n"

    table = tmp_path / "p.csv"
    table.write_text(
        "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,"
        "newbalanceDest,isFraud\n" + "".join(map(row, range(90)))
    )
    drafted = draft_source(tmp_path, table)
    assert [guess.role for guess in drafted.guesses] == [
        "time",
        "category",
        "amount",
        "payer",
        "payer_balance_before",
        "payer_balance_after",
        "payee",
        "payee_balance_before",
        "payee_balance_after",
        "label",
    ]
    assert load_declaration(drafted.path).columns["step"].unit == "step"


def test_a_parquet_table_without_labels(tmp_path):
    path = tmp_path / "t.parquet"
    duckdb.sql(
        f"""COPY (SELECT i AS tx_id, TIMESTAMP '2024-01-01' + to_hours(i) AS created_at,
                   i * 1.5 AS value, i % 5 AS customer_id FROM range(100) r(i))
            TO '{path}' (FORMAT parquet)"""
    )
    drafted = draft_source(tmp_path, path)
    assert [guess.role for guess in drafted.guesses] == ["id", "time", "amount", "payer"]
    assert load_declaration(drafted.path).rule is not None


def test_mistakes_are_told(tmp_path):
    table = german(tmp_path / "t.csv", 20)
    draft_source(tmp_path, table)
    with pytest.raises(VouchError, match="is there already"):
        draft_source(tmp_path, table)
    with pytest.raises(VouchError, match="no such file"):
        draft_source(tmp_path, tmp_path / "u.csv")
    with pytest.raises(VouchError, match="source name 'A B'"):
        draft_source(tmp_path, table, "A B")
    words = tmp_path / "w.csv"
    words.write_text("a,b\nx,y\n")
    with pytest.raises(VouchError, match="no column could be the amount"):
        draft_source(tmp_path, words)


def test_the_command_says_what_to_check(tmp_path, monkeypatch):
    from vouch.cli.source import app

    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()  # what makes a folder a project
    german(tmp_path / "t.csv", 50)
    result = CliRunner().invoke(app, ["draft", "t.csv", "--name", "shop"])
    assert result.exit_code == 0
    assert "Betrag: amount" in result.output
    assert "please check" in result.output
    assert "--source shop" in result.output
    assert "shop" in CliRunner().invoke(app, ["list"]).output
    assert "Haendler" in CliRunner().invoke(app, ["show", "shop"]).output
