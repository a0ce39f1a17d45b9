"""Pictures of every page for the docs: ``python -m benchmarks.pictures docs``.

It makes a project of simulated payments and tweets, runs it (some minutes), puts cases out, starts
``vouch up`` and takes the pages with Chromium: light, dark and at a phone's width.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.browser import CHROMIUM
from tests.project import BIN, ENVIRONMENT, copy_checkout

PASSWORD = "correct horse battery"
SCREEN = {"width": 1280, "height": 720}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": SCREEN},
    "dark": {"viewport": SCREEN, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
PEOPLE = {"Ann": "reviewer", "Bob": "reviewer", "Lea": "lead", "Ada": "admin"}
PATIENCE = 300.0


def vouch(project: Path, *words: str) -> str:
    """Run a command in the project; return what it wrote."""
    command = [str(BIN / "vouch"), *words]
    done = subprocess.run(
        command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def free_ports(count: int) -> list[str]:
    """Return ports that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def up(project: Path) -> "tuple[subprocess.Popen[bytes], str]":
    """Start every server; return the process and the review page's address."""
    names = ("--prefect-port", "--page-port", "--review-port")
    ports = free_ports(len(names))
    options = [word for pair in zip(names, ports, strict=True) for word in pair]
    log = project / "up.txt"
    with log.open("wb") as file:
        command = [str(BIN / "vouch"), "up", *options]
        process = subprocess.Popen(
            command, cwd=project, env=ENVIRONMENT, stdout=file, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + PATIENCE
    while "vouch is up" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(log.read_text())
        time.sleep(0.5)
    return process, f"http://127.0.0.1:{ports[-1]}"


def invite(project: Path) -> dict[str, str]:
    """Add the people; return the address at which each sets a password."""
    return {
        name: vouch(project, "review", "add", name, "--role", role).split()[-1]
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


def take(project: Path, out: Path, address: str) -> None:
    """Take every page."""
    from playwright.sync_api import sync_playwright

    links = invite(project)
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
            page.goto(vouch(project, "link").split()[-1])
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
    for name, path in {"lead": "/lead/fraud", "people": "/admin"}.items():
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
            vouch(project, "run", "fraud", "sentiment", "--no-prefect")
        for usecase in ("fraud", "sentiment"):
            print(re.sub(r"\s+", " ", vouch(project, "enqueue", usecase, "-n", "25")), flush=True)
        process, address = up(project)
        try:
            take(project, options.out, address)
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(60)


if __name__ == "__main__":
    main()
