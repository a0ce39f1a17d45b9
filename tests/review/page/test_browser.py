"""The review page in a real browser: by keyboard alone, at each width, for a screen reader."""

from datetime import datetime, timedelta

import pytest

from tests.browser import CHROMIUM
from tests.review.enqueue.conftest import make_case
from tests.review.page.conftest import STATE
from tests.review.page.serving import case_of, chromium, log_in, press, served
from vouch.results.context import Context, Edge, Flow, Node, Payment, Statement
from vouch.review.queue import Queue
from vouch.review.queue.seats import COUNTS, Seats

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium (apt install chromium)")
HOSTILE = [
    "<script>window.ran=1</script>",
    "\"><img src=x onerror='window.ran=1'>",
    "<svg/onload=window.ran=1>",
    "</textarea></title><script>window.ran=1</script>",
    "javascript:window.ran=1",
    "{{7*7}}${window.ran=1}",
    "مرحبا\u202eevil\u202c שלום 😀",
    "a" * 10_000,
]
MOMENT = datetime(2026, 1, 1)
PATHS = (
    *("/", "/review/sentiment", "/review/fraud", "/lead/fraud"),
    *("/admin", "/admin/guidelines/fraud"),
)


def context():
    """Return what a case of a payment is shown with."""
    return Context(
        time=MOMENT,
        amount=250.0,
        headline=(Statement(label="Amount", value="250", comparison=HOSTILE[0]),),
        rule=Statement(label="Rule", value="flagged", comparison="amount > 200"),
        history=(
            Payment(
                party="payer",
                time=MOMENT - timedelta(days=1),
                amount=3.0,
                category="PAYMENT",
                direction="out",
                counterpart=HOSTILE[1],
            ),
        ),
        flow=Flow(
            nodes=(Node(name=HOSTILE[2], part="payer"), Node(name="shop", part="payee")),
            edges=(Edge(start=0, end=1, sum=250.0, count=1, own=True),),
        ),
    )


@pytest.fixture
def address(root):
    """Serve the page with 24 cases, and hostile texts."""
    queue = Queue(root / STATE, "fraud", "simulated")
    more = [
        make_case(n, classes=["genuine", "fraud"], context=context().content())
        for n in range(6, 24)
    ]
    queue.put(more, datetime(2026, 1, 1))
    texts = [
        make_case(
            1000 + n,
            usecase="sentiment",
            origin="tweets",
            facts={"text": text, text[:50]: text},
            reasons=[(text[:200], 0.5)],
            scores=[0.5, 0.3, 0.2],
            prediction=0,
            classes=["negative", "neutral", "positive"],
        )
        for n, text in enumerate(HOSTILE)
    ]
    Queue(root / STATE, "sentiment", "tweets").put(texts, datetime(2026, 1, 1))
    with served(root) as address:
        yield address


@pytest.fixture
def browser():
    with chromium() as browser:
        yield browser


def test_twenty_cases_by_keyboard_one_undone_one_skipped(browser, address, root):
    page = log_in(browser, address)
    page.goto(f"{address}/review/fraud")
    first = case_of(page)
    page.keyboard.press("m")
    press(page, "2")
    page.keyboard.press("u")
    page.wait_for_function("c => document.querySelector('#case').dataset.case === c", arg=first)
    page.keyboard.press("c")
    page.keyboard.type("2 odd sums")
    page.keyboard.press("Escape")
    press(page, "1")
    page.keyboard.press("s")
    press(page, "1")
    for number in range(19):
        press(page, str(1 + number % 2))
    assert "20 decided today" in page.inner_text(".progress")
    assert page.messages == []
    answers = Seats(root / STATE, "fraud", "simulated", timedelta(minutes=1)).standing()
    kinds = [answer.said.kind for answer in answers]
    assert kinds.count("skip") == 1 and sum(kind in COUNTS for kind in kinds) == 20
    changed = next(answer for answer in answers if answer.case == first)
    assert (changed.said.word, changed.said.comment) == ("genuine", "2 odd sums")
    assert changed.said.guideline and changed.said.explanation
    assert not changed.said.opinion  # shown anew, the model's part was folded


def facts_of(page):
    return page.inner_text("#facts-title")


def test_the_next_facts_show_while_an_answer_is_on_its_way(browser, address):
    page = log_in(browser, address)
    page.goto(f"{address}/review/fraud")
    first, ahead = facts_of(page), page.inner_html("#ahead")
    on_its_way = []

    def hold(route):
        on_its_way.append(route)

    page.route("**/answer", hold)
    page.keyboard.press("2")
    page.wait_for_function("t => document.querySelector('#facts-title').innerText !== t", arg=first)
    second = facts_of(page)
    assert second.split()[0] in ahead and page.locator("#opinion").count() == 0
    page.keyboard.press("1")  # answers nothing: the first answer is not kept yet
    (route,) = on_its_way
    route.abort()
    page.wait_for_function("t => document.querySelector('#facts-title').innerText === t", arg=first)
    assert "not known whether that was saved" in page.inner_text("#offline")
    page.unroute("**/answer")
    press(page, "2")
    assert facts_of(page) == second and "1 decided today" in page.inner_text(".progress")
    assert page.locator("#opinion").count() == 1


def backgrounds(page, where):
    """Return what is behind each word that is a reason."""
    script = "each => each.map(one => [one.innerText, getComputedStyle(one).backgroundColor])"
    return page.eval_on_selector_all(f"{where} .text .for, {where} .text .against", script)


def test_words_of_reasons_are_marked_while_the_opinion_is_open(browser, address, root):
    reasons = [("good", 0.5), ("bad", -0.2)]
    texts = [
        make_case(
            2000 + n,
            usecase="sentiment",
            origin="tweets",
            facts={"text": "a good day, a bad night"},
            reasons=reasons if n < 2 else [],
            scores=[0.5, 0.3, 0.2] if n < 2 else [],
            prediction=0,
            classes=["negative", "neutral", "positive"],
        )
        for n in range(3)
    ]
    queue = Queue(root / STATE, "sentiment", "tweets")
    queue.withdraw([case.case for case in queue.all()])
    queue.put(texts, MOMENT)
    page = log_in(browser, address)
    page.goto(f"{address}/review/sentiment")
    clear = "rgba(0, 0, 0, 0)"
    for _ in range(2):  # the second was ahead, and its marks do not come with it
        ahead = page.inner_html("#ahead") if page.locator("#ahead").count() else ""
        assert 'class="for' not in ahead and "<mark" not in ahead and "title=" not in ahead
        assert backgrounds(page, "#case") == [["good", clear], ["bad", clear]]
        assert page.locator("#case .text [title], #case .text mark").count() == 0
        for opened in (True, False):
            page.keyboard.press("m")
            page.wait_for_selector("#opinion[open]" if opened else "#opinion:not([open])")
            marked = [colour != clear for _, colour in backgrounds(page, "#case")]
            assert marked == [opened, opened]
        press(page, "1")
    assert backgrounds(page, "#case") == [] and page.locator("#opinion").count() == 0
    assert page.messages == []


def test_no_hostile_text_runs(browser, address):
    page = log_in(browser, address)
    for usecase, count in (("sentiment", len(HOSTILE)), ("fraud", 8)):
        page.goto(f"{address}/review/{usecase}")
        for _ in range(count - 1):
            for key in ("m", "r", "g"):
                page.keyboard.press(key)
            press(page, "1")
    assert page.evaluate("window.ran") is None
    assert page.messages == []  # not even one that the policy had to stop


@pytest.mark.parametrize(
    "settings",
    [
        {"viewport": {"width": 1280, "height": 720}},
        {"viewport": {"width": 1280, "height": 720}, "color_scheme": "dark"},
        {"viewport": {"width": 640, "height": 360}},  # 1280 at a zoom of 200 %
        {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    ],
)
def test_it_can_be_read_by_everybody(browser, address, settings):
    from axe_playwright_python.sync_playwright import Axe

    page = log_in(browser, address, "Ada", **settings)
    for path in PATHS:
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not serious, [(one["id"], one["nodes"][0]["html"]) for one in serious]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_no_hostile_guideline_runs(browser, address):
    page = log_in(browser, address, "Ada")
    hostile = [*HOSTILE, "![x](https://evil.test/x.png)", "[x](javascript:window.ran=1)"]
    page.goto(f"{address}/admin/guidelines/fraud")
    for number, text in enumerate(hostile):
        page.fill("#text", f"{number}: {text}"[:10_000])
        page.get_by_role("button", name="Look at it").click()
        page.wait_for_selector("text=not saved yet")
        assert page.input_value("#text").startswith(f"{number}: ")
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**done=save")
    page.goto(f"{address}/review/fraud")
    page.keyboard.press("g")
    assert page.evaluate("window.ran") is None and page.messages == []


def test_a_case_needs_no_scrolling(browser, address):
    page = log_in(browser, address, viewport={"width": 1280, "height": 720})
    page.goto(f"{address}/review/fraud")
    for _ in range(8):
        press(page, "1")
    assert page.locator(".flow").count() and page.locator(".timeline").count()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
