"""Label issues: who labelled which row, how, and when.

The rule's label is issued at the row's time; the truth arrives after its delay, for every class.
"""

from typing import TYPE_CHECKING, Any, Protocol

import ibis

from vouch.engine import microseconds, moment
from vouch.sources.declaration import Declaration, Delay

if TYPE_CHECKING:
    from ibis import Table

DIGITS = "0123456789abcdef"
DRAWN = 8  # hexadecimal digits of a case's digest that make its random number


COLUMNS = (
    "entity",
    "label",
    "source",
    "actor",
    "issued_at",
    "case",
    "propensity",
    "model_version",
    "confidence",
    "final",
    "sealed",
)
HELD = "holdout"
"""The source of people's decisions on rows of the holdout, and the stream of their cases: they are
never in force, so nothing learns from them while it is the holdout."""


class Labeller(Protocol):
    """What differs in labelling; a use case is one, see :mod:`vouch.usecases.contract`."""

    @property
    def truth(self) -> str:
        """The source of labels that a source's own label column is."""

    def rule(self, rows: "Table", source: Declaration) -> "Table":
        """Add ``flagged``, the class that a source's rule gives each row."""


def issues(
    rows: "Table",
    declaration: Declaration,
    labeller: Labeller,
    use: tuple[str, ...],
    reviews: "Table | None" = None,
) -> "Table":
    """Issue the labels that a source's rows contain, and those of people.

    Args:
        rows: Silver rows, every version: ``id``, ``time`` and ``label`` where the source has
            them, ``label_confidence`` too, what the rule reads, ``known_at``,
            ``superseded_at``.
        declaration: Says the rule and how late the truth is.
        labeller: Applies the rule, and names the truth.
        use: Sources of labels that are in force.
        reviews: People's issues, if there are any.

    Returns:
        One row an issue: entity, label (int8), source, actor, issued_at, case, propensity,
        model_version, confidence (0 to 1, how sure who gave the label was, or null), final
        (whether no majority overrules it), in_force.

    Raises:
        VouchError: The rule's condition is wrong.
    """
    parts = []
    if declaration.rule:
        parts.append(_rule(rows, declaration, labeller))
    if "label" in rows.columns:
        parts.append(_truth(rows, declaration, labeller.truth))
    if reviews is not None:
        held = reviews.stream == HELD
        source = ibis.ifelse(held.fill_null(False), HELD, reviews.source)
        parts.append(reviews.mutate(source=source).select(*COLUMNS))
    if not parts:
        parts.append(_shape(rows.filter(False), ibis.literal(0), "rule", "none", rows.known_at))
    issued = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return issued.mutate(in_force=issued.source.isin(use))


def truth(
    rows: "Table", declaration: Declaration, labeller: Labeller, use: tuple[str, ...]
) -> "Table":
    """Issue the truth of rows that have a label, in the columns of :func:`issues`."""
    issued = _truth(rows, declaration, labeller.truth)
    return issued.mutate(in_force=issued.source.isin(use))


def _rule(rows: "Table", declaration: Declaration, labeller: Labeller) -> "Table":
    rule = declaration.rule
    assert rule is not None
    flagged = labeller.rule(rows, declaration)
    return _shape(flagged, flagged.flagged, "rule", rule.name, flagged.known_at)


def _truth(rows: "Table", declaration: Declaration, truth: str) -> "Table":
    labelled = rows.filter(rows.label.notnull())
    arrives = _arrival(labelled, declaration)
    issued = labelled.mutate(issued_at=ibis.greatest(labelled.known_at, arrives))
    # a version corrected before its truth arrives never gets that truth
    standing = issued.filter(
        issued.superseded_at.isnull() | (issued.superseded_at > issued.issued_at)
    )
    return _shape(standing, standing.label, truth, declaration.name, standing.issued_at, sure=True)


def _arrival(rows: "Table", declaration: Declaration) -> Any:
    happened = rows.time if "time" in rows.columns else rows.known_at
    if "label_time" in rows.columns:
        # a label without a time counts as known at its row's time
        return ibis.greatest(rows.label_time.fill_null(happened), happened)
    delay = declaration.truth.delay if declaration.truth else Delay()
    return moment(microseconds(happened) + _delay(rows.id, delay, declaration.name))


def _delay(entity: Any, delay: Delay, salt: str) -> Any:
    mean = int(delay.mean.total_seconds() * 1e6)
    if delay.distribution == "fixed":
        return ibis.literal(mean, "int64")
    return (uniform(entity, salt).log() * -mean).cast("int64")


def uniform(entity: Any, salt: str) -> Any:
    """Draw a number for each name, the same one every time and on every engine.

    Args:
        entity: A string expression.
        salt: Another salt, other numbers.

    Returns:
        A float64 expression, above 0 and below 1.
    """
    digest = (ibis.literal(f"{salt}:") + entity).hexdigest("md5")
    places = [
        ibis.literal(DIGITS).find(digest.substr(place, 1)).cast("int64") * 16**place
        for place in range(DRAWN)
    ]
    return (sum(places[1:], places[0]) + 0.5) / 16**DRAWN


def _shape(
    rows: "Table", label: Any, source: str, actor: str, issued_at: Any, *, sure: bool = False
) -> "Table":
    has_confidence = sure and "label_confidence" in rows.columns
    return rows.select(
        entity=rows.id,
        label=label.cast("int8"),
        source=ibis.literal(source),
        actor=ibis.literal(actor),
        issued_at=issued_at.cast("timestamp(6)"),
        case=ibis.null("string"),
        propensity=ibis.null("float64"),
        model_version=ibis.null("string"),
        confidence=rows.label_confidence if has_confidence else ibis.null("float64"),
        final=ibis.literal(False),
        sealed=ibis.null("binary"),
    )
