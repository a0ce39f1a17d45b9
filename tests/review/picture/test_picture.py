"""Pictures of hostile data are well-formed, the same each time, and nothing in them overlaps."""

import html
import re
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.results.context import NODES, Edge, Flow, Node, Payment
from vouch.review import picture
from vouch.review.picture import bars, marked, money_flow, timeline
from vouch.review.picture.flow import BOX_HEIGHT, BOX_WIDTH, HEIGHT, WIDTH, layout
from vouch.review.picture.svg import clean, compact, shorten

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "g", "title", "desc", "text", "line", "circle", "rect", "path", "polygon"}
START = datetime(2024, 1, 1)
HOSTILE = [
    '"><script>alert(1)</script>',
    "]]>&amp;<!--",
    "\x00\x1b[31m",
    "مرحبا",
    "👩‍🔬" * 9,
    "漢" * 50,
]
names = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
amounts = st.one_of(st.none(), st.floats(-1e18, 1e18), st.floats(0, 1e4))


@st.composite
def flows(draw):
    parts = draw(st.sampled_from([["payer", "payee"], ["payer"], ["payee"], []]))
    parts += ["other"] * draw(st.integers(0, NODES - len(parts)))
    nodes = tuple(Node(name=draw(names), part=part) for part in parts)
    if not nodes:
        return Flow()
    ends = st.integers(0, len(nodes) - 1)
    edge = st.builds(
        Edge, start=ends, end=ends, sum=amounts, count=st.integers(1, 9), own=st.booleans()
    )
    return Flow(nodes=nodes, edges=tuple(draw(st.lists(edge, max_size=40))))


@st.composite
def histories(draw):
    times = st.integers(0, 10**7).map(lambda seconds: START - timedelta(seconds=seconds))
    row = st.builds(
        Payment,
        party=st.sampled_from(["payer", "payee"]),
        time=times,
        amount=amounts,
        category=st.none() | names,
        direction=st.sampled_from(["in", "out"]),
        counterpart=st.none() | names,
    )
    return draw(st.lists(row, max_size=40))


reasons_of = st.lists(st.tuples(names, st.floats(-1, 1)), max_size=12)


def parsed(drawn):
    """Return a picture's root, checked to be one that a strict page may hold."""
    root = ElementTree.fromstring(str(drawn))
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    kinds = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert kinds <= ALLOWED
    attributes = {name for each in root.iter() for name in each.attrib}
    assert not {name for name in attributes if name.startswith(("on", "style", "href", "id", "{"))}
    assert not re.search(
        r"\b(nan|inf)\b", " ".join(v for e in root.iter() for v in e.attrib.values())
    )
    return root


def titles(root):
    return [title.text for each in root.iter(f"{SVG}g") for title in each.findall(f"{SVG}title")]


@given(flows())
def test_a_flow_is_well_formed_and_the_same_each_time(flow):
    root = parsed(money_flow(flow))
    assert money_flow(flow) == money_flow(Flow.model_validate(flow.model_dump(mode="json")))
    ways = [each for each in root.iter(f"{SVG}g") if each.get("class").startswith("edge")]
    assert len(ways) == len(flow.edges)
    told = " ".join(title or "" for title in titles(root))
    for node in flow.nodes:  # a parser reads every end of a line as one character
        assert clean(node.name).replace("\r", "\n") in told.replace("\r", "\n")


@given(flows())
def test_no_boxes_of_a_flow_overlap_or_leave_the_picture(flow):
    boxes = layout(flow)
    assert boxes.keys() == set(range(len(flow.nodes)))
    for box in boxes.values():
        assert box.left >= 0 and box.left + BOX_WIDTH <= WIDTH
        assert box.top >= 0 and box.top + BOX_HEIGHT <= HEIGHT
    for one, other in combinations(boxes.values(), 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT


@pytest.mark.parametrize("sides", [{0}, {1}, {0, 1}])
def test_twelve_parties_find_room_whomever_they_deal_with(sides):
    nodes = [Node(name="a", part="payer"), Node(name="b", part="payee")]
    nodes += [Node(name=f"n{n}", part="other") for n in range(NODES - 2)]
    edges = [
        Edge(start=side, end=n, sum=n, count=1) for n in range(2, NODES) for side in sorted(sides)
    ]
    boxes = layout(Flow(nodes=tuple(nodes), edges=tuple(edges)))
    assert len(boxes) == NODES and boxes[0].x < boxes[1].x
    for one, other in combinations(boxes.values(), 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT


@given(histories(), st.none() | st.just(START + timedelta(seconds=1)), amounts)
def test_a_timeline_shows_every_payment_within_its_frame(history, own_time, own_amount):
    drawn = timeline(history, own_time, own_amount)
    assert drawn == timeline(history[::-1], own_time, own_amount)
    root = parsed(drawn)
    assert root.get("viewBox") == "0 0 480 90"
    shapes = [*root.iter(f"{SVG}circle"), *root.iter(f"{SVG}rect")]
    dots = [each for each in shapes if each.find(f"{SVG}title") is not None]
    assert len(dots) == (len(history) if own_time else 0)
    for each in shapes:
        x = float(each.get("cx") or each.get("x"))
        y = float(each.get("cy") or each.get("y"))
        assert 0 <= x <= 480 and 0 <= y <= 90


@given(reasons_of)
def test_bars_point_to_the_side_of_their_sign(reasons):
    root = parsed(bars(reasons))
    drawn = [rect.get("class") for rect in root.iter(f"{SVG}rect")]
    assert drawn == ["bar for" if weight > 0 else "bar against" for _, weight in reasons[:8]]
    heights = [float(rect.get("y")) for rect in root.iter(f"{SVG}rect")]
    assert all(below - above > 20 for above, below in pairwise(heights))


texts = st.one_of(
    names, st.lists(st.sampled_from(["Not", "good", "<b>", "not", "!", " "])).map("".join)
)


@given(texts, reasons_of)
def test_marked_text_is_the_text_and_nothing_else(text, reasons):
    drawn = str(marked(text, reasons))
    bare = re.sub(r'<span class="(?:for|against)">|</span>', "", drawn)
    assert "<" not in bare and ">" not in bare
    assert html.unescape(bare.replace("\x85", " ")) == clean(text).replace("\x85", " ")
    ElementTree.fromstring(f"<p>{drawn}</p>")


@given(st.lists(st.sampled_from(["Good", "good", "bad", "BAD", "so", "goodness"]), max_size=12))
def test_whole_words_are_marked_whatever_their_case(words):
    drawn = str(marked(" ".join(words), [("good", 0.5), ("bad", -0.2), ("good", 0.1)]))
    found = re.findall(r'<span class="(for|against)">(.*?)</span>', drawn)
    wanted = {"good": "for", "bad": "against"}
    assert found == [(wanted[w.lower()], w) for w in words if w.lower() in wanted]


def test_reasons_of_several_words_and_of_any_script_are_marked():
    drawn = str(
        marked("Not good, not at all 🎉 مرحبا", [("not good", 0.2), ("not", -0.1), ("🎉", 0.3)])
    )
    assert re.findall(r">([^<]+)</span>", drawn) == ["Not good", "not", "🎉"]
    assert str(marked("İstanbul", [("İstanbul", 0.2)])).startswith("<span")
    assert str(marked("x " * 5000, [("x", 1.0)])).count("<span") == 5000


def test_what_is_too_wide_keeps_its_beginning_and_its_end():
    assert shorten("C1907265936", 7) == "C1907265936"
    short = shorten("DE89 3704 0044 0532 0130 00", 7)
    assert short.startswith("DE89") and short.endswith("00") and len(short) < 14
    assert len(shorten("漢" * 50, 7)) < 8


def test_amounts_are_written_in_a_few_characters():
    written = [compact(each) for each in (None, 0.0, 12.345, 999.4, 12345, -2.5e6, 1e9, 3e20)]
    assert written == ["–", "0", "12.3", "999", "12.3k", "-2.5M", "1B", "3e+08T"]


def contrast(one, other):
    """Compute the ratio of two colours' luminances (WCAG 2.1, relative luminance)."""
    lights = []
    for colour in (one, other):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
        shares = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_texts_can_be_read_in_light_and_in_dark():
    sheet = (Path(picture.__file__).parent / "picture.css").read_text()
    themes = [
        dict(re.findall(r"--picture-([\w-]+): (#\w+)", root))
        for root in re.findall(r":root {.*?}", sheet)
    ]
    assert len(themes) == 2 and themes[0].keys() == themes[1].keys()
    for colours in themes:
        for text in ("ink", "quiet", "payer", "payee", "own", "for", "against"):
            assert contrast(colours[text], colours["paper"]) >= 4.5, text
        for wash in ("for-wash", "against-wash"):
            assert contrast(colours["ink"], colours[wash]) >= 4.5, wash
