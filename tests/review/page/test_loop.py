"""The loop through people in a real browser: they differ, a lead ends it, a model learns."""

import pytest
import yaml

from tests.browser import CHROMIUM
from tests.project import vouch
from tests.review.page.conftest import PASSWORD
from tests.review.page.serving import case_of, chromium, log_in, press, served
from vouch.registry.versions import find

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium (apt install chromium)"),
    pytest.mark.slow,
]
PEOPLE = {"Ann": "reviewer", "Bob": "reviewer", "Lea": "lead"}


def run(project, *words):
    done = vouch(project, *words, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def invite(project, browser, address):
    """Let each person set a password by their link, as `vouch review add` prints it."""
    for name, role in PEOPLE.items():
        path = run(project, "review", "add", name, "--role", role).split()[-1]
        page = browser.new_page()
        page.goto(address + path)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/login")


def decide(browser, address, name, key):
    """Decide all that waits for a person by one key; return how many cases that were."""
    page = log_in(browser, address, name)
    page.goto(f"{address}/review/fraud")
    count = 0
    while case_of(page):
        press(page, key)
        count += 1
    assert page.messages == []
    return count


def settle(browser, address, word):
    """Settle the first case on which reviewers differ; return its name, and how many there were."""
    page = log_in(browser, address, "Lea")
    page.goto(f"{address}/lead/fraud")
    cards = page.locator("#conflicts .card")
    count, case = cards.count(), cards.first.locator("h3").inner_text()
    assert "Ann fraud" in cards.first.locator(".votes").inner_text().replace("\n", " ")
    cards.first.get_by_role("button", name=word, exact=True).click()
    page.wait_for_url("**done=settle")
    assert page.locator("#conflicts .card").count() == count - 1
    assert case in page.locator("#settled").inner_text() and page.messages == []
    return case, count


@pytest.mark.timeout(1800)
def test_a_conflict_that_a_lead_settled_is_in_the_next_models_lineage(project):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["enqueue"]["fraud"] |= {"overlap": 1, "holdout": 0}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    run(project, "enqueue", "fraud", "-n", "8")
    with served(project) as address, chromium() as browser:
        invite(project, browser, address)
        # the keys of the classes: 1 is genuine, 2 is fraud
        counts = [decide(browser, address, name, key) for name, key in (("Ann", "2"), ("Bob", "1"))]
        case, differing = settle(browser, address, "genuine")
    assert counts == [4, 4] and differing == 4
    assert "9 decisions" in run(project, "collect", "fraud")
    run(project, "run", "fraud", "--no-prefect")
    made = find(project / ".vouch", "fraud-simulated", "2").lineage
    actors = {one["actor"] for one in made.labels if one["source"] == "reviewer"}
    assert {"Ann", "Bob", "Lea"} <= actors
    told = run(project, "lineage", "fraud-simulated:2")
    assert all(name in told for name in PEOPLE)
    assert case.startswith("fraud-")
