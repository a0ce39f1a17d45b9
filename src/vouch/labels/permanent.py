"""Permanent random numbers, by which rows are drawn for people."""

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from vouch.engine import connect
from vouch.labels.issues import uniform


def permanent(entities: pd.Series, purpose: str) -> NDArray[np.float64]:
    """Draw each row's permanent random number, above 0 and below 1, the same one for ever.

    Args:
        entities: The rows' ids.
        purpose: What they are drawn for, such as the use case: another one, other numbers.
    """
    named = pa.table({"place": np.arange(len(entities)), "entity": pa.array(entities, pa.string())})
    with connect() as engine:
        table = ibis.memtable(named)
        drawn = table.select("place", u=uniform(table.entity, f"review:{purpose}"))
        numbers = engine.to_pandas(drawn.order_by("place"))["u"]
    return numbers.to_numpy(np.float64)
