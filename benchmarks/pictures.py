"""Pictures of every page for the docs: ``python -m benchmarks.pictures docs``.

It makes a project of simulated payments and tweets, runs it (some minutes), puts cases out, starts
``vouch up`` and takes the pages with Chromium: light, dark and at a phone's width.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser import CHROMIUM
from tests.operate.serving import Up
from tests.project import copy_checkout, vouch

PASSWORD = "correct horse battery"
SCREEN = {"width": 1280, "height": 720}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": SCREEN},
    "dark": {"viewport": SCREEN, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
PEOPLE = {"Ann": "reviewer", "Bob": "reviewer", "Lea": "lead", "Ada": "admin"}
PATIENCE = 900.0
"""Seconds a command may take: the first run takes minutes."""


def run(project: Path, *words: str) -> str:
    """Run a command in the project; return what it wrote."""
    done = vouch(project, *words, timeout=PATIENCE)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def invite(project: Path) -> dict[str, str]:
    """Add the people; return the address at which each sets a password."""
    return {
        name: run(project, "review", "add", name, "--role", role).split()[-1]
        for name, role in PEOPLE.items()
    }


def decide(page: Any, usecase: str, address: str, keys: str) -> None:
    """Decide cases by keys."""
    page.goto(f"{address}/review/{usecase}")
    for key in keys:
        before = page.get_attribute("#case", "data-case")
        page.keyboard.press(key)
        page.wait_for_function(
            "b => document.querySelector('#case').dataset.case !== b", arg=before
        )


def log_in(browser: Any, address: str, name: str, **look: Any) -> Any:
    """Return a page of a person who is logged in."""
    page = browser.new_context(**look).new_page()
    page.goto(f"{address}/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    return page


def take(servers: Up, out: Path) -> None:
    """Take every page."""
    from playwright.sync_api import sync_playwright

    links, address = invite(servers.project), f"http://127.0.0.1:{servers.ports[-1]}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for link in links.values():
            page = browser.new_page()
            page.goto(link)
            page.fill("#password", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url("**/login")
        for number, name in enumerate(("Ann", "Bob")):
            decide(log_in(browser, address, name), "fraud", address, "12112"[number:])
        for look, settings in LOOKS.items():
            _take_review(browser, out, address, look, settings)
            page = browser.new_context(**settings).new_page()
            page.goto(servers.link())
            page.wait_for_load_state("networkidle")
            page.screenshot(path=str(out / f"home-{look}.png"), full_page=look == "phone")
        browser.close()


def _take_review(
    browser: Any, out: Path, address: str, look: str, settings: dict[str, Any]
) -> None:
    ann, ada = (log_in(browser, address, name, **settings) for name in ("Ann", "Ada"))
    for usecase in ("fraud", "sentiment"):
        ann.goto(f"{address}/review/{usecase}")
        ann.keyboard.press("m")
        ann.wait_for_timeout(200)
        ann.screenshot(path=str(out / f"review-{usecase}-{look}.png"))
    guidelines = {"guidelines": "/admin/guidelines/fraud"}
    for name, path in {"lead": "/lead/fraud", "people": "/admin", **guidelines}.items():
        ada.goto(address + path)
        ada.screenshot(path=str(out / f"review-{name}-{look}.png"))


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="The folder for the pictures.")
    parser.add_argument("--project", type=Path, help="A project that ran, instead of a new one.")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("no Chromium (apt install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        project = options.project or copy_checkout(Path(folder) / "project")
        if options.project is None:
            run(project, "run", "fraud", "sentiment", "--no-prefect")
        for usecase in ("fraud", "sentiment"):
            print(re.sub(r"\s+", " ", run(project, "enqueue", usecase, "-n", "25")), flush=True)
        servers = Up(project).ready()
        try:
            take(servers, options.out)
        finally:
            servers.stop()


if __name__ == "__main__":
    main()
