import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vouch.core.errors import VouchError, one_line, plain, show, suggest
from vouch.core.output import write, write_table
from vouch.core.terminal import say, warn

ROOT = Path(__file__).parents[2]
HOSTILE = "[/b]\u200f\u2028\x1b[2J\x1b]8;;http://x\x07[red]\u202eevil\x9b1m\rx"
SHOWN = "[/b]]8;;http://x[red]evilx"


def test_nothing_in_a_line_steers_the_terminal(capsys):
    write(HOSTILE)
    write(HOSTILE, error=True)
    shown = capsys.readouterr()
    assert shown.out == shown.err == f"{SHOWN}\n"


def test_no_value_begins_a_line_of_its_own(capsys):
    forged = "x\nerror: forged"
    write_table(["id"], [(forged,)])
    warn(Console(file=sys.stdout), [forged])
    say(Console(file=sys.stdout), forged)
    write(forged)
    write(forged, error=True)
    show(VouchError(forged, forged))
    shown = capsys.readouterr()
    lines = [line.strip() for line in (shown.out + shown.err).split("\n")]
    assert "error: forged" not in lines
    assert shown.err.count("\n") == 3


def test_spaces_that_align_columns_stay(capsys):
    write(f"  {'a':4} b\tc")
    assert capsys.readouterr().out == "  a    b\tc\n"


def test_a_long_value_is_cut_to_one_line():
    assert one_line(" a\tb\u2028c ", 9) == "a bc"
    assert one_line("0123456789", 9) == "01234567…"


def test_no_code_in_a_value_becomes_a_picture(capsys):
    say(Console(file=sys.stdout), "a:100:b")
    write_table(["id"], [("a:100:b",)])
    assert capsys.readouterr().out.count("a:100:b") == 2


def test_nothing_in_a_table_steers_the_terminal(capsys):
    write_table([HOSTILE, "rows"], [(HOSTILE, 1), ("b", 2)])
    shown = capsys.readouterr().out
    assert shown.count(SHOWN) == 2 and "\x1b" not in shown and "\r" not in shown


@given(st.text(st.characters(codec=None)))
def test_plain_text_can_be_printed_and_is_as_it_was_without_controls(text):
    shown = plain(text)
    assert not any(sign < " " and sign != "\t" for sign in shown)
    shown.encode()
    if text.isprintable():
        assert shown == text


def test_a_file_name_that_is_no_utf8_is_printed(capfdbinary):
    write(b"caf\xe9.csv".decode("utf-8", "surrogateescape"))
    assert capfdbinary.readouterr().out == rb"caf\udce9.csv" + b"\n"


def test_only_two_modules_print():
    """The linter sees calls of print; not a print handed on, or rich's own, which reads markup."""
    printing = {
        path.relative_to(ROOT).as_posix()
        for part in ("src", "flows", "tasks")
        for path in (ROOT / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if "print" in (getattr(node, "attr", None), getattr(node, "id", None))
    }
    assert printing == {
        f"src/vouch/{name}.py" for name in ("core/output", "core/errors", "core/terminal")
    }


@pytest.mark.parametrize(
    ("count", "hint"),
    [
        (0, "Known: none"),
        (2, "did you mean 'a1'? Known: a0, a1"),
        (31, "did you mean 'a16'? Known: a16, a6, a1, a26, a21, and 26 more"),
    ],
)
def test_a_hint_lists_few_names_in_full_and_of_many_the_near_ones(count, hint):
    assert suggest(" A16 ", [f"a{number}" for number in range(count)]) == hint
