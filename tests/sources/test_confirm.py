"""Open questions keep a source from running, and settling them changes no other line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from vouch.core.errors import VouchError
from vouch.sources.confirm import check_confirmed, settle
from vouch.sources.declaration import load_declaration

START = "# Kept.\nname: shop\nformat: csv\n"
END = "# Kept as well.\ncolumns:\n  a: {role: amount}   # why\n"


def written(path, section):
    path.write_text(START + section + END)
    return path


def test_an_open_question_is_told_with_its_file_and_what_to_do(tmp_path):
    path = written(tmp_path / "shop.yaml", "confirm:\n  - 'columns.a: is it?'\n  - second\n")
    with pytest.raises(VouchError, match="2 open questions") as e:
        check_confirmed(load_declaration(path), path)
    assert str(path) in str(e.value)
    assert e.value.lines == ("- columns.a: is it?", "- second")
    assert "vouch source confirm shop" in e.value.hint
    settle(path, ["second", "columns.a: is it?"])
    check_confirmed(load_declaration(path), path)
    assert path.read_text() == START + END


@pytest.mark.parametrize(
    "section",
    ["confirm: [a, b]\n", "confirm:\n- a\n- b\n", "confirm:\n  - a\n  # why\n  - >-\n    b\n"],
)
def test_every_way_to_write_a_list_is_settled(tmp_path, section):
    path = written(tmp_path / "shop.yaml", section)
    assert settle(path, ["a"]) == 1
    assert load_declaration(path).confirm == ("b",)
    assert settle(path, ["b"]) == 0
    assert path.read_text() == START + END


@given(
    st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1), unique=True), st.data()
)
def test_what_is_not_settled_stays(tmp_path_factory, questions, data):
    import yaml

    path = written(
        tmp_path_factory.mktemp("d") / "shop.yaml",
        yaml.safe_dump({"confirm": questions}, allow_unicode=True),
    )
    settled = data.draw(st.lists(st.sampled_from(questions), unique=True)) if questions else []
    left = [question for question in questions if question not in settled]
    assert settle(path, settled) == len(left)
    assert load_declaration(path).confirm == tuple(left)
    assert path.read_text().startswith(START)
    assert path.read_text().endswith(END)


def test_the_command_settles_what_is_right(tmp_path, monkeypatch):
    from vouch.cli.source import app

    monkeypatch.chdir(tmp_path)
    Path("data/sources").mkdir(parents=True)
    path = written(tmp_path / "data/sources/shop.yaml", "confirm: [a, b]\n")
    done = CliRunner().invoke(app, ["confirm", "shop"], input="y\nn\n")
    assert "1 settled, 1 open" in done.output
    assert load_declaration(path).confirm == ("b",)
    assert "1 settled, 0 open" in CliRunner().invoke(app, ["confirm", "shop", "--all"]).output
    assert load_declaration(path).confirm == ()
