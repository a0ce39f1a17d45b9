r"""What a sentence encoder reads of a text, in Spark's own SQL: a saved pipeline needs no Python.

The same as :mod:`vouch.usecases.sentiment.cleaning` does for scikit-learn's models, as far as SQL
goes: of HTML's named entities only the common ones are undone.
"""

from vouch.engine.encoders import Reading

READ = "encoder_text"
"""The column that :func:`statement` adds."""
ENTITIES = {
    "lt": "<",
    "gt": ">",
    "quot": '"',
    "apos": "'",
    "nbsp": " ",
    "hellip": "…",
    "ndash": "–",
    "mdash": "—",
    "lsquo": "‘",
    "rsquo": "’",
    "ldquo": "“",
    "rdquo": "”",
    "euro": "€",
    "pound": "£",
}
# what is written \u2019 is read as JSON; then nothing else may mean anything in JSON
OTHER_ESCAPE, CONTROL = r"\\(?!u[0-9a-fA-F]{4})", r"[\x{0}-\x{1f}\x{7f}-\x{9f}]"
AMPERSANDS = r"&(?:amp;|#0*38;|#[xX]0*26;)(?:amp;)*"
TAG = r"(?is)</?[a-z][^<>]*>|<!--.*?-->"
LINK = r"(?iU)(?:https?://|www\.|\bpic\.twitter\.com/|\bt\.co/)\S+"
HANDLE = r"(?U)(?<![\w@.])@\w+"
# the tokenizer of Spark NLP knows ASCII's punctuation, and strips few marks: BERT's parts and
# strips all
MARKS, SIGNS = r"[\p{Mn}\p{C}&&[^\s\p{Cs}]]", r"([\p{P}&&[^\p{ASCII}]])"


def statement(reading: Reading) -> str:
    """Return the SQL that adds the column ``encoder_text`` to a table with a column ``text``.

    Args:
        reading: How the encoder reads a text.
    """
    text = "coalesce(text, '')"
    if reading.cleaned:
        text = _cleaned(text)
    text = _replace(_replace(text, MARKS, ""), SIGNS, " $1 ")
    # a blank: Spark NLP leaves out a text that is empty, and then there would be no numbers
    return f"SELECT *, concat({_literal(reading.prefix)}, {text}, ' ') AS {READ} FROM __THIS__"


def _cleaned(text: str) -> str:
    text = _replace(_unescaped(text), AMPERSANDS, "&")
    for name, character in ENTITIES.items():
        text = f"replace({text}, {_literal(f'&{name};')}, {_literal(character)})"
    text = _replace(_replace(text, "&#0*39;", "'"), TAG, " ")
    return _replace(_replace(text, LINK, "http"), HANDLE, "@user")


def _unescaped(text: str) -> str:
    r"""Return SQL that reads ``\u2019`` as the character it stands for."""
    escaped = _replace(_replace(text, CONTROL, " "), OTHER_ESCAPE, r"\\\\")
    escaped = _replace(escaped, '"', r"\\" + '"')
    parsed = f"""get_json_object(concat('{{"text":"', {escaped}, '"}}'), '$.text')"""
    return f"coalesce({parsed}, {text})"


def _replace(text: str, pattern: str, replacement: str) -> str:
    return f"regexp_replace({text}, {_literal(pattern)}, {_literal(replacement)})"


def _literal(value: str) -> str:
    """Write a string for Spark's SQL, which reads backslashes as escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
