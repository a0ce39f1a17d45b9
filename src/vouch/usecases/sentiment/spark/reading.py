r"""What a sentence encoder reads of a text, in Spark's own SQL: a saved pipeline needs no Python.

The same as :mod:`vouch.usecases.sentiment.cleaning` does for scikit-learn's models, as far as SQL
goes: of HTML's named entities those of HTML 4 are undone, where a semicolon ends them.
"""

from functools import cache
from html.entities import html5, name2codepoint
from unicodedata import category, normalize

from vouch.engine.encoders import Reading

READ = "encoder_text"
"""The column that :func:`statement` adds."""
# what is written \u2019 is read as JSON; then nothing else may mean anything in JSON
OTHER_ESCAPE, JSON_CONTROL = r"\\(?!u[0-9a-fA-F]{4})", r"[\x{0}-\x{1f}]"
HIGH, LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
HALF = rf"{HIGH}(?!{LOW})|(?<!{HIGH}){LOW}"  # one alone is no JSON
AMPERSANDS = r"&(?:amp;|#0*38;|#[xX]0*26;)(?:amp;)*"
ENTITY = r"^&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|([a-zA-Z][a-zA-Z0-9]*);)"
NOTHING = r"[\x{1}-\x{8}\x{b}\x{e}-\x{1f}\x{7f}]"  # what HTML reads as nothing where numbered
TAG = r"(?is)</?[a-z][^<>]*>|<!--.*?-->"
LINK = r"(?iU)(?:https?://|www\.|\bpic\.twitter\.com/|\bt\.co/)\S+"
HANDLE = r"(?U)(?<![\w@.])@\w+"
CONTROL = r"[\x{0}-\x{1f}\x{7f}-\x{9f}\x{2028}\x{2029}\x{feff}\x{fffd}]"
# the tokenizer of Spark NLP knows ASCII's punctuation and not all blanks, strips few marks, and
# reads longer words: BERT's parts and strips all, and a word of more than 100 characters is unknown
# to it, as one of more than 200 is to Spark NLP's
BLANK, MARKS = r"\p{Z}", r"[\p{Mn}\p{Cc}\p{Cf}\p{Co}\x{fffd}&&[^\t\n\r]]"
SIGNS, LONG = r"([\p{P}&&[^\p{ASCII}]])", r"[\p{L}\p{N}&&[^\p{IsHan}]]{101,}"


def statement(reading: Reading) -> str:
    """Return the SQL that adds the column ``encoder_text`` to a table with a column ``text``.

    Args:
        reading: How the encoder reads a text.
    """
    text = "coalesce(text, '')"
    if reading.cleaned:
        text = _cleaned(text)
    text = _replace(_replace(text, BLANK, " "), MARKS, "")
    text = f"translate({text}, {', '.join(map(_literal, _letters()))})"
    text = _replace(_replace(text, SIGNS, " $1 "), LONG, "$0$0")
    # a blank: Spark NLP leaves out a text that is empty, and then there would be no numbers
    return f"SELECT *, concat({_literal(reading.prefix)}, {text}, ' ') AS {READ} FROM __THIS__"


@cache
def _letters() -> tuple[str, str]:
    """Return letters that Spark NLP reads otherwise, and what BERT reads.

    Spark NLP strips the marks of Latin, Greek and Cyrillic letters; BERT those of all, such as of
    kana and of Arabic. Java lowers a sigma by its place in a word. Letters that are nothing but
    marks come last, and have no counterpart.
    """
    letters = {"Σ": "σ"}
    for letter in map(chr, range(0x80, 0x10000)):
        parts = normalize("NFD", letter)
        marks = [part for part in parts if category(part) == "Mn"]
        if parts != letter and any(not 0x300 <= ord(mark) <= 0x36F for mark in marks):
            letters[letter] = "".join(part for part in parts if part not in marks)
    alone = {letter: base for letter, base in letters.items() if len(base) <= 1}
    order = sorted(alone, key=lambda letter: -len(alone[letter]))
    return "".join(order), "".join(alone[letter] for letter in order)


def _cleaned(text: str) -> str:
    text = _without_entities(_replace(_unescaped(text), AMPERSANDS, "&"))
    text = _replace(_replace(_replace(text, TAG, " "), LINK, "http"), HANDLE, "@user")
    return _replace(text, CONTROL, " ")


def _unescaped(text: str) -> str:
    r"""Return SQL that reads ``\u2019`` as the character it stands for."""
    text = _replace(text, HALF, "\ufffd")
    escaped = _replace(_replace(text, JSON_CONTROL, " "), OTHER_ESCAPE, r"\\\\")
    escaped = _replace(escaped, '"', r"\\" + '"')
    parsed = f"""get_json_object(concat('{{"text":"', {escaped}, '"}}'), '$.text')"""
    return f"coalesce({parsed}, {text})"


def _without_entities(text: str) -> str:
    """Return SQL that reads ``&#8217;``, ``&#x2019;`` and ``&rsquo;`` as what they stand for.

    The text is parted before each ampersand, and what a part begins with looked up.
    """
    # HTML 5 has other brackets by two of the names
    names = {name: ord(html5[f"{name};"]) for name in (*name2codepoint, "apos")}
    codes = ", ".join(f"'{name}', {code}L" for name, code in names.items())
    hexadecimal, decimal, name = (
        f"regexp_extract(part, {_literal(ENTITY)}, {group})" for group in (1, 2, 3)
    )
    code = (
        f"coalesce(try_cast(conv(nullif({hexadecimal}, ''), 16, 10) AS bigint), "
        f"try_cast({decimal} AS bigint), element_at(map({codes}), {name}))"
    )
    character = _replace("decode(unhex(lpad(hex(one.code), 8, '0')), 'UTF-32BE')", NOTHING, "")
    # numbers of 128 to 159 are Windows' characters; half a character, and what is none, U+FFFD
    character = (
        "CASE WHEN one.code BETWEEN 55296 AND 57343 OR one.code > 1114111 THEN '\ufffd' "
        "WHEN one.code BETWEEN 128 AND 159 THEN decode(unhex(hex(one.code)), 'windows-1252') "
        f"ELSE {character} END"
    )
    rest = _replace("one.part", ENTITY, "")
    parts = f"transform(split({text}, '(?=&)'), part -> struct(part AS part, {code} AS code))"
    read = f"coalesce(concat({character}, {rest}), one.part)"
    return f"array_join(transform({parts}, one -> {read}), '')"


def _replace(text: str, pattern: str, replacement: str) -> str:
    return f"regexp_replace({text}, {_literal(pattern)}, {_literal(replacement)})"


def _literal(value: str) -> str:
    """Write a string for Spark's SQL, which reads backslashes as escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
