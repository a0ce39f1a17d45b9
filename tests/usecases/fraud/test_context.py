"""The context of payments against an oracle that looks at one pair of rows at a time."""

import json
import statistics
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vouch.results.context import HISTORY, LONGEST, NODES, Context, Edge, Flow, Node
from vouch.sources.declaration import Declaration
from vouch.usecases import find

START = datetime(2024, 1, 1)
HOUR = timedelta(hours=1)
LAG = timedelta(hours=2)
SOURCE = Declaration.model_validate(
    {
        "name": "made",
        "format": "csv",
        "columns": {
            "number": {"role": "id"},
            "when": {"role": "time"},
            "kind": {"role": "category"},
            "value": {"role": "amount"},
            "from": {"role": "payer"},
            "to": {"role": "payee"},
            "had": {"role": "payer_balance_before", "optional": True},
            "left": {"role": "payer_balance_after", "optional": True},
            "fraud": {"role": "label", "optional": True},
        },
        "rule": {"name": "large", "where": "amount > 50"},
    }
)
STRINGS = ("id", "kind", "payer", "payee")
TIMES = ("time", "known_at", "superseded_at", "arrived_at")


def silver(rows, folder):
    table = pd.DataFrame(rows)
    kinds = dict.fromkeys(TIMES, "datetime64[us]") | dict.fromkeys(STRINGS, "string")
    table = table.astype({name: kind for name, kind in kinds.items() if name in table})
    table.to_parquet(path := Path(folder) / "rows.parquet")
    return path


def payment(number, hours, payer, payee, amount=10.0, **changes):
    time = START + hours * HOUR
    row = {
        "id": f"row-{number}",
        "time": time,
        "kind": "transfer",
        "amount": amount,
        "payer": payer,
        "payee": payee,
        "label": 1,
        "known_at": time,
        "superseded_at": None,
        "arrived_at": START + 1000 * HOUR,
    }
    return row | changes


def contexts(rows, ids, source=SOURCE, lag=LAG):
    with TemporaryDirectory() as folder:
        made = list(find("fraud").context(source, silver(rows, folder), ids, lag))
    assert all(Context.model_validate(json.loads(json.dumps(c.content()))) == c for c in made)
    return made


@st.composite
def tables(draw):
    names = st.sampled_from(["a", "b", "c", "7", "8", "", None])
    amounts = st.sampled_from([0.0, 1.0, 10.0, 90.0, None])
    rows = []
    for number in range(draw(st.integers(2, 14))):
        hours = draw(st.integers(0, 100))
        row = payment(number, hours, draw(names), draw(names), draw(amounts))
        row["known_at"] += draw(st.sampled_from([0, 0, 0, 30])) * HOUR
        rows.append(row)
        if draw(st.integers(0, 3)) == 0:  # a correction, maybe of the parties too
            later = row["known_at"] + draw(st.sampled_from([1, 3, 40])) * HOUR
            new = {"payer": draw(names), "amount": draw(amounts), "arrived_at": later}
            rows.append(row | new | {"known_at": later})
            row |= {"superseded_at": later, "arrived_at": row["known_at"]}
    return rows


def as_scored(rows):
    """Return the version of each row in force when it was scored, and when it was first known."""
    versions = defaultdict(list)
    for row in rows:
        versions[row["id"]].append(row)
    for own in versions.values():
        first = min(row["known_at"] for row in own)
        standing = [
            row
            for row in own
            if row["known_at"] <= first + LAG
            and (row["superseded_at"] is None or row["superseded_at"] > first + LAG)
        ]
        yield standing[0] | {"first": first}


def key(role, name):
    return name if name is None or name.isalpha() else (role, name)


def earlier(own, rows, party):
    """Yield a party's rows before a row: direction, the other's key, and the row."""
    mine = key(party, own[party])
    for row in sorted(rows, key=lambda row: (row["time"], row["id"]), reverse=True):
        known = row["time"] < own["time"] and row["first"] <= own["first"] + LAG
        if mine is None or not known or row["id"] == own["id"]:
            continue
        ends = key("payer", row["payer"]), key("payee", row["payee"])
        if mine == ends[0]:
            yield "out", ends[1], row
        elif mine == ends[1]:
            yield "in", ends[0], row


@settings(max_examples=20, deadline=None)
@given(tables())
def test_a_context_holds_what_was_known_and_strictly_earlier(rows):
    scored = list(as_scored(rows))
    for own, context in zip(scored, contexts(rows, [row["id"] for row in scored]), strict=True):
        payer = key("payer", own["payer"])
        same = payer is not None and payer == key("payee", own["payee"])
        before = {"payer": list(earlier(own, scored, "payer"))}
        before["payee"] = [] if same else list(earlier(own, scored, "payee"))
        check_history(context, before)
        check_headline(context, own, before, same)
        check_flow(context, own, before, payer, same)


def check_history(context, before):
    for party, rows in before.items():
        shown = [row for row in context.history if row.party == party]
        assert [(row.time, row.direction, row.amount) for row in shown] == [
            (row["time"], direction, row["amount"]) for direction, _, row in rows[:HISTORY]
        ]
        assert [row.counterpart for row in shown] == [
            row["payee" if direction == "out" else "payer"] for direction, _, row in rows[:HISTORY]
        ]
    assert [row.time for row in context.history] == sorted(
        (row.time for row in context.history), reverse=True
    )


def check_headline(context, own, before, same):
    told = {statement.label: statement for statement in context.headline}
    assert (context.time, context.amount) == (own["time"], own["amount"])
    sent = [row["amount"] for direction, _, row in before["payer"] if direction == "out"]
    amounts = [amount for amount in sent if amount is not None]
    if own["amount"] is not None and own["payer"] is not None:
        words = told["Amount"].comparison
        assert ("first payment of this payer" in words) == (not sent)
        assert not amounts or f"median {statistics.median(amounts):,.2f} of" in words
        assert not sent or f"{len(sent)} payment" in words
    if own["payee"] is not None and not same:
        never = told["Payee known for"].value == "never seen before"
        assert never == (not before["payee"])
        others = {
            other
            for direction, other, _ in before["payee"]
            if direction == "in" and other not in {key("payer", own["payer"]), None}
        }
        assert told["Payee paid by"].value.startswith(f"{len(others) or 'no'} other payer")
    flagged = own["amount"] is not None and own["amount"] > 50
    assert context.rule.value == ("flagged" if flagged else "not flagged")
    assert context.blind.rule is None


def check_flow(context, own, before, payer, same):
    sums = defaultdict(lambda: [0.0, 0])
    for party, rows in before.items():
        mine = key(party, own[party])
        for direction, other, row in rows:
            recent = row["time"] >= own["time"] - timedelta(days=3)
            if not recent or other in {None, mine} or (party == "payee" and other == payer):
                continue
            ends = (mine, other) if direction == "out" else (other, mine)
            sums[ends][0] += row["amount"] or 0.0
            sums[ends][1] += 1
    nodes, edges = context.flow.nodes, context.flow.edges
    assert sorted((round(e.sum or 0.0, 6), e.count) for e in edges if not e.own) == sorted(
        (total, count) for total, count in sums.values()
    )
    both = own["payer"] is not None and own["payee"] is not None
    assert [edge.sum for edge in edges if edge.own] == ([own["amount"]] if both else [])
    parts = [node.part for node in nodes if node.part != "other"]
    wanted = [party for party in ("payer", "payee") if own[party] is not None]
    assert parts == (["payer"] if same else wanted)
    named = {(nodes[e.start].name, nodes[e.end].name) for e in edges if not e.own}
    assert named == {tuple(n if isinstance(n, str) else n[1] for n in ends) for ends in sums}


def test_sizes_are_bounded_and_the_largest_neighbours_are_kept():
    rows = [payment(n, n / 10, f"payer{n}", "shop", float(n)) for n in range(60)]
    rows += [payment(100, 20, "x" * 9000, "shop", 5.0, kind="<k>" * 9000)]
    (context,) = contexts(rows, ["row-100"])
    assert len(context.history) == HISTORY
    assert len(context.flow.nodes) == NODES
    names = [node.name for node in context.flow.nodes[2:]]
    assert names == [f"payer{n}" for n in range(59, 49, -1)]
    assert len(context.flow.nodes[0].name) == LONGEST
    assert len(json.dumps(context.content())) < 20_000


def test_a_source_without_time_or_parties_gives_what_it_can():
    plain = SOURCE.model_copy(
        update={"columns": {n: c for n, c in SOURCE.columns.items() if n in {"number", "value"}}}
    )
    rows = [
        {name: row[name] for name in ("id", "amount", "known_at", "superseded_at", "arrived_at")}
        for row in (payment(1, 0, "a", "b", 60.0), payment(2, 1, "a", "b"))
    ]
    context, _ = contexts(rows, ["row-1", "row-2"], plain)
    assert [(s.label, s.value, s.comparison) for s in context.headline] == [("Amount", "60.00", "")]
    assert context.rule.value == "flagged"
    assert (context.time, context.history, context.flow.nodes) == (None, (), ())


def test_balances_say_whether_they_fit_the_amount():
    rows = [
        payment(1, 1, "a", "b", 40.0, payer_balance_before=40.0, payer_balance_after=0.0),
        payment(2, 1, "a", "b", 40.0, payer_balance_before=90.0, payer_balance_after=80.0),
        payment(3, 1, "a", "b", 40.0, payer_balance_before=90.0, payer_balance_after=float("nan")),
    ]
    told = [
        [s.comparison for s in context.headline if s.label == "Payer's balance"]
        for context in contexts(rows, ["row-1", "row-2", "row-3"])
    ]
    assert told == [
        ["falls by the amount: emptied"],
        ["falls by 10.00, not by the amount"],
        [],
    ]


def test_amounts_beyond_all_bounds_are_told_in_words():
    rows = [payment(n, n, "a", "b", amount) for n, amount in enumerate([5e-324, 1e308, 1e308])]
    first, second, third = contexts(rows, ["row-0", "row-1", "row-2"])
    assert second.headline[0].comparison.startswith("median 0.00 of 1 payment")
    assert third.flow.edges[0].sum == pytest.approx(1e308)
    assert first.headline[0].comparison == "first payment of this payer"


def test_no_label_is_told():
    rows = [payment(1, 0, "a", "b"), payment(2, 1, "a", "b")]
    honest = [row | {"label": 0} for row in rows]
    assert contexts(rows, ["row-2"]) == contexts(honest, ["row-2"])


def test_a_context_refuses_what_it_cannot_draw():
    node = Node(name="a", part="payer")
    with pytest.raises(ValidationError, match="a node that is not there"):
        Flow(nodes=(node,), edges=(Edge(start=0, end=1, sum=1.0, count=1),))
    with pytest.raises(ValidationError):
        Flow(nodes=(node,) * (NODES + 1))
    with pytest.raises(ValidationError):
        Edge(start=0, end=0, sum=float("inf"), count=1)
