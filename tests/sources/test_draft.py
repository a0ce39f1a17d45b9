import os
import random
import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from benchmarks.draft import drafted_roles
from benchmarks.draft_tables import HELD_OUT, SHARED, TABLES, right, right_important
from benchmarks.fuzz import check, ingested, one, seeds, validated
from vouch.core.errors import VouchError
from vouch.core.files import read_json
from vouch.project.inputs import choose
from vouch.sources.confirm import settle
from vouch.sources.declaration import load_declaration
from vouch.sources.draft import draft_source


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
    assert ["Zeitpunkt.zone" in doubt for doubt in drafted.doubts] == [True]
    with pytest.raises(VouchError, match=r"zahlungen.yaml: confirm: 1 open question") as open_:
        choose(tmp_path, "fraud", "zahlungen", path=table)
    assert "Zeitpunkt" in open_.value.lines[0]
    assert settle(drafted.path, drafted.doubts) == 0
    choice = choose(tmp_path, "fraud", "zahlungen", path=table)
    out = tmp_path / "out"
    out.mkdir()
    taken = ingested(tmp_path, drafted.path, choice, out)
    assert (taken["rows"], taken["rejects"]) == (5000, 0)
    found = validated(tmp_path, drafted.path, out)
    assert found["counts"]["silver"] == 5000
    assert all(each["success"] for each in found["expectations"])
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
    for note in drafted.notes:
        assert f"# - {note}" in text
    declaration = load_declaration(drafted.path)
    assert (declaration.decimal, declaration.confirm) == (",", drafted.doubts)


def test_paysims_columns_are_all_recognised(tmp_path):
    def row(n):
        kind = "PAYMENT" if n % 2 else "DEBIT"
        return f"{1 + n // 9},{kind},{n}.5,C{n},{n}.5,0,M{n},0,{n}.5,{int(n % 9 == 4)}\n"

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
    twice = tmp_path / "d.csv"
    twice.write_text("id,amount,id\n" + "".join(f"{n},{n}.5,{n}\n" for n in range(30)))
    with pytest.raises(VouchError, match="names 'id' twice"):
        draft_source(tmp_path, twice)
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


def shares(folder, tables):
    """Draft tables and give the shares of roles that are right: all, and those that matter."""
    totals = [0, 0, 0, 0]
    for file, roles in tables:
        got = drafted_roles(folder, file)
        counts = [*right(roles, got), *right_important(roles, got)]
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
    return totals[0] / totals[1], totals[2] / totals[3]


def made(folder, tables):
    for table in tables:
        table.write(folder / table.file)
    return [(folder / table.file, table.roles) for table in tables]


@pytest.mark.parametrize("tables", [TABLES, HELD_OUT], ids=["tables", "held out"])
def test_nearly_all_roles_of_many_kinds_of_tables_are_right(tmp_path, tables):
    every, important = shares(tmp_path, made(tmp_path, tables))
    assert every >= 0.95
    assert important >= 0.90


@pytest.mark.slow
@pytest.mark.skipif("VOUCH_REAL_DATA" not in os.environ, reason="VOUCH_REAL_DATA is not set")
def test_nearly_all_roles_of_the_shared_tables_are_right(tmp_path):
    real = Path(os.environ["VOUCH_REAL_DATA"])
    every, important = shares(tmp_path, [(real / file, roles) for file, roles in SHARED.items()])
    assert every >= 0.95
    assert important >= 0.90


@pytest.mark.slow
@pytest.mark.skipif("VOUCH_REAL_DATA" not in os.environ, reason="VOUCH_REAL_DATA is not set")
@pytest.mark.parametrize("file", [file for file in SHARED if file.startswith("cases/")])
def test_a_drafted_shared_case_reads_and_validates(tmp_path, file):
    assert check(Path(os.environ["VOUCH_REAL_DATA"]) / file, tmp_path) == "validated"
    taken = read_json(tmp_path / "out/ingest.json")
    counts = read_json(tmp_path / "out/validate.json")["counts"]
    assert taken["rejects"] <= 0.02 * taken["lines"]
    assert counts["quarantine"] <= 0.02 * taken["rows"]


@pytest.mark.slow
@pytest.mark.parametrize("table", [*TABLES, *HELD_OUT], ids=lambda table: table.file)
def test_a_draft_whose_questions_are_settled_as_the_truth_says_runs(tmp_path, table):
    table.write(tmp_path / table.file)
    drafted = draft_source(tmp_path, tmp_path / table.file, "drafted")
    settle(drafted.path, drafted.doubts)
    content = yaml.safe_load(drafted.path.read_text())
    guessed = {name: declared["role"] for name, declared in content["columns"].items()}
    for column, roles in table.roles.items():
        if guessed[column] not in roles.split("|"):
            content["columns"][column] = {"role": roles.split("|")[0]}
            # a role that the truth gives to another column is not this one's
            for other, role in guessed.items():
                if other != column and role == roles.split("|")[0]:
                    content["columns"][other] = {"role": "ignore"}
    drafted.path.write_text(yaml.safe_dump(content, allow_unicode=True))
    (tmp_path / "out").mkdir()
    choice = choose(tmp_path, drafted.usecase, "drafted", path=tmp_path / table.file)
    counts = ingested(tmp_path, drafted.path, choice, tmp_path / "out")
    assert counts["rejects"] <= 0.02 * counts["lines"]
    assert counts["rows"] > 0


def payments(path, rows=300, header="tx_id,when,amount,customer,merchant,is_fraud", **cells):
    """Write payments, some of their cells by a function of the row's number."""
    start, chance = datetime(2024, 3, 1), random.Random(3)
    usual = {
        "tx_id": lambda n: f"T{n}",
        "when": lambda n: f"{start + timedelta(minutes=40 * n)}",
        "amount": lambda n: f"{chance.lognormvariate(3, 1):.2f}",
        "customer": lambda n: f"C{chance.randrange(40)}",
        "merchant": lambda n: f"M{chance.randrange(20)}",
        "is_fraud": lambda n: int(n % 20 == 3),
    }
    made = {**{name: usual.get(name) for name in header.split(",")}, **cells}
    lines = [",".join(str(cell(n)) for cell in made.values()) for n in range(rows)]
    path.write_text("\n".join([",".join(made), *lines, ""]))
    return path


def test_a_table_without_doubts_has_none_to_confirm(tmp_path):
    drafted = draft_source(tmp_path, payments(tmp_path / "shop.csv"))
    assert drafted.doubts == ()
    assert "confirm" not in drafted.path.read_text()


DOUBTS = {
    "day or month first": ({"when": lambda n: f"0{1 + n // 99}/0{1 + n % 9}/2024"}, "both fit"),
    "negative": ({"amount": lambda n: f"{'-' * (n % 2)}{n + 1}.50"}, "columns.amount.sign"),
    "second label by name": ({"chargeback": lambda n: n % 2}, "columns.chargeback"),
    "second label by value": (
        {"queue": lambda n: "red" if n % 20 == 3 else "green"},
        "columns.queue.*explains 100% of is_fraud",
    ),
    "known later": (
        {"closed": lambda n: f"2024-05-01 00:00:{n % 60}" if n % 20 == 3 else ""},
        "columns.closed.*explains 100%",
    ),
    "epoch": ({"when": lambda n: 1709251200 + 60 * n}, "seconds since 1970"),
    "two currencies": (
        {"currency": lambda n: ["EUR", "USD"][n % 2]},
        "columns.currency: amounts in EUR, USD",
    ),
    "steps": ({"when": None, "step": lambda n: n // 9}, "columns.step.origin"),
    "local": ({"when": lambda n: f"{1 + n // 24:02}.03.2024 {n % 24:02}:15"}, "columns.when.zone"),
}


@pytest.mark.parametrize(("cells", "doubt"), DOUBTS.values(), ids=DOUBTS)
def test_each_doubt_is_to_be_confirmed(tmp_path, cells, doubt):
    header = "tx_id,when,amount,customer,merchant,is_fraud"
    if "step" in cells:
        header, cells = header.replace("when,", ""), {"step": cells["step"]}
    table = payments(tmp_path / "shop.csv", header=header, **cells)
    drafted = draft_source(tmp_path, table)
    with pytest.raises(VouchError, match="open question") as error:
        choose(tmp_path, "fraud", "shop", path=table)
    assert re.search(doubt, "\n".join(error.value.lines))
    assert load_declaration(drafted.path).confirm == drafted.doubts


def test_a_suspect_of_being_a_second_label_is_left_out(tmp_path):
    cells = {"fraud_type": lambda n: n % 3 + 1 if n % 20 == 3 else 0}
    drafted = draft_source(tmp_path, payments(tmp_path / "shop.csv", **cells))
    assert load_declaration(drafted.path).columns["fraud_type"].role == "ignore"


def test_row_numbers_and_ages_are_neither_amount_nor_payer(tmp_path):
    table = payments(
        tmp_path / "t.csv",
        header="",
        **{"": lambda n: n, "customer_age": lambda n: n % 70, "spent": lambda n: f"{n * 1.7:.2f}"},
    )
    drafted = draft_source(tmp_path, table)
    assert [guess.role for guess in drafted.guesses] == ["ignore", "number", "amount"]
    assert "columns.spent" in drafted.doubts[0]


@pytest.mark.parametrize(
    ("values", "roles"),
    [
        (("yes", "no"), ("yes", "no")),
        (("True", "False"), ("true", "false")),
    ],
)
def test_a_label_that_says_genuine_is_turned_round(tmp_path, values, roles):
    table = payments(
        tmp_path / "t.csv",
        header="tx_id,amount",
        genuine=lambda n: values[n % 20 == 3],
    )
    drafted = draft_source(tmp_path, table)
    assert load_declaration(drafted.path).columns["genuine"].values == roles
    assert any("columns.genuine.values" in doubt for doubt in drafted.doubts)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (("-1", "0", "1"), ("-1", "0", "1")),
        (("4", "2", "0"), ("0", "2", "4")),
        (("3.0", "1.0", "2.0"), ("1", "2", "3")),
        (("0", "1"), ("0", "neutral", "1")),
    ],
)
def test_numbers_for_moods_are_asked_for(tmp_path, values, classes):
    lines = [f"a text of several words {n},{values[n % len(values)]}" for n in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *lines, ""]))
    drafted = draft_source(tmp_path, tmp_path / "t.csv")
    assert drafted.usecase == "sentiment"
    assert load_declaration(drafted.path).columns["label"].values == classes
    assert "which is which" in drafted.doubts[0]


def test_some_mutated_files_are_refused_or_add_up(tmp_path):
    files = seeds(tmp_path)
    became = [one(files, 7, number) for number in range(4)]
    assert [each for each in became if each.startswith("FAULT")] == []


@pytest.mark.slow
def test_many_mutated_files_are_refused_or_add_up(tmp_path):
    from benchmarks.fuzz import run

    became = run(seeds(tmp_path), 11, list(range(150)))
    assert {n: each for n, each in became.items() if each.startswith("FAULT")} == {}


def test_a_year_of_two_digits_is_no_year_of_the_first_century(tmp_path):
    days = {"when": lambda n: f"{1 + n % 28:02}.03.24"}
    drafted = draft_source(tmp_path, payments(tmp_path / "shop.csv", **days))
    assert load_declaration(drafted.path).columns["when"].format == "%d.%m.%y"
