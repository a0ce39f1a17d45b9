"""The guidelines' page: edited, looked at, taken back; two admins; hostile Markdown."""

import re
from datetime import timedelta

import pytest

from tests.review.page.conftest import logged_in
from vouch.review.guidelines import LONGEST, guideline
from vouch.review.people import People
from vouch.review.queue.seats import Seats

PATH = "/admin/guidelines/fraud"


def base_of(page):
    return re.search('name="base" value="([^"]+)"', page.text)[1]


def test_an_edited_guideline_is_what_reviewers_see_and_decide_by(ada, ann, root):
    shipped = guideline(root, "fraud")
    page = ada.get(PATH)
    assert base_of(page) == shipped.version and "in force" in page.text
    text = "# Our way\r\n\r\nAsk **twice** & look."
    edit = {"text": text, "base": shipped.version}
    preview = ada.change(PATH, edit | {"act": "preview"})
    assert "<strong>twice</strong> &amp; look" in preview.text and "not saved yet" in preview.text
    assert guideline(root, "fraud") == shipped
    saved = ada.change(PATH, edit | {"act": "save"})
    assert (saved.status_code, saved.headers["location"]) == (303, f"{PATH}?done=save")
    assert "<strong>twice</strong>" in ann.get("/review/fraud").text
    ann.decide(ann.next())
    newest, first = ada.get("/api/guidelines/fraud").json()["history"]
    assert (newest["author"], newest["decisions"], first["decisions"]) == ("Ada", 1, 0)
    back = ada.change(f"{PATH}/restore", {"number": first["number"], "base": newest["version"]})
    assert back.headers["location"] == f"{PATH}?done=restore"
    assert guideline(root, "fraud") == shipped
    assert "twice</strong></p>" not in ann.get("/review/fraud").text


def test_a_decision_remembers_the_version_it_was_shown_with(ada, ann, root):
    first = guideline(root, "fraud").version
    page = ann.get("/review/fraud")
    hidden = dict(re.findall('name="(token|case|guideline)" value="([^"]+)"', page.text))
    case = ann.next()
    assert hidden["guideline"] == case["guideline"] == first
    ada.change(PATH, {"text": "Other", "base": first, "act": "save"})
    ann.change("/review/fraud/answer", hidden | {"kind": "decision", "word": "fraud"})
    for version in ("", "nonsense", first):
        ann.decide(ann.next(), guideline=version)
    seats = Seats(root / ".vouch", "fraud", "simulated", timedelta(minutes=5))
    second = guideline(root, "fraud").version
    by = [answer.said.guideline for answer in seats.standing()]
    assert by == [first, second, second, first]


def test_what_another_admin_saved_meanwhile_is_not_lost(app, ada, root):
    People(root / ".vouch").set_role("Lea", "admin")
    lea, base = logged_in(app, "Lea"), base_of(ada.get(PATH))
    ada.change(PATH, {"text": "Ada's", "base": base, "act": "save"})
    late = lea.change(PATH, {"text": "Lea's <text>", "base": base, "act": "save"})
    assert late.status_code == 409 and "Ada changed the guideline meanwhile" in late.text
    assert "Lea&#39;s &lt;text&gt;" in late.text and "<p>Ada's</p>" in late.text
    assert guideline(root, "fraud").text == "Ada's\n"
    again = {"text": "Both's", "base": base_of(late), "act": "save"}
    assert lea.change(PATH, again).status_code == 303
    told = lea.change("/api/guidelines/fraud", json={"text": "Old", "base": base})
    assert told.status_code == 409 and "nothing was saved" in told.json()["error"]


def test_as_json(ada):
    state = ada.get("/api/guidelines/fraud").json()
    edited = ada.change(
        "/api/guidelines/fraud", json={"text": "Ours", "base": state["version"]}
    ).json()
    assert edited["text"] == "Ours\n" and len(edited["history"]) == 2
    number = edited["history"][1]["number"]
    earlier = {"number": number, "base": edited["version"]}
    assert ada.change("/api/guidelines/fraud/restore", json=earlier).json()["text"] == state["text"]
    for number, status in ((2**62, 409), (0, 422)):
        again = earlier | {"number": number, "base": state["version"]}
        told = ada.change("/api/guidelines/fraud/restore", json=again)
        assert told.status_code == status


@pytest.mark.parametrize("act", ["preview", "save"])
@pytest.mark.parametrize("text", ["   ", "a" * (LONGEST + 1), "\x07 rings"])
def test_what_is_no_guideline_stays_before_who_wrote_it(ada, root, text, act):
    edit = {"text": text, "base": base_of(ada.get(PATH)), "act": act}
    told = ada.change(PATH, edit)
    assert told.status_code == 409 and "guideline: " in told.text and text in told.text
    assert not (root / "data/guidelines/fraud.md").exists()


def test_the_longest_guideline_is_kept_as_a_browser_sends_it(ada, root):
    lines = "a\n" * (LONGEST // 2 - 1) + "z\n"
    edit = {"text": lines.replace("\n", "\r\n"), "base": base_of(ada.get(PATH))}
    preview = ada.change(PATH, edit | {"act": "preview"})
    assert lines in preview.text and "\r" not in preview.text
    assert ada.change(PATH, edit | {"act": "save"}).status_code == 303
    assert guideline(root, "fraud").text == lines


def test_a_text_that_is_refused_overwrites_no_version_that_came_meanwhile(ada, root):
    base = base_of(ada.get(PATH))
    (root / "data/guidelines").mkdir(parents=True, exist_ok=True)
    (root / "data/guidelines/fraud.md").write_text("By hand.\n")
    for act in ("preview", "save"):
        told = ada.change(PATH, {"text": "a" * (LONGEST + 1), "base": base, "act": act})
        assert base_of(told) == base
    late = ada.change(PATH, {"text": "Short", "base": base_of(told), "act": "save"})
    assert late.status_code == 409 and "changed the guideline meanwhile" in late.text
    assert guideline(root, "fraud").text == "By hand.\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>top.x=1</script>",
        "</textarea><script>top.x=1</script>",
        "[x](javascript:top.x=1) ![](https://evil.test/a.png)",
        '<img src=x onerror="top.x=1">',
    ],
)
def test_hostile_markdown_is_shown_as_text(ada, ann, hostile):
    edit = {"text": hostile, "base": base_of(ada.get(PATH))}
    preview = ada.change(PATH, edit | {"act": "preview"})
    ada.change(PATH, edit | {"act": "save"})
    for page in (preview, ada.get(PATH), ann.get("/review/fraud")):
        assert page.status_code == 200
        assert not re.search(r"<script>|<img|<iframe|href=.javascript", page.text)
        assert page.text.count("</textarea>") <= 1
