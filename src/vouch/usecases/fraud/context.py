"""What a payment stands among: its parties' earlier payments, and where money went before it.

All cases are looked up at once: rows of none of their parties are left out first, so the time it
takes is that of reading the parties' columns once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from vouch.engine import connect
from vouch.results.context import HISTORY, NODES, Context, Edge, Flow, Node, Party, Payment
from vouch.sources.declaration import BALANCES, Declaration
from vouch.sources.readers import quoted
from vouch.usecases.around import FIRST, Rule, flagged, gather
from vouch.usecases.fraud.accounts import PARTIES
from vouch.usecases.fraud.headline import Past, Seen, headline, rule_statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RECENT = timedelta(days=3)
"""How long before a payment its flow of money begins."""
TYPES: dict[str, str] = {
    "time": "TIMESTAMP",
    "payer": "VARCHAR",
    "payee": "VARCHAR",
    **dict.fromkeys(("amount", *map(str, BALANCES)), "DOUBLE"),
}
"""Columns that every source is made to have; null where it has none."""
NO_KEYS = dict.fromkeys(PARTIES, "NULL::VARCHAR")
KEY = r"CASE WHEN regexp_matches({0}::VARCHAR, '\p{{L}}') THEN 'any ' ELSE '{0} ' END || {0}"
"""Whom a name means: a bare number may be customer 7 where it pays, and shop 7 where it is paid."""
SCORED = """CREATE TABLE scored AS SELECT {columns}, "{first}" AS first,
  {payer} AS payer_key, {payee} AS payee_key FROM around"""
SIDES = """CREATE VIEW sides AS
  SELECT id, time, amount, category, first, 'out' AS direction, payer_key AS key,
         payee AS counterpart, payee_key AS other FROM scored WHERE payer_key IS NOT NULL
  UNION ALL
  SELECT id, time, amount, category, first, 'in', payee_key, payer, payer_key FROM scored
  WHERE payee_key IS NOT NULL AND payee_key IS DISTINCT FROM payer_key"""
BEFORE = """CREATE TABLE before AS WITH asked AS (
    SELECT id, time, first, payer_key, payee_key, 'payer' AS party, payer_key AS key
    FROM scored SEMI JOIN wanted USING (id) WHERE payer_key IS NOT NULL
    UNION ALL
    SELECT id, time, first, payer_key, payee_key, 'payee', payee_key
    FROM scored SEMI JOIN wanted USING (id)
    WHERE payee_key IS NOT NULL AND payee_key IS DISTINCT FROM payer_key)
  SELECT asked.id AS own, party, payer_key, payee_key, asked.time AS own_time, sides.* EXCLUDE first
  FROM asked JOIN sides USING (key)
  WHERE sides.time < asked.time AND sides.id <> asked.id
    AND coalesce(sides.first <= asked.first + $lag, true)"""
"""Strictly earlier rows of each case's parties, as far as they were known when it was scored."""
PAST = """SELECT own,
    count(*) FILTER (party = 'payer' AND direction = 'out'),
    median(amount) FILTER (party = 'payer' AND direction = 'out'),
    min(time) FILTER (party = 'payee'),
    count(*) FILTER (party = 'payee' AND direction = 'in'),
    count(*) FILTER (party = 'payee' AND direction = 'in' AND other = payer_key),
    count(DISTINCT other) FILTER (
      party = 'payee' AND direction = 'in' AND other IS DISTINCT FROM payer_key)
  FROM before GROUP BY own"""
LATEST = """SELECT own, latest.* EXCLUDE id FROM (
    SELECT own, unnest(arg_max({'party': party, 'time': time, 'amount': amount,
      'category': category, 'direction': direction, 'counterpart': counterpart, 'id': id},
      (time, id), $most)) AS latest
    FROM before GROUP BY own, party)
  ORDER BY own, latest.time DESC, latest.id DESC, latest.party"""
LINKS = """WITH links AS (
    SELECT own, party, direction, other, min(counterpart) AS name, fsum(amount) AS total,
           count(*) AS count, other IS NOT DISTINCT FROM payer_key
             OR other IS NOT DISTINCT FROM payee_key AS between
    FROM before
    WHERE time >= own_time - $recent AND other IS NOT NULL AND other <> key
      AND NOT (party = 'payee' AND other IS NOT DISTINCT FROM payer_key)
    GROUP BY ALL),
  ranked AS (
    SELECT own, other, row_number() OVER (
      PARTITION BY own ORDER BY sum(abs(total)) DESC NULLS LAST, other) AS place
    FROM links WHERE NOT between GROUP BY own, other)
  SELECT own, party, direction, name, total, count, place
  FROM links LEFT JOIN ranked USING (own, other)
  WHERE between OR place <= $most ORDER BY own, place, party, direction"""


class Link(NamedTuple):
    """What went between a party and a neighbour shortly before the case.

    Attributes:
        party: ``payer`` or ``payee``.
        direction: ``out`` if the party paid.
        name: The neighbour.
        total: The sum; None: no amount is known.
        payments: In how many.
        place: The neighbour's rank by sums, from 1; None: it is the payee, who is no neighbour.
    """

    party: str
    direction: str
    name: str
    total: float | None
    payments: int
    place: int | None


def contexts(
    rule: Rule, source: Declaration, silver: Path, ids: Sequence[str], lag: timedelta
) -> Iterator[Context]:
    """Yield the context of each payment; see :meth:`vouch.usecases.contract.UseCase.context`.

    Args:
        rule: Adds the class that the source's rule gives each row.
        source: The source.
        silver: Silver rows, every version.
        ids: Which rows.
        lag: How long after a row is first known it is scored.
    """
    with connect() as backend:
        columns = gather(backend, silver, ids, PARTIES, lag)
        declared, connection = source.within(columns), backend.con
        _look_back(backend, declared, columns, lag)
        own = _by_id(connection, "SELECT * FROM scored SEMI JOIN wanted USING (id)")
        past = {row[0]: Past(*row[1:]) for row in connection.execute(PAST).fetchall()}
        latest = _grouped(connection, LATEST, {"most": HISTORY})
        links = _grouped(connection, LINKS, {"recent": RECENT, "most": NODES - 2})
        classes = flagged(backend, rule, declared)
    for name in ids:
        row = own[name]
        seen = Seen(**{field: row[field] for field in Seen._fields})
        yield Context(
            time=seen.time,
            amount=seen.amount,
            headline=tuple(headline(declared, seen, past.get(name, Past()))),
            rule=rule_statement(declared, classes[name]) if name in classes else None,
            history=tuple(
                Payment(**dict(zip(Payment.model_fields, line, strict=True)))
                for line in latest[name]
            ),
            flow=_flow(seen, [Link(*line) for line in links[name]]),
        )


def _look_back(backend: Any, source: Declaration, columns: frozenset[str], lag: timedelta) -> None:
    """Make tables ``scored``, of the rows around the cases, and ``before``, those earlier ones."""
    connection = backend.con
    keys = {party: KEY.format(party) for party in PARTIES if party in columns}
    connection.execute(
        SCORED.format(columns=_plain(source, columns), first=FIRST, **NO_KEYS | keys)
    )
    connection.execute(SIDES)
    connection.execute(BEFORE, {"lag": lag})


def _plain(source: Declaration, columns: frozenset[str]) -> str:
    """Return SQL for the columns of ``TYPES`` and the first category; a number is finite."""
    category = next(iter(source.of_role("category")), None)
    shown = ["id", f"{quoted(category) if category else 'NULL'}::VARCHAR AS category"]
    for name, kind in TYPES.items():
        value = f"{name}::{kind}" if name in columns else f"NULL::{kind}"
        finite = f"CASE WHEN isfinite({value}) THEN {value} END"
        shown.append(f"{finite if kind == 'DOUBLE' else value} AS {name}")
    return ", ".join(shown)


def _by_id(connection: "DuckDBPyConnection", query: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in connection.execute(query).to_arrow_table().to_pylist()}


def _grouped(
    connection: "DuckDBPyConnection", query: str, values: Mapping[str, Any]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return a query's rows by their first column, without it."""
    groups = defaultdict[str, list[tuple[Any, ...]]](list)
    for name, *rest in connection.execute(query, values).fetchall():
        groups[name].append(tuple(rest))
    return groups


def _flow(seen: Seen, links: Sequence[Link]) -> Flow:
    """Return the parties, what went between them before, and the case's own payment."""
    nodes, number = list[Node](), dict[str | int, int]()
    for party in get_args(Party):
        if (name := getattr(seen, party)) is not None:
            alone = party == "payee" and seen.payee_key == seen.payer_key
            number[party] = 0 if alone else len(nodes)
            nodes += [] if alone else [Node(name=name, part=party)]
    for link in links:
        if link.place is not None and link.place not in number:
            number[link.place] = len(nodes)
            nodes.append(Node(name=link.name, part="other"))
    edges = [_edge(link, number) for link in links]
    if len(number.keys() & {"payer", "payee"}) == 2:
        ends = {"start": number["payer"], "end": number["payee"]}
        edges.append(Edge(**ends, sum=seen.amount, count=1, own=True))
    return Flow(nodes=tuple(nodes), edges=tuple(edges))


def _edge(link: Link, number: Mapping[str | int, int]) -> Edge:
    ends = number[link.party], number["payee" if link.place is None else link.place]
    start, end = ends if link.direction == "out" else ends[::-1]
    total = link.total if link.total is not None and isfinite(link.total) else None
    return Edge(start=start, end=end, sum=total, count=link.payments)
