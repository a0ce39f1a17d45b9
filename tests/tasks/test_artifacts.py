import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prefect.artifacts import Artifact

from tasks.artifacts import (
    escape,
    items,
    show_image,
    show_link,
    show_progress,
    show_table,
    show_text,
)
from vouch.core.errors import plain

HOSTILE = [
    "](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "a|b",
    "`code`",
    "two\nlines\n\n# and a title",
    "[link](http://example.com) http://example.com www.example.com a@example.com",
    "**bold** _slanted_ ~~struck~~ &amp; \\*",
    "1. one",
    "+ item",
    "    indented",
    "---",
]


def shown(markdown: str) -> str:
    """Render Markdown, which must be one paragraph of plain text, and return the text."""
    parser = MarkdownIt("gfm-like", {"linkify": False})
    first, inline, last = parser.parse(markdown)
    assert (first.type, last.type) == ("paragraph_open", "paragraph_close")
    assert {part.type for part in inline.children} <= {"text", "text_special"}
    return "".join(part.content for part in inline.children)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_data_is_shown_as_it_is(text):
    assert shown(escape(text)) == " ".join(text.split())


@given(st.text(min_size=1).filter(lambda text: plain(text).strip()))
def test_any_text_is_shown_as_it_is(text):
    assert shown(escape(text)) == " ".join(plain(text).split())


def test_a_list_has_an_item_a_text():
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(items(HOSTILE))
    assert sum(token.type == "list_item_open" for token in tokens) == len(HOSTILE)


@pytest.fixture
def server():
    """A Prefect server of its own, as a flow run has."""
    # here, for it imports the whole server, which no other test needs in its process
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.mark.slow
def test_prefect_keeps_every_artifact_escaped(server, tmp_path):
    hostile = "](javascript:x)"
    show_text("text", hostile, [hostile])
    show_table("table", [{"column": hostile, "rows": 3, "share": None}], hostile)
    show_link("link", tmp_path / "a`b.html")
    show_image("image", b"png", hostile)
    shown_at = show_progress("progress", 50, "begun")
    assert show_progress("progress", 60, hostile, shown_at) == shown_at
    kept = {key: Artifact.get(key) for key in ("text", "table", "link", "image", "progress")}
    safe = escape(hostile)
    assert kept["text"].data == f"## {safe}\n\n- {safe}\n"
    assert json.loads(kept["table"].data) == [{"column": safe, "rows": 3, "share": None}]
    assert {kept[key].description for key in ("table", "image", "progress")} == {safe}
    assert kept["link"].description.endswith("a\\`b\\.html")
    assert kept["link"].data.split("](")[1].endswith("/a%60b.html)")
