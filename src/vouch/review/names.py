"""One person under several spellings, and which signs people may write."""

import re
import unicodedata

IGNORABLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Signs that show nothing: Unicode's Default_Ignorable_Code_Point, in DerivedCoreProperties.txt."""

BLANK_BRAILLE = "\u2800"
"""A Braille cell without dots: a symbol to Unicode, a space to the eye."""


def identity(name: str) -> str:
    """Return a person's identity: the name without letter case, width and outer spaces.

    Signs that nobody sees, such as zero-width spaces, are left out.
    """
    return " ".join(unicodedata.normalize("NFKC", visible(name)).casefold().split())


def visible(name: str) -> str:
    """Return a name without the signs that are not shown: ``IGNORABLE`` and category Cf."""
    shown = IGNORABLE.sub("", name).replace(BLANK_BRAILLE, " ")
    return "".join(sign for sign in shown if unicodedata.category(sign) != "Cf")


def is_plain(text: str) -> bool:
    """Return whether a text has no control characters but line breaks and tabs."""
    return not any(unicodedata.category(sign) == "Cc" and sign not in "\t\r\n" for sign in text)
