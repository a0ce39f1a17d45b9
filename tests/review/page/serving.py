"""The review page on a real port, and a real browser that looks at it."""

import socket
import threading
import time
from contextlib import contextmanager

import uvicorn

from tests.browser import CHROMIUM
from tests.review.page.conftest import PASSWORD, STATE
from vouch.review.page.app import create


@contextmanager
def served(root):
    """Serve a project's page; yield its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(create(root, root / STATE, [host]), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://{host}"
        server.should_exit = True
        thread.join()


@contextmanager
def chromium():
    """Start a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def log_in(browser, address, name="Ann", **settings):
    """Open a page that keeps every message of the browser's console: there should be none."""
    page = browser.new_context(**settings).new_page()
    page.messages = []
    page.on("console", lambda message: page.messages.append(message.text))
    page.on("pageerror", lambda error: page.messages.append(str(error)))
    page.goto(f"{address}/login")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)  # where there is one queue it leads there
    return page


def case_of(page):
    """Return the case before the person."""
    return page.get_attribute("#case", "data-case")


def press(page, key):
    """Press a key, and wait for the next case."""
    before = case_of(page)
    page.keyboard.press(key)
    page.wait_for_function("b => document.querySelector('#case').dataset.case !== b", arg=before)
