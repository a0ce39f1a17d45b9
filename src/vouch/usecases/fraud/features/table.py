"""All features of a source, from its roles: one expression that serves every engine and purpose."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from vouch.engine import microseconds, windows_once
from vouch.sources.declaration import Declaration
from vouch.usecases.fraud.features.feature import Computed, Feature, as_float
from vouch.usecases.fraud.features.plain import amounts, balances, categories, observe, times
from vouch.usecases.fraud.features.risk import news, with_risk
from vouch.usecases.fraud.features.windows import Party, habits, windows, with_usual
from vouch.usecases.fraud.params import GROUPS, Group

if TYPE_CHECKING:
    from ibis import Table

PARTIES: tuple[Party, ...] = get_args(Party)
CARRIED = ("id", "time", "amount", "payer", "payee")


def features(
    history: "Table",
    declaration: Declaration,
    labels: "Table | None" = None,
    groups: Sequence[Group] = GROUPS,
    values: dict[str, list[str]] | None = None,
) -> tuple["Table", list[Feature]]:
    """Compute the features of every row.

    A row sees itself, strictly earlier rows, and labels issued by its own time: rows and labels
    that come later change nothing. Parties without a history get no windows, habits or risk;
    sources without a time get only the features of a single row.

    Args:
        history: Silver rows, one version an ``id``: those to compute features for and all before.
        declaration: Says what the columns mean, the windows, and who has a history.
        labels: Issued labels; without them there is no risk group.
        groups: Groups to make.
        values: Each category's values as extract.json has them, so that new rows get the columns
            of training; observed in ``history`` if None.

    Returns:
        ``id``, ``time``, ``amount``, ``payer``, ``payee`` (as far as the source has them) and the
        features (float32, NaN where undefined), in no particular order of rows; and the list of
        the features in column order.
    """
    parties = _with_history(history, declaration)
    rows = history.mutate(at=microseconds(history.time)) if "time" in history.columns else history
    if "payer" in parties and "amount" in rows.columns and "habits" in groups:
        rows = with_usual(rows)
    plain = [
        item for item in _by_row(rows, declaration, parties, values) if item.feature.group in groups
    ]
    carried = [name for name in CARRIED if name in rows.columns]
    # the amount is carried as it came (float64): as a feature it is that same column
    numeric = as_float(item for item in plain if item.feature.name not in carried)
    wide, columns = windows_once(rows, numeric)
    table = wide.select(*carried, **columns)
    described = [item.feature for item in plain]
    if labels is not None and parties and "risk" in groups and declaration.has("label"):
        table, risk = _add_risk(table, rows, labels, declaration, parties)
        described += risk
    return table, described


def _with_history(rows: "Table", declaration: Declaration) -> tuple[Party, ...]:
    if "time" not in rows.columns:
        return ()
    declared = {c.role: c for c in declaration.columns.values()}
    return tuple(p for p in PARTIES if p in rows.columns and declared[p].history)


def _by_row(
    rows: "Table",
    declaration: Declaration,
    parties: tuple[Party, ...],
    values: dict[str, list[str]] | None,
) -> list[Computed]:
    observed = observe(rows, declaration) if values is None else values
    items = [*amounts(rows, declaration), *categories(rows, observed), *balances(rows)]
    if "time" in rows.columns:
        items += times(rows)
    for party in parties:
        items += windows(rows, party, declaration.windows)
    if "zscore" in rows.columns and "usual_count" in rows.columns:
        items += habits(rows)
    return items


def _add_risk(
    table: "Table",
    rows: "Table",
    labels: "Table",
    declaration: Declaration,
    parties: tuple[Party, ...],
) -> tuple["Table", list[Feature]]:
    events = rows.select("id", "at", *parties)
    changes = news(events, labels)
    described: list[Feature] = []
    for party in parties:
        risk, columns = with_risk(events, changes, party, declaration.windows)
        table = table.join(risk, "id")
        described += columns
    return table, described
