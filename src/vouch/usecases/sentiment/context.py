"""What a text stands among: its length, its author's earlier texts, and the lexicon's word."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from vouch.engine import connect
from vouch.models.tokens import TOKEN
from vouch.pages.formats import count, when
from vouch.results.context import Context, Statement
from vouch.sources.declaration import Declaration
from vouch.usecases.around import FIRST, Rule, flagged, gather
from vouch.usecases.classes import class_names
from vouch.usecases.sentiment import vader

MOST_WORDS = 6
"""Words of the lexicon that are named."""
EARLIER = """WITH rows AS (
    SELECT id, {author} AS author, {time} AS time, {text} AS text, "{first}" AS first FROM around),
  own AS (FROM rows SEMI JOIN wanted USING (id))
  SELECT own.id, own.text, own.author, own.time, count(rows.id), min(rows.time)
  FROM own LEFT JOIN rows ON rows.author = own.author AND rows.time < own.time
    AND rows.id <> own.id AND coalesce(rows.first <= own.first + $lag, true)
  GROUP BY ALL"""


class Seen(NamedTuple):
    """A text as it was when it would have been scored, and how much its author wrote before.

    Attributes:
        text: The text as it came.
        author: Who wrote it; None: not known.
        time: When (UTC); None: not known.
        earlier: How many texts the author wrote strictly before.
        since: When the first of them was.
    """

    text: str
    author: str | None
    time: datetime | None
    earlier: int
    since: datetime | None


def contexts(
    rule: Rule, source: Declaration, silver: Path, ids: Sequence[str], lag: timedelta
) -> Iterator[Context]:
    """Yield the context of each text; see :meth:`vouch.usecases.contract.UseCase.context`.

    Args:
        rule: Adds the class that the source's rule gives each row.
        source: The source.
        silver: Silver rows, every version.
        ids: Which rows.
        lag: How long after a row is first known it is scored.
    """
    with connect() as backend:
        columns = gather(backend, silver, ids, ["author"], lag)
        lines = backend.con.execute(
            EARLIER.format(first=FIRST, **_plain(columns)), {"lag": lag}
        ).fetchall()
        classes = flagged(backend, rule, source)
    own = {name: Seen(text or "", *rest) for name, text, *rest in lines}
    for name in ids:
        seen = own[name]
        yield Context(
            time=seen.time,
            headline=tuple(_headline(source, seen)),
            rule=_rule(source, seen.text, classes[name]) if name in classes else None,
        )


def _plain(columns: frozenset[str]) -> dict[str, str]:
    kinds = {"text": "VARCHAR", "author": "VARCHAR", "time": "TIMESTAMP"}
    return {n: f"{n if n in columns else 'NULL'}::{kind}" for n, kind in kinds.items()}


def _headline(source: Declaration, seen: Seen) -> Iterator[Statement]:
    words = sum(any(map(str.isalnum, token)) for token in TOKEN.findall(seen.text))
    length = f"{count(len(seen.text))} characters"
    yield Statement(label="Words", value=count(words), comparison=length)
    if seen.author is not None and seen.time is not None:
        since = f"since {when(seen.since)}" if seen.since else "first text of this author"
        value = count(seen.earlier) if seen.earlier else "none"
        yield Statement(label="Author's earlier texts", value=value, comparison=since)


def _rule(source: Declaration, text: str, number: int) -> Statement:
    """Say which class the lexicon gives a text, and by which words."""
    assert source.rule is not None
    words = ", ".join(f"{word} {weight:+.1f}" for word, weight in valued(text)[:MOST_WORDS])
    score = f"score {vader.score(text)[3]:+.2f} of -1 to 1"
    return Statement(
        label=f"Rule {source.rule.name}",
        value=class_names(source)[number],
        comparison=f"{score}: {words}" if words else f"{score}, no word of its lexicon",
    )


def valued(text: str) -> list[tuple[str, float]]:
    """Return a text's words that the lexicon has, the strongest first; of equals as in the text.

    Args:
        text: A text as it came; as much of it counts as the rule reads.

    Returns:
        Each once, in lower case, and its valence, -4 to 4, before capitals, negations and the like
        change it.
    """
    lexicon = vader.lexicon()
    tokens = dict.fromkeys(token.lower() for token in TOKEN.findall(text[: vader.LONGEST]))
    pairs = [(token, lexicon[token]) for token in tokens if token in lexicon]
    return sorted(pairs, key=lambda pair: -abs(pair[1]))
