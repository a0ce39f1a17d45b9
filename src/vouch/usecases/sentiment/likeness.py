"""SQL for a text without links, handles and the like, and for near-duplicates of a text.

Two texts are near-duplicates if their first letters agree: 60 letters of any script, in lower case,
without handles, links, HTML, retweet marks, digits, punctuation, emoji and spaces. So a retweet, a
text cut off by its platform, a new link or price under the same words are found in one pass and
without pairs to compare; words that were replaced are not. Texts of fewer than 20 letters, such as
"gm", agree by chance and never count as near-duplicates.

The patterns are RE2's and have no braces, which Great Expectations would take for its own.
"""

TRIMMINGS = r"\bRT @\w+:?|https?://\S+|www\.\S+|@\w+|<[^>]*>|&#?\w+;"
"""Retweet marks, links, handles, HTML tags and entities."""
UNSEEN = r"[\s\pZ\pC]+"
"""Spaces and characters without a shape, such as zero-width joiners."""
NO_LETTERS = r"[^\pL\pM]+"
LATIN = "a-zA-Zªºà-öø-ÿÀ-ÖØ-ßĀ-ɏḀ-ỿ"
KEY_LETTERS = 60
FEWEST_LETTERS = 20


def bare(column: str) -> str:
    """Return SQL for a text without links, handles, HTML and retweet marks; emoji stay.

    Args:
        column: SQL for the text.
    """
    return f"regexp_replace({column}, '{TRIMMINGS}', ' ', 'g')"


def is_empty(column: str) -> str:
    """Return SQL for whether nothing visible is left of a text once it is bare.

    Args:
        column: SQL for the text.
    """
    return f"regexp_replace({bare(column)}, '{UNSEEN}', '', 'g') = ''"


def near_key(column: str) -> str:
    """Return SQL for a text's near-duplicate group; null for texts that are too short.

    Args:
        column: SQL for the text.
    """
    letters = f"regexp_replace(lower({bare(column)}), '{NO_LETTERS}', '', 'g')"
    long_enough = f"length({letters}) >= {FEWEST_LETTERS}"
    return f"CASE WHEN {long_enough} THEN left({letters}, {KEY_LETTERS}) END"


def is_other_script(column: str) -> str:
    """Return SQL for whether most letters of a text are not Latin.

    A script is no language, but it needs no model and is sure of short texts too: what is flagged
    is neither English nor any other language of the Latin script.

    Args:
        column: SQL for the text.
    """
    letters = f"length(regexp_replace({bare(column)}, '[^\\pL]+', '', 'g'))"
    latin = f"length(regexp_replace({bare(column)}, '[^{LATIN}]+', '', 'g'))"
    return f"2 * {latin} < {letters}"
