"""``vouch simulate payments``."""

import pytest
import typer
from pyarrow import parquet
from typer.testing import CliRunner

from vouch.cli import own
from vouch.core.errors import VouchError
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
