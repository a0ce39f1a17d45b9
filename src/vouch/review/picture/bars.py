"""What speaks for the model's answer and what against it, as signed bars."""

from collections.abc import Sequence

from markupsafe import Markup

from vouch.pages.formats import count
from vouch.review.picture.svg import element, label, picture, shorten

WIDTH, ROW, MOST = 480, 24, 8
TEXT_EMS = 28.5
AXIS, REACH = 394, 46
"""Where bars begin, and how long the longest is, in units."""
BAR = 11


def bars(reasons: Sequence[tuple[str, float]]) -> Markup:
    """Draw reasons as bars: to the right what speaks for the answer, to the left what against it.

    Args:
        reasons: Words and weight, the heaviest first; the first 8 are drawn.

    Returns:
        SVG, 480 units wide.
    """
    shown = list(reasons[:MOST])
    height = ROW * max(len(shown), 1) + 8
    title = "Reasons for the model's answer, and against it"
    if not shown:
        empty = label("no reasons", WIDTH / 2, height / 2 + 4, "soft", "middle")
        return picture("bars", WIDTH, height, title, "no reasons", empty)
    longest = max(abs(weight) for _, weight in shown) or 1.0
    rows = [
        _row(words, weight, weight / longest * REACH, 4 + place * ROW)
        for place, (words, weight) in enumerate(shown)
    ]
    axis = element("line", x1=AXIS, x2=AXIS, y1=2, y2=height - 2, class_="axis")
    positive = sum(weight > 0 for _, weight in shown)
    told = f"{count(positive)} speak for it, {count(len(shown) - positive)} against it"
    return picture("bars", WIDTH, height, title, told, *rows, axis)


def _row(words: str, weight: float, length: float, top: float) -> Markup:
    middle, side = top + ROW / 2, "for" if weight > 0 else "against"
    bar = element(
        "rect",
        x=min(AXIS, AXIS + length),
        y=middle - BAR / 2,
        width=max(abs(length), 1),
        height=BAR,
        rx=1.5,
        class_=f"bar {side}",
    )
    end, anchor = (AXIS + length + 5, None) if weight > 0 else (AXIS + length - 5, "end")
    number = label(f"{weight:+.2f}".replace("-", "−"), end, middle + 3.5, f"weight {side}", anchor)
    text = label(shorten(words, TEXT_EMS), 2, middle + 4)
    return element("g", element("title", f"{words} ({weight:+.3f})"), text, bar, number)
