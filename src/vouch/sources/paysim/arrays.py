"""Tables of arrays: what payments of PaySim's own clients and of regular ones have in common."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Arrays:
    """A table whose fields are arrays of one length, a row at each position."""

    def part(self, rows: slice | Ints) -> Self:
        """Return some of the rows, in the order given."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def together(cls, parts: Iterable[Self]) -> Self:
        """Return all parts' rows, one part after the other."""
        tables = list(parts)
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in tables]) for name in names))
