"""Errors a user can act on."""

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches

CONTROLS = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""Escape sequences and control characters of terminals, including those that reverse text."""

MOST = 30
"""Names that a hint lists in full."""
EXAMPLES = 5
"""How many it lists of more names than that."""


class VouchError(Exception):
    """A mistake of the user's or a limit of the data, shown without a traceback.

    Args:
        message: What was wrong: names the file, the field and what was got.
        hint: What to do about it, in the imperative.
        lines: What is shown below the message, each on a line of its own.
    """

    def __init__(self, message: str, hint: str = "", lines: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.lines = tuple(lines)


class PassingError(VouchError):
    """What is in the way just now; what was given has no part in it and may be tried again."""


def is_of_data(error: Exception) -> bool:
    """Return whether an error comes from what was given, and would come again.

    A full disk, a database that does not answer or missing memory is none of these.
    """
    kinds = (VouchError, ValueError, TypeError, LookupError, ArithmeticError)
    return isinstance(error, kinds) and not isinstance(error, PassingError)


def suggest(name: str, names: Iterable[str]) -> str:
    """Return a hint with the names there are, the nearest one first.

    Args:
        name: What the user wrote; neither its case nor spaces around it matter.
        names: The names that would have been understood.

    Returns:
        A sentence such as ``did you mean 'paysim'? Known: cards, paysim``. Of more than ``MOST``
        names it has ``EXAMPLES``, the near ones before others, and how many more there are.
    """
    choices = sorted(names)
    folded = {choice.casefold(): choice for choice in reversed(choices)}
    close = [folded[each] for each in get_close_matches(name.strip().casefold(), folded, EXAMPLES)]
    suggestion = f"did you mean {close[0]!r}? " if close else ""
    if len(choices) > MOST:
        shown = list(dict.fromkeys([*close, *choices]))[:EXAMPLES]
        choices = [*shown, f"and {len(choices) - EXAMPLES:,} more"]
    return f"{suggestion}Known: {', '.join(choices) or 'none'}"


def plain(text: object) -> str:
    """Return a text without control sequences, which names of files and columns may hold.

    Nor does it begin a line: what follows a line break in a value could pass for a line of ours.
    Bytes of a file's name that are no UTF-8 are written as such: printing them would fail.
    """
    line = CONTROLS.sub("", str(text)).replace("\n", " ")
    return line.encode("utf-8", "backslashreplace").decode()


def one_line(text: object, most: int | None = None) -> str:
    """Return a text from data as it is shown within a line: without spaces beyond single ones.

    Args:
        text: Any.
        most: How many characters to show; None: all.
    """
    line = " ".join(plain(text).split())
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"


def check_utf8(text: str, message: str, hint: str) -> None:
    """Check that a text is UTF-8: neither DuckDB, DVC nor JSON can hold other names of files.

    Raises:
        VouchError: It is not; with the message and the hint.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise VouchError(message, hint) from None


def described(error: Exception) -> str:
    """Return an error in one line: what was wrong and what to do, or its kind."""
    if isinstance(error, VouchError):
        return f"{error} ({error.hint})" if error.hint else str(error)
    return f"{type(error).__name__}: {error}"


def show(error: VouchError) -> int:
    """Write an error on standard error, in two lines and those that it has itself.

    Returns:
        The exit code, 1.
    """
    print(f"error: {plain(error)}", file=sys.stderr)
    for line in error.lines:
        print(f"  {plain(line)}", file=sys.stderr)
    if error.hint:
        print(f"  try: {plain(error.hint)}", file=sys.stderr)
    return 1
