"""Elements of SVG: escaped, well-formed whatever the data holds, the same bytes each time."""

import re
from math import log10
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from vouch.pages.formats import MISSING

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold."""
NAMESPACE = "http://www.w3.org/2000/svg"
WIDE, CAPITAL, NARROW = 1.1, 0.75, 0.54
"""Widths of letters, in ems: of East Asian ones, of capitals and of others."""

LETTERS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
"""Scales of amounts, and the letters that stand for them."""

Attribute = str | float | None


def clean(text: str) -> str:
    """Return a text in which characters that XML forbids are replaced."""
    return FORBIDDEN.sub("\ufffd", text)


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """Return an element; children that are no markup and attributes are escaped.

    Args:
        name: The element's name.
        children: What stands in it.
        attributes: Its attributes: an underscore for each hyphen, and one at the end of a word of
            Python's; numbers are written to a tenth, what is None is left out.
    """
    # plain strings of escaped parts: a picture has a hundred elements
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(part if isinstance(part, Markup) else escape(clean(part)) for part in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")


def _value(value: str | float) -> str:
    """Return an attribute's value, escaped."""
    if isinstance(value, str):
        return escape(clean(value))
    tenths = f"{value:.1f}".removesuffix(".0")
    return "0" if tenths == "-0" else tenths


def picture(
    kind: str, width: float, height: float, title: str, description: str, *children: Markup
) -> Markup:
    """Return a whole picture, which screen readers tell by its title and description.

    Args:
        kind: Its class, beside ``picture``.
        width: Units across.
        height: Units down.
        title: What it shows.
        description: What is to be seen.
        children: Its elements.
    """
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *children,
        xmlns=NAMESPACE,
        class_=f"picture {kind}",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
    )


def label(text: str, x: float, y: float, class_: str = "", anchor: str | None = None) -> Markup:
    """Return a line of text.

    Args:
        text: What it says.
        x: Where it begins, or what ``anchor`` says.
        y: Its base line.
        class_: Its class, beside ``label``.
        anchor: ``middle`` or ``end``; None: the start.
    """
    classes = f"label {class_}".strip()
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=classes)


def shorten(text: str, ems: float) -> str:
    """Return a text that is about so wide at most: of a longer one its beginning and its end.

    Args:
        text: Any text, of any script.
        ems: Its width in ems, at least 3.
    """
    flat = " ".join(clean(text).split())
    if sum(map(_width, flat)) <= ems:
        return flat
    half = (ems - WIDE) / 2
    return f"{_fitting(flat, half)}…{_fitting(flat[::-1], half)[::-1]}"


def _fitting(text: str, ems: float) -> str:
    width = 0.0
    for place, letter in enumerate(text):
        width += _width(letter)
        if width > ems:
            return text[:place]
    return text


def _width(letter: str) -> float:
    if east_asian_width(letter) in "WF":
        return WIDE
    return CAPITAL if letter.isupper() or letter in "mwMW@%" else NARROW


def compact(amount: float | None) -> str:
    """Write an amount in a few characters, such as ``12.3k`` or ``1.25M``."""
    if amount is None:
        return MISSING
    for size, sign in LETTERS:
        if abs(amount) >= size:
            return f"{_digits(amount / size)}{sign}"
    return _digits(amount)


def _digits(number: float) -> str:
    """Write a number with three digits, a very large one with its power of ten."""
    return f"{number:.0f}" if 100 <= abs(number) < 1e4 else f"{number:.3g}"


def magnitude(amount: float | None) -> float:
    """Return an amount on the pictures' logarithmic scale, 0 or more."""
    return log10(1 + abs(amount or 0.0))


def share(value: float, low: float, high: float) -> float:
    """Return where a value lies between two others, 0 to 1; in the middle if they are one."""
    return (value - low) / (high - low) if high > low else 0.5
