"""Functions that every engine has and Ibis lacks."""

from datetime import datetime, timedelta
from typing import Any

import ibis

MICROSECOND = timedelta(microseconds=1)


@ibis.udf.scalar.builtin(name="epoch_us")
def _epoch_us(time: datetime) -> int:
    """Return microseconds since 1970 (UTC), as DuckDB; see :data:`vouch.engine.spark.NAMES`."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(name="make_timestamp")
def _make_timestamp(microseconds: int) -> datetime:
    """Return the time so many microseconds after 1970 (UTC), as DuckDB."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(name="round")
def _round(number: float) -> float:
    """Return the nearest whole number, as a float."""
    raise NotImplementedError


def microseconds(time: Any) -> Any:
    """Turn a timestamp expression into whole microseconds since 1970 (int64)."""
    return _epoch_us(time).cast("int64")


def moment(microseconds: Any) -> Any:
    """Turn whole microseconds since 1970 into a timestamp expression, without a zone (UTC)."""
    return _make_timestamp(microseconds).cast("timestamp(6)")


def whole(number: Any) -> Any:
    """Round a float64 expression, halves away from zero; Ibis' own would overflow an integer."""
    return _round(number)


def span(duration: timedelta) -> int:
    """Turn a duration into whole microseconds."""
    return duration // MICROSECOND
