"""Delayed risk: what was known, when a payment happened, of frauds at its payer and payee.

A label counts from the moment it is issued, and never at its own row's moment. With a fixed delay
the windows are those of the Fraud Detection Handbook (Le Borgne et al. 2022, ch. 3), which shift
back by the delay. A later, stronger label that overturns one takes it back when it is issued.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis

from vouch.engine import microseconds, span, windows_once
from vouch.labels.resolve import TRUTH, rank, unrank
from vouch.usecases.fraud.features.feature import Computed, as_float, brief, computed, ratio
from vouch.usecases.fraud.features.windows import Party

if TYPE_CHECKING:
    from ibis import Table
    from ibis.expr.types import Value

DAY = span(timedelta(days=1))
VARIANTS = {"": "", "unflagged_": ", payments the rule did not flag"}


def news(rows: "Table", labels: "Table") -> "Table":
    """List what became known, and when.

    Args:
        rows: Rows with ``id``, ``at`` (microseconds) and the parties.
        labels: Issues of all sources; the truth in force counts.

    Returns:
        One row a change of an entity's truth: the row's parties, ``at`` (the moment it can be
        known from), ``happened`` (the payment's), ``known`` (1, or 0 for a change of mind),
        ``fraud`` (1, 0, or -1 for one taken back) and ``unflagged`` (the rule said 0).
    """
    truth = labels.filter(labels.in_force & labels.source.isin(TRUTH))
    flags = labels.filter(labels.source == "rule").group_by("entity")
    flagged = flags.aggregate(flagged=lambda rule: unrank(rank(rule).max())["label"])
    truths = truth.join(rows, truth.entity == rows.id).drop("id")
    truths = truths.mutate(happened=truths["at"], key=rank(truths))
    truths = truths.mutate(at=ibis.greatest(microseconds(truths.issued_at), truths.happened + 1))
    changes = _changes(truths).left_join(flagged, "entity")
    return changes.mutate(unflagged=(changes.flagged == 0).fill_null(False)).select(
        *[party for party in ("payer", "payee") if party in rows.columns],
        *("at", "happened", "known", "fraud", "unflagged"),
    )


def _changes(truths: "Table") -> "Table":
    parties = [party for party in ("payer", "payee") if party in truths.columns]
    moments = truths.group_by("entity", "at", "happened", *parties).aggregate(key=truths.key.max())
    # whole numbers as floats: engines add those fastest, and exactly
    so_far = ibis.range_window(group_by="entity", order_by="at", following=0)
    latest = moments.mutate(label=unrank(moments.key.max().over(so_far))["label"])
    before = latest.label.lag().over(ibis.window(group_by="entity", order_by="at"))
    return latest.mutate(
        known=before.isnull().cast("float64"),
        fraud=(latest.label > 0).cast("float64") - (before > 0).fill_null(False).cast("float64"),
    )


def with_risk(rows: "Table", changes: "Table", party: Party, lengths: tuple[timedelta, ...]) -> Any:
    """Compute a party's risk for each row.

    Args:
        rows: Rows with ``id``, ``at`` and the party.
        changes: What became known, from :func:`news`.
        party: Whose risk.
        lengths: Windows, over the moment something became known.

    Returns:
        A table of ``id`` and one column a feature (float32), and the list of its features.
    """
    stream = _stream(rows, changes, party)
    items = list(_features(stream, party, lengths))
    wide, columns = windows_once(stream, as_float(items))
    return wide.filter(wide.id.notnull()).select("id", **columns), [item.feature for item in items]


def _stream(rows: "Table", changes: "Table", party: Party) -> "Table":
    """Combine rows and label changes in one table by time; label changes have a null id."""
    nothing = ibis.null("float64")
    columns = {"known": changes.known, **_variant_columns(changes, "", True)}
    columns |= _variant_columns(changes, "unflagged_", changes.unflagged)
    row_events = rows.select("id", "at", party=rows[party], **dict.fromkeys(columns, nothing))
    news_events = changes.select(
        id=ibis.null("string"), at=changes["at"], party=changes[party], **columns
    )
    return row_events.union(news_events)


def _variant_columns(changes: "Table", variant: str, counts: Any) -> "dict[str, Value]":
    never = ibis.null("float64")
    fraud, genuine = changes.fraud > 0, (changes.fraud == 0) & (changes.known > 0)
    return {
        f"{variant}fraud": ibis.ifelse(counts, changes.fraud, 0.0),
        f"{variant}fraud_at": ibis.ifelse(fraud & counts, changes.happened, never),
        f"{variant}genuine_at": ibis.ifelse(genuine & counts, changes.happened, never),
    }


def _features(stream: "Table", party: Party, lengths: tuple[timedelta, ...]) -> Iterator[Computed]:
    for length in lengths:
        yield from _counts(stream, party, length)
    for variant, text in VARIANTS.items():
        yield from _moments(stream, party, variant, text)
        frame, length = _learned(max(lengths)), max(lengths)
        start = _days(stream, stream[f"{variant}fraud_at"].min().over(frame))
        name, what = f"{party}_{variant}since_fraud_{brief(length)}", f"days since the first{text}"
        yield computed(name, "risk", start, f"{what}, known lately at the {party}", length)


def _learned(length: timedelta) -> Any:
    return ibis.range_window(
        preceding=span(length) - 1, following=0, group_by="party", order_by="at"
    )


def _counts(stream: "Table", party: Party, length: timedelta) -> Iterator[Computed]:
    name, frame = brief(length), _learned(length)
    known_labels = _of(stream, stream.known.sum().over(frame))
    label = f"{party}_known_{name}"
    yield computed(label, "risk", known_labels, f"{party}'s labels that became known", length)
    for variant, text in VARIANTS.items():
        frauds = _of(stream, stream[f"{variant}fraud"].sum().over(frame))
        label = f"{party}_{variant}frauds_{name}"
        yield computed(label, "risk", frauds, f"{party}'s frauds that became known{text}", length)
        label = f"{party}_{variant}fraud_share_{name}"
        yield computed(label, "risk", ratio(frauds, known_labels), f"their share{text}", length)


def _moments(stream: "Table", party: Party, variant: str, text: str) -> Iterator[Computed]:
    frame = ibis.range_window(group_by="party", order_by="at", following=0)
    fraud, genuine = stream[f"{variant}fraud_at"], stream[f"{variant}genuine_at"]
    moments = {
        "first_fraud": fraud.min().over(frame),
        "last_fraud": fraud.max().over(frame),
        "last_genuine": genuine.max().over(frame),
    }
    for name, moment in moments.items():
        what = f"days since the {party}'s {name.replace('_', ' known ')}{text}"
        label = f"{party}_{variant}since_{name}"
        yield computed(label, "risk", _days(stream, moment), what)
    newer = ratio(moments["last_fraud"] - moments["last_genuine"], ibis.literal(DAY))
    what = f"days the {party}'s last known fraud is newer than the last known genuine one{text}"
    yield computed(f"{party}_{variant}fraud_lead", "risk", _with_party(stream, newer), what)


def _of(stream: "Table", total: Any) -> Any:
    # what was taken back may have become known before the window
    return _with_party(stream, total.fill_null(0).clip(lower=0))


def _days(stream: "Table", moment: Any) -> Any:
    return _with_party(stream, ratio(stream["at"] - moment, ibis.literal(DAY)))


def _with_party(stream: "Table", value: Any) -> Any:
    return ibis.ifelse(stream.party.notnull(), value, ibis.null())
