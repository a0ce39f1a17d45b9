"""The parties' earlier payments over time, and the case's own."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from vouch.pages.formats import MISSING, count, money, when
from vouch.results.context import Payment
from vouch.review.picture.svg import compact, element, label, magnitude, picture, share

WIDTH, HEIGHT = 480, 90
LEFT, RIGHT, TOP, BOTTOM = 46, 456, 24, 66
TEXT = 84
"""The base line of the times below the axis."""
RADIUS, OWN_RADIUS = 3.5, 5.5


def timeline(
    history: Sequence[Payment], own_time: datetime | None, own_amount: float | None
) -> Markup:
    """Draw earlier payments over time, by the logarithm of their amounts.

    The payer's are circles, the payee's squares; of a party that was paid they are hollow.

    Args:
        history: Earlier payments, in any order.
        own_time: When the case's payment was; None: not known, then nothing is earlier.
        own_amount: Its amount; None: not known.

    Returns:
        SVG of 480 to 90 units.
    """
    earlier = sorted(history, key=lambda row: (row.time, row.model_dump_json()))
    title = "Earlier payments of payer and payee"
    if own_time is None or not earlier:
        told = "No earlier payment of these parties" if own_time else "Payments without times"
        return picture("timeline", WIDTH, HEIGHT, title, told, *_empty(told))
    sizes = [magnitude(row.amount) for row in earlier] + [magnitude(own_amount)]
    low, high = min(sizes), max(sizes)
    span = (own_time - earlier[0].time).total_seconds()

    def across(time: datetime) -> float:
        gone = (time - earlier[0].time).total_seconds()
        return LEFT + 8 + share(gone, 0, span) * (RIGHT - LEFT - 8)

    def down(amount: float | None) -> float:
        return BOTTOM - 5 - share(magnitude(amount), low, high) * (BOTTOM - TOP - 10)

    dots = [_dot(row, across(row.time), down(row.amount)) for row in earlier]
    told = f"{count(len(earlier))} earlier payments since {when(earlier[0].time)}"
    own = _own(down(own_amount), f"this payment: {money(own_amount)}, {when(own_time)}")
    amounts = [*[row.amount for row in earlier], own_amount]
    frame = _frame(amounts, when(earlier[0].time), when(own_time))
    return picture("timeline", WIDTH, HEIGHT, title, told, *frame, *_legend(), *dots, own)


def _empty(text: str) -> list[Markup]:
    axis = element("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis")
    return [axis, label(text, WIDTH / 2, (TOP + BOTTOM) / 2, "soft", "middle")]


def _frame(amounts: Sequence[float | None], first: str, last: str) -> list[Markup]:
    sizes = [amount for amount in amounts if amount is not None]
    top, bottom = (max(sizes, key=abs), min(sizes, key=abs)) if sizes else (None, None)
    lines = [
        element("line", x1=LEFT, x2=RIGHT, y1=TOP + 5, y2=TOP + 5, class_="grid"),
        element("line", x1=LEFT, x2=RIGHT + 12, y1=BOTTOM, y2=BOTTOM, class_="axis"),
        label(compact(top), LEFT - 6, TOP + 8, "amount", "end"),
        label(first, LEFT, TEXT, "soft"),
        label(last, RIGHT + 14, TEXT, "soft", "end"),
    ]
    if top != bottom:
        lines.append(label(compact(bottom), LEFT - 6, BOTTOM - 2, "amount", "end"))
    return lines


def _legend() -> list[Markup]:
    marks = [_shape("payer", "out", LEFT + 4, 9), _shape("payee", "out", LEFT + 56, 9)]
    marks += [label("payer", LEFT + 12, 12.5), label("payee", LEFT + 64, 12.5)]
    marks += [_shape("payer", "in", LEFT + 108, 9), _shape("payee", "in", LEFT + 118, 9)]
    own = element("circle", cx=LEFT + 188, cy=9, r=RADIUS + 1, class_="dot own")
    return [*marks, label("was paid", LEFT + 127, 12.5), own, label("this case", LEFT + 197, 12.5)]


def _shape(party: str, direction: str, x: float, y: float, *children: Markup) -> Markup:
    classes = f"dot {party} {direction}"
    if party == "payer":
        return element("circle", *children, cx=x, cy=y, r=RADIUS, class_=classes)
    size, side = RADIUS - 0.4, 2 * RADIUS - 0.8
    place = {"x": x - size, "y": y - size, "width": side, "height": side}
    return element("rect", *children, **place, class_=classes)


def _dot(row: Payment, x: float, y: float) -> Markup:
    way = "to" if row.direction == "out" else "from"
    kind = f", {row.category}" if row.category else ""
    told = f"{row.party}: {money(row.amount)} {way} {row.counterpart or MISSING}{kind}"
    title = element("title", f"{told}, {when(row.time)}")
    return _shape(row.party, row.direction, x, y, title)


def _own(y: float, told: str) -> Markup:
    line = element("line", x1=RIGHT, x2=RIGHT, y1=TOP - 4, y2=BOTTOM, class_="own")
    dot = element("circle", cx=RIGHT, cy=y, r=OWN_RADIUS, class_="dot own")
    return element("g", element("title", told), line, dot)
