"""Pages laid out by a real browser, headless, at several widths."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
WIDTHS = (1100, 800, 400)
MEASURE = """
const scrolls = (node) => ["auto", "scroll"].includes(node.ownerDocument.defaultView
  .getComputedStyle(node).overflowX);
const outer = (node) => { let up = node.parentElement;
  while (up && up !== node.ownerDocument.body && !scrolls(up)) up = up.parentElement; return up; };
const called = (node) => node.tagName.toLowerCase() + (node.className ? "." + node.className : "")
  + " " + JSON.stringify(node.textContent.trim().slice(0, 40));
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
const measure = (frame) => {
  const page = frame.contentDocument, width = page.documentElement.clientWidth, wrong = [];
  for (const details of page.querySelectorAll("details")) details.open = true;
  for (const node of page.body.querySelectorAll("*")) {
    const up = outer(node), box = node.getBoundingClientRect();
    if (up !== page.body || !box.width || box.right <= 0) continue;
    if (box.right > width + 1) wrong.push("leaves the page: " + called(node));
  }
  const every = page.querySelectorAll("table");
  const clipped = (table) => scrolls(table.parentElement) ? table.parentElement : table;
  const tables = [...new Set([...every].map(clipped))];
  const boxes = tables.map((table) => table.getBoundingClientRect());
  for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++)
    if (meet(boxes[i], boxes[j])) wrong.push("overlaps: " + called(tables[i]));
  if (page.documentElement.scrollWidth > width) wrong.push("the page scrolls sideways");
  return { tables: every.length, wrong };
};
window.onload = () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) found[frame.width] = measure(frame);
  document.body.textContent = JSON.stringify(found);
};
"""


def layout(page: str, folder: Path) -> dict[int, dict[str, Any]]:
    """Lay a page out at each of the widths.

    Args:
        page: Its HTML.
        folder: Where the browser may write.

    Returns:
        By width, the number of ``tables``, and what is ``wrong``: elements that leave the page
        though nothing scrolls them, and tables that lie over each other.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    frames = "".join(
        f'<iframe width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe>'
        for width in WIDTHS
    )
    outer = folder / "frames.html"
    outer.write_text(f"<!doctype html><meta charset=utf-8><script>{MEASURE}</script>{frames}")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    data = f"--user-data-dir={folder / 'chromium'}"
    done = subprocess.run(
        [*command, data, outer.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    told = re.search("<body>(.*)</body>", done.stdout, re.DOTALL)
    assert told, done.stdout[-500:] + done.stderr[-500:]
    return {int(width): one for width, one in json.loads(html.unescape(told[1])).items()}


def check_layout(page: str, folder: Path) -> int:
    """See that a page is readable at each width.

    Returns:
        How many tables it has.
    """
    measured = layout(page, folder)
    wrong = {width: one["wrong"] for width, one in measured.items()}
    assert not any(wrong.values()), json.dumps(wrong, indent=2)
    (tables,) = {one["tables"] for one in measured.values()}
    return int(tables)
