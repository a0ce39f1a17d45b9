"""The market report's page: one HTML file that loads nothing."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.pages import TEMPLATES, formats
from vouch.pages.figures import svg
from vouch.studies.market.findings import ALL, Test
from vouch.studies.market.params import MarketParams
from vouch.studies.market.regress import percent

if TYPE_CHECKING:
    from jinja2 import Environment

OWN = Path(__file__).parent / "templates"
SECTIONS = (
    ("summary", "Summary"),
    ("data", "What data"),
    ("texts", "What tweets say"),
    ("time", "Over time"),
    ("effect", "Do prices follow"),
    ("alerts", "Alerts"),
    ("method", "How it was done"),
)
FILTERS = ("between", "count", "metric", "number_of", "share", "span", "when", "words")
MOST_ALERTS = 25


class DirectedTest(Test):
    """A test with what leads: see :func:`ahead`."""

    direction: str


def render(content: Mapping[str, Any], images: Mapping[str, Any], params: MarketParams) -> str:
    """Render the page; everything that comes from data is escaped.

    Args:
        content: What ``market.json`` holds.
        images: Name to figure, None where there is nothing to draw; ``clouds``: PNG by class.
        params: What was looked for.
    """
    drawn = {name: _inline(svg(figure)) for name, figure in images.items() if name != "clouds"}
    clouds = [_inline(image, "png") for image in images["clouds"]]
    return (
        _environment()
        .get_template("market.html")
        .render(
            content,
            title="Tweets and prices: the market report",
            sections=SECTIONS,
            images=drawn,
            clouds=clouds,
            params=params,
            sure=percent(),
            ahead=ahead(content["analysis"]["tests"]),
            loudest=sorted(content["alerts"], key=lambda alert: -abs(alert["z"]))[:MOST_ALERTS],
            kinds={
                kind: sum(alert["kind"] == kind for alert in content["alerts"])
                for kind in ("price", "activity", "sentiment")
            },
            names={ALL: "All assets together"},
        )
    )


def ahead(tests: list[Test]) -> list[DirectedTest]:
    """Return each question's clearest test on all assets (on the only one, if there is one).

    Returns:
        A test a question, with ``direction``: ``price follows``, ``same window`` or ``price
        leads``.
    """
    best: dict[tuple[str, int], DirectedTest] = {}
    for test in tests:
        if test["series"] != tests[0]["series"] or test["effect"]["value"] is None:
            continue
        side = (test["lag"] > 0) - (test["lag"] < 0)
        key = (test["impulse"], side)
        if key not in best or abs(test["z"]) > abs(best[key]["z"]):
            direction = ("same window", "price follows", "price leads")[side]
            best[key] = {**test, "direction": direction}
    return list(best.values())


def _inline(image: bytes | None, kind: str = "svg+xml") -> str:
    return f"data:image/{kind};base64,{b64encode(image).decode()}" if image else ""


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([OWN, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(formats, name) for name in FILTERS}
    return environment
