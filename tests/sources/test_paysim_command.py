"""``vouch simulate payments``."""

import pyarrow as pa
import pytest
import typer
from pyarrow import parquet
from typer.testing import CliRunner

from tests.project import ROOT
from vouch.cli import own
from vouch.core.errors import VouchError
from vouch.sources.declaration import load_declaration
from vouch.sources.paysim import simulate as simulated


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    own.add_to(app)
    return app


def test_writes_the_table(app, tmp_path):
    out = tmp_path / "folder" / "payments.parquet"
    told = CliRunner().invoke(
        app, ["simulate", "payments", "--rows", "10000", "--seed", "4", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    assert "10,000 payments" in told.output
    assert parquet.read_table(out).equals(simulated(10_000, 4))


def test_a_month_in_two_files_has_the_rows_of_a_month_in_one(app, tmp_path):
    declared = ROOT / "data/sources/simulated.yaml"
    simulator = load_declaration(declared).simulator
    parts = {"early": ("--to-day", "20"), "late": ("--from-day", "21")}
    for name, days in parts.items():
        words = ("--like", str(declared), "--rows", "10000", *days)
        out = str(tmp_path / f"{name}.parquet")
        shown = CliRunner().invoke(app, ["simulate", "payments", *words, "--out", out])
        assert shown.exit_code == 0, shown.output
    early, late = (parquet.read_table(tmp_path / f"{name}.parquet") for name in parts)
    assert max(early["step"].to_pylist()) <= 480 < min(late["step"].to_pylist())
    whole = simulated(10_000, simulator.seed, regulars=simulator.regulars)
    assert pa.concat_tables([early, late]).equals(whole)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from-day", "9", "--to-day", "8"), "days: got 9 to 8"),
        (("--like", str(ROOT / "data/sources/paysim.yaml")), "no simulator of payments"),
    ],
)
def test_days_and_declarations_that_make_no_sense_are_the_users_mistake(
    app, tmp_path, words, message
):
    out = str(tmp_path / "p.csv")
    shown = CliRunner().invoke(app, ["simulate", "payments", *words, "--out", out])
    assert isinstance(shown.exception, VouchError) and message in str(shown.exception)
    assert not list(tmp_path.iterdir())


def test_help_shows_an_example(app):
    assert (
        "vouch simulate payments --rows"
        in CliRunner().invoke(app, ["simulate", "payments", "--help"]).output
    )


def test_too_few_rows_is_the_users_mistake(app, tmp_path):
    told = CliRunner().invoke(
        app, ["simulate", "payments", "--rows", "9", "--out", str(tmp_path / "p.csv")]
    )
    assert isinstance(told.exception, VouchError)
    assert not list(tmp_path.iterdir())
