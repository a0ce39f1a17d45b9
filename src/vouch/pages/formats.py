"""Numbers, shares, times and digests as people read them; what is missing is a dash."""

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

MISSING = "–"
SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def count(value: Any) -> str:
    """Write a whole number with its thousands separated."""
    return f"{value:,.0f}" if _is_number(value) else MISSING


def money(value: Any) -> str:
    """Write an amount: from a million on with its scale in words."""
    if not _is_number(value):
        return MISSING
    for size, name in SCALES:
        if abs(value) >= size:
            return f"{value / size:,.2f} {name}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def share(value: Any) -> str:
    """Write a share of 1 as a percentage of three digits."""
    if not _is_number(value):
        return MISSING
    percent = 100 * value
    if value in {0, 1} or abs(percent) >= 10:
        return f"{percent:.0f} %" if value in {0, 1} else f"{percent:.1f} %"
    if abs(percent) < 0.001:  # never rounded to nothing
        return "under 0.001 %"
    return f"{percent:.2f} %" if abs(percent) >= 1 else f"{percent:.2g} %"


def metric(value: Any) -> str:
    """Write a metric to three decimals, a very small one to two digits."""
    if not _is_number(value):
        return MISSING
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}"


def figure(measured: Any) -> str:
    """Write a number of the shape ``{"value", "interval"}`` with its interval.

    Returns:
        Such as ``0.812 (0.741 to 0.868)``.
    """
    if not isinstance(measured, Mapping) or not _is_number(measured.get("value")):
        return MISSING
    return f"{metric(measured['value'])}{between(measured.get('interval'), metric)}"


def price(measured: Any) -> str:
    """Write money of the shape ``{"value", "interval"}`` with its interval."""
    if not isinstance(measured, Mapping) or not _is_number(measured.get("value")):
        return MISSING
    return f"{money(measured['value'])}{between(measured.get('interval'), money)}"


def between(interval: Any, write: Any = metric) -> str:
    """Write an interval in brackets, led by a space; nothing if there is none."""
    if not isinstance(interval, list | tuple) or not all(_is_number(end) for end in interval):
        return ""
    return f" ({write(interval[0])} to {write(interval[1])})"


def when(value: Any) -> str:
    """Write a time given as ISO text, UTC, to the minute; a date where it is midnight."""
    if not isinstance(value, str | datetime):
        return MISSING
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError:
        return str(value)
    day = f"{time.day} {time:%b %Y}"
    return day if (time.hour, time.minute) == (0, 0) else f"{day} {time:%H:%M}"


def span(seconds: Any) -> str:
    """Write a duration given in seconds, in the unit that suits it."""
    if not _is_number(seconds):
        return MISSING
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} seconds"


def words(name: Any) -> str:
    """Write a field's name as words: ``roc_auc`` as ``ROC AUC``."""
    text = str(name).replace("macro_", "macro-").replace("_", " ").replace("roc auc", "ROC AUC")
    return text[:1].upper() + text[1:]


def algorithm(name: Any) -> str:
    """Write a learner's name as its authors do."""
    return {"xgboost": "XGBoost", "linear_svm": "Linear SVM"}.get(str(name), words(name))


def number_of(items: Any, name: str) -> str:
    """Count a list's items: ``1 feature``, ``2 features``."""
    count_of = len(items or [])
    return f"{count_of:,} {name}{'s' * (count_of != 1)}"


def plain(value: Any) -> str:
    """Write whatever a table of unknown columns holds."""
    if isinstance(value, Mapping) and "value" not in value:
        return ", ".join(f"{words(k)} {plain(v)}" for k, v in value.items()) or MISSING
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or MISSING
    if isinstance(value, Mapping):
        return figure(value)
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return count(value) if value == round(value) or abs(value) >= 1000 else metric(value)
    return MISSING if value in {None, ""} else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
