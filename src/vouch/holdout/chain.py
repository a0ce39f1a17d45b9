"""The hash chain over the ledger's rows: whoever changes one changes every digest after it.

Each row of the ledger has a link, written in the row's own transaction, whose digest covers the
row's content and the link before it (Haber and Stornetta 1991, How to time-stamp a digital
document, Journal of Cryptology 3). Triggers keep people from changing rows by mistake; the chain
shows what was changed in spite of them. It is not keyed: who can write the database can also
compute another chain. That one differs from the heads that were recorded elsewhere, see
:mod:`vouch.holdout.witness`.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from vouch.core.errors import PassingError
from vouch.holdout.tables import Base, Link
from vouch.results.holdouts import Head

BEGINNING = "ledger"
NOTHING = "0" * 64
"""What the first link of a first ledger has for a link before it."""
CHAINED = tuple(table for table in Base.metadata.sorted_tables if table.name != "chain")
UNCHAINED = "unchained"
"""Marks a column, in its ``info``, that no link covers: another column holds its digest."""
RESTORE = (
    "bring the ledger back from a copy, or the record if it is another ledger's (git checkout, or "
    "delete an evaluation.json and run again); if these holdouts shall be forgotten for good: "
    "vouch reset --forget-holdouts"
)

Kind = Literal[
    "missing ledger",
    "shorter chain",
    "other chain",
    "broken chain",
    "deleted row",
    "changed row",
    "inserted row",
]


@dataclass(frozen=True)
class Fault:
    """Something in which ledger, chain and recorded heads disagree.

    Attributes:
        kind: Which kind of tampering shows so.
        where: The row, the link, or the record that disagrees.
        detail: What was expected and what is there.
    """

    kind: Kind
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.detail}"


@dataclass(frozen=True)
class Recorded:
    """A head of the chain as it stands outside the ledger: ``where``, in words, and the head."""

    where: str
    head: Head


class TamperedError(PassingError):
    """The ledger is not the one that was recorded, or was changed; nothing is charged."""

    def __init__(self, store: str, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more: vouch holdout verify)" if len(faults) > 1 else ""
        super().__init__(f"{store}: the holdouts' ledger was changed: {faults[0]}{more}", RESTORE)
        self.faults = tuple(faults)


def begin(session: Session, after: Head | None) -> None:
    """Write the first link, and links for the rows that an earlier release left without any.

    Args:
        session: In a transaction, on a ledger without a chain.
        after: Head of a ledger that was forgotten; None: there was none.
    """
    rows = [(table, row) for table in CHAINED for row in _rows(session, table)]
    counts = dict(Counter(table.name for table, _ in rows))
    facts = {"adopted": counts, "nonce": os.urandom(32).hex(), "after": after and str(after)}
    first = json.dumps(facts, sort_keys=True)
    before = after.digest if after else NOTHING
    session.add(_link(1, BEGINNING, first, before, _digest(first)))
    session.flush()
    _extend(session, [(table.name, _key(table, row), _content(table, row)) for table, row in rows])


def append(session: Session, *entries: Base) -> None:
    """Add rows, and a link for each, in one transaction.

    Args:
        session: In a transaction, on a ledger with a chain.
        entries: New rows of the ledger's tables.
    """
    session.add_all(entries)
    session.flush()
    links = []
    for entry in entries:
        session.refresh(entry)  # the content counts as it will be read again
        table = Base.metadata.tables[entry.__tablename__]
        row = {column.name: getattr(entry, column.key) for column in _covered(table)}
        links.append((table.name, _key(table, row), _content(table, row)))
    _extend(session, links)


def head(session: Session) -> Head | None:
    """Return the newest link; None where there is no chain yet."""
    last = session.scalars(select(Link).order_by(Link.number.desc()).limit(1)).first()
    return _head(session, last) if last else None


def head_of(session: Session, subject: str, *key: object) -> Head | None:
    """Return the link of a row; None where it has none.

    Args:
        session: On a ledger with a chain.
        subject: The row's table.
        key: Its primary key.
    """
    link = session.scalars(select(Link).filter_by(subject=subject, row=json.dumps(key))).first()
    return _head(session, link) if link else None


def nonce(session: Session) -> bytes:
    """Return the random bytes of the first link, of which no two ledgers have the same."""
    first = session.get_one(Link, 1)
    return bytes.fromhex(json.loads(first.row)["nonce"])


def count(session: Session) -> int:
    """Count the rows of the ledger's tables."""
    queries = (select(func.count()).select_from(table) for table in CHAINED)
    return sum(session.scalar(query) or 0 for query in queries)


def faults(session: Session, records: Iterable[Recorded]) -> list[Fault]:
    """Compare the tables with the chain, and the chain with the recorded heads.

    Args:
        session: In a transaction, so that nobody writes meanwhile.
        records: The heads that stand outside the ledger.

    Returns:
        What disagrees: recorded heads, then links, then rows; empty where all agree.
    """
    links = list(session.scalars(select(Link).order_by(Link.number)))
    rows = {
        (table.name, _key(table, row)): _content(table, row)
        for table in CHAINED
        for row in _rows(session, table)
    }
    return [
        *_of_records(links, records, empty=not rows),
        *_of_links(links),
        *(_of_rows(links, rows) if links else ()),
    ]


def of_beginning(session: Session, forgotten: Head | None) -> list[Fault]:
    """Compare the ledger that the first link says was forgotten before with the record of it.

    Args:
        session: In a transaction.
        forgotten: Head of the ledger that the tracked file says was forgotten last, if any.
    """
    first = session.get(Link, 1)
    after = json.loads(first.row)["after"] if first else None
    if after == (forgotten and str(forgotten)) or first is None:
        return []
    detail = f"begins after {after or 'none'}, recorded as forgotten is {forgotten or 'none'}"
    return [Fault("other chain", "link 1", detail)]


def _of_records(
    links: Sequence[Link], records: Iterable[Recorded], *, empty: bool
) -> Iterator[Fault]:
    for record in records:
        head = record.head
        if not links and empty:
            yield Fault(
                "missing ledger", record.where, f"records link {head.number}, there is none"
            )
        elif head.number > len(links):
            detail = f"records link {head.number}, the chain ends with {len(links)}"
            yield Fault("shorter chain", record.where, detail)
        elif (got := links[head.number - 1].digest) != head.digest:
            detail = f"records link {head.number} as {head.digest[:12]}, it is {got[:12]}"
            yield Fault("other chain", record.where, detail)


def _of_links(links: Sequence[Link]) -> Iterator[Fault]:
    """Yield the links that do not follow from the one before."""
    before = links[0].previous if links else NOTHING
    for place, link in enumerate(links, 1):
        same = _link(link.number, link.subject, link.row, link.previous, link.content)
        if link.number != place:
            detail = f"comes after link {place - 1}: links between them are gone"
            yield Fault("broken chain", f"link {link.number}", detail)
            return
        if link.previous != before or link.digest != same.digest:
            yield Fault("broken chain", f"link {link.number}", "its digest does not follow")
            return
        before = link.digest


def _of_rows(links: Sequence[Link], rows: Mapping[tuple[str, str], str]) -> Iterator[Fault]:
    linked = {(link.subject, link.row): link for link in links if link.subject != BEGINNING}
    for key, link in linked.items():
        where = f"{key[0]} {key[1]}"
        if key not in rows:
            yield Fault("deleted row", where, f"link {link.number} is of it, it is gone")
        elif rows[key] != link.content:
            detail = f"link {link.number} has {link.content[:12]}, the row is {rows[key][:12]}"
            yield Fault("changed row", where, detail)
    for subject, row in rows.keys() - linked.keys():
        yield Fault("inserted row", f"{subject} {row}", "no link is of it")


def _extend(session: Session, rows: Sequence[tuple[str, str, str]]) -> None:
    last = session.scalars(select(Link).order_by(Link.number.desc()).limit(1)).one()
    number, before = last.number, last.digest
    for subject, key, content in rows:
        link = _link(number := number + 1, subject, key, before, content)
        before = link.digest
        session.add(link)
    session.flush()


def _link(number: int, subject: str, row: str, previous: str, content: str) -> Link:
    digest = _digest(json.dumps([number, subject, row, previous, content]))
    return Link(
        number=number, subject=subject, row=row, previous=previous, content=content, digest=digest
    )


def _head(session: Session, link: Link) -> Head:
    first = link if link.number == 1 else session.get(Link, 1)
    return Head(ledger=first.digest if first else NOTHING, number=link.number, digest=link.digest)


def _covered(table: Table) -> list[Any]:
    return [column for column in table.columns if UNCHAINED not in column.info]


def _rows(session: Session, table: Table) -> Iterator[dict[str, Any]]:
    query = select(*_covered(table)).order_by(*table.primary_key.columns)
    for row in session.execute(query).mappings():
        yield {column.name: row[column.name] for column in _covered(table)}


def _key(table: Table, row: Mapping[str, Any]) -> str:
    return json.dumps([row[column.name] for column in table.primary_key.columns])


def _content(table: Table, row: Mapping[str, Any]) -> str:
    """Digest a row: its values by column, without those that a later release may add as null."""
    values = {name: value for name, value in row.items() if value is not None}
    # as it is read again: the keys of answers become text, and can be sorted
    plain = json.loads(json.dumps(values, default=_iso))
    return _digest(json.dumps([table.name, plain], sort_keys=True))


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
