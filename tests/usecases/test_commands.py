"""Use cases' own commands: there, and quick to import."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from vouch.cli import app
from vouch.cli.own import COMMANDS
from vouch.usecases import find, names


def test_every_command_is_mounted_and_has_an_example():
    for commands in (*(find(usecase).commands() for usecase in names()), COMMANDS):
        for name in commands:
            shown = CliRunner().invoke(app, [*name.split(), "--help"])
            assert shown.exit_code == 0, shown.output
            example = f"vouch {name} " + ("fraud" if "reviewers" in name else "--")
            assert example in " ".join(shown.output.split())


def commands(command, name="vouch"):
    """List every command below one, with its whole name."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(name, command)]
    return [one for word, sub in below.items() for one in commands(sub, f"{name} {word}")]


@pytest.mark.parametrize(("name", "command"), commands(typer.main.get_command(app)))
def test_the_help_of_each_command_has_an_example_and_says_what_every_option_is(name, command):
    assert f"\n  {name} " in f"{command.help}\n".replace(name, f"{name} ")
    assert all(one.help for one in command.params)


def test_the_command_line_imports_nothing_heavy():
    heavy = ("numpy", "pandas", "pydantic", "duckdb", "sklearn", "matplotlib", "pyarrow")
    code = f"import sys, vouch.cli; print([name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
