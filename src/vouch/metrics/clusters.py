"""Which rows are evidence of their own, and which belong together.

Frauds come in accounts and texts in near-duplicates: what holds for one row of such a cluster
mostly holds for the others. A figure's error is therefore taken from clusters: each row has an
influence, the figure's change per row more of its kind, and the squares of the clusters' sums of it
add up to the variance (Obuchowski 1997, Nonparametric analysis of clustered ROC curve data,
Biometrics 53; it is what drawing whole clusters again and again tends to, Davison and Hinkley 1997,
Bootstrap methods and their application, 2.7 and 3.8). Where rows belong together in two ways, by
payer and by payee, both count and what both have in common counts once (Cameron, Gelbach and Miller
2011, Robust inference with multiway clustering, Journal of Business & Economic Statistics 29).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vouch.metrics.weighted import effective

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Spread:
    """How far a figure may be off, and how much evidence says so.

    Attributes:
        variance: Its squared standard error; infinite where all evidence is one cluster.
        clusters: How many clusters of equal size carry as much evidence, at least 1 if any does
            (Kish's effective number).
        rows: The same if each row were its own cluster.
    """

    variance: float
    clusters: float
    rows: float


@dataclass(frozen=True)
class Clusters:
    """Rows by what they have in common.

    Attributes:
        rows: How many there are.
        columns: What rows may have in common; without any each row is its own cluster.
        codes: For each column the rows' clusters, numbers from 0, each of shape (rows,).
    """

    rows: int
    columns: tuple[str, ...] = ()
    codes: tuple[Integers, ...] = ()

    def of(self, chosen: Bools | Integers) -> "Clusters":
        """Return the clusters of some rows.

        Args:
            chosen: Which, shape (rows,), or their places.
        """
        codes = tuple(each[chosen] for each in self.codes)
        rows = int(chosen.sum()) if chosen.dtype == np.bool_ else len(chosen)
        return Clusters(rows, self.columns, codes)

    @cached_property
    def _joint(self) -> tuple[tuple[int, Integers], ...]:
        """For each choice of columns the sign it counts with, and the clusters of all of them."""
        parts: list[tuple[int, Integers]] = []
        for size in range(1, len(self.codes) + 1):
            for chosen in combinations(self.codes, size):
                parts.append((-1 if size % 2 == 0 else 1, together(chosen)))
        return tuple(parts)

    def spread(self, influence: Floats, counted: Floats) -> Spread:
        """Return how far a figure may be off.

        Args:
            influence: Of each row on it, shape (rows,).
            counted: How much each row counts as evidence, at least 0, shape (rows,): 1 of a
                positive and 0 of others where evidence is as rare as positives are.

        Returns:
            The variance, at least that of independent rows, so that clusters whose sums cancel out
            by chance do not look sure.
        """
        rows = effective(counted)
        alone = float(np.square(influence).sum())
        squares = [float(np.square(sums(c, influence)).sum()) for _, c in self._joint]
        signed = sum(sign * s for (sign, _), s in zip(self._joint, squares, strict=True))
        variance = max([alone, signed, *squares[: len(self.codes)]])
        clusters = self._effective(squares, counted, rows)
        if clusters <= 1:
            return Spread(np.inf if rows else np.nan, clusters, rows)
        # few clusters tell their own variance too small; of independent rows nothing changes
        return Spread(variance * clusters / (clusters - 1) * (rows - 1) / rows, clusters, rows)

    def _effective(self, squares: Sequence[float], counted: Floats, rows: float) -> float:
        """Return how many clusters there are by the column by which the figure varies most."""
        counts = [effective(sums(codes, counted)) for codes in self.codes]
        by_variance = sorted(zip((-s for s in squares), counts, strict=False))
        return by_variance[0][1] if by_variance else rows

    def main(self, influence: Floats) -> Integers:
        """Return the clusters by which a figure varies most, numbers from 0, shape (rows,)."""
        if not self.codes:
            return np.arange(self.rows)
        squares = [float(np.square(sums(c, influence)).sum()) for c in self.codes]
        return self.codes[int(np.argmax(squares))]

    def connected(self) -> Integers:
        """Return what has nothing in common with any other rows, numbers from 0, shape (rows,).

        Rows are connected that agree in any column, or that others connect.
        """
        if not self.codes:
            return np.arange(self.rows)
        ends, first = list[Integers](), self.rows  # a row's neighbours are its clusters
        for codes in self.codes:
            ends.append(first + codes)
            first += int(codes.max(initial=-1)) + 1
        rows, clusters = np.tile(np.arange(self.rows), len(self.codes)), np.concatenate(ends)
        edges = coo_array((np.ones(len(rows), np.bool_), (rows, clusters)), shape=(first, first))
        return numbered(connected_components(edges, directed=False)[1][: self.rows])

    def count(self) -> int:
        """Count the clusters by the column that makes fewest of the rows."""
        return min((len(np.unique(each)) for each in self.codes), default=self.rows)

    def evidence(self, counted: Floats) -> float:
        """Return how many clusters of equal size carry as much evidence, by the same column.

        Args:
            counted: How much each row counts as evidence, at least 0, shape (rows,).
        """
        counts = (effective(sums(codes, counted)) for codes in self.codes)
        return min(counts, default=effective(counted))


def independent(rows: int) -> Clusters:
    """Return rows that have nothing in common."""
    return Clusters(rows)


def clusters_of(frame: pd.DataFrame, columns: Sequence[str]) -> Clusters:
    """Return a table's rows by what they have in common.

    Args:
        frame: The table.
        columns: Those that tell it, as far as the table has them and knows any of their values; a
            row without a value is its own cluster.
    """
    there = [name for name in columns if name in frame and frame[name].notna().any()]
    codes = tuple(coded(frame[name]) for name in there)
    return Clusters(len(frame), tuple(there), codes)


def coded(values: ArrayLike) -> Integers:
    """Number values from 0 on; those that are missing get a number each."""
    codes: Integers = pd.factorize(np.asarray(values))[0].astype(np.int64)
    alone = np.flatnonzero(codes < 0)
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(len(alone))
    return codes


def numbered(codes: Integers) -> Integers:
    """Number clusters anew from 0 on, so that none is without rows."""
    fresh: Integers = pd.factorize(codes)[0].astype(np.int64)
    return fresh


def sums(codes: Integers, values: Floats) -> Floats:
    """Sum values of rows by their clusters, shape (clusters,)."""
    return np.bincount(codes, values).astype(np.float64)


def together(codes: Sequence[Integers]) -> Integers:
    """Return the clusters of rows that agree in every one of some columns."""
    joint = codes[0]
    for each in codes[1:]:
        joint = numbered(joint * (each.max(initial=0) + 1) + each)
    return joint
