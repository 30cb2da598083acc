"""Whether published means give away what belongs to a few patients.

A published mean with its number of patients is a sum over them, known to everybody. From several of them follow all
their linear combinations: differences of two groups, of a group and its split, of unions of groups of different
attributes, and any other. A few patients are given away if one of these combinations is of theirs alone
(Hundepool et al. 2012, Statistical Disclosure Control, ch. 4)::

    coefficients, a row a published sum              a combination that vanishes
                                                     but for the last patient
       patients   1  2  3  4  5  6
       split    [ 1  1  1  1  1  1 ]  × −1
       AD       [ 1  1  1  0  0  0 ]  × +1     →     [ 0  0  0  0  0 −1 ]
       site 2   [ 0  0  0  1  1  0 ]  × +1

A combination is of the patients Q alone if it vanishes on all others, so one exists just if the rank of the rows falls
when the columns of Q are left out. Not all sets of patients have to be tried. Patients whom every sum treats alike are
in a combination together or not at all; and a combination that vanishes on as many independent columns as there are
rows vanishes everywhere, so Q has somebody of every basis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["MIN_PATIENTS", "PRIME", "PublishedSums"]

MIN_PATIENTS = 5
PRIME = 2**31 - 1  # of the field that ranks are computed in: products of two fit into 64 bits
MOST_STEPS = 2000  # of a search; one that needs more counts as having found somebody


@dataclass(frozen=True, eq=False)
class PublishedSums:
    """Sums of patients' values that are published, or may be.

    Attributes:
        coefficients: of each value in each sum, int64 [sums, values], modulo `PRIME`.
        owners: number of the patient whom each value belongs to, int [values], from 0 without gaps. A patient has
            several values where sums are of different slices.
    """

    coefficients: np.ndarray
    owners: np.ndarray

    def give_away_few(self, published: list[int]) -> bool:
        """Whether a combination of some sums is of 1 to `MIN_PATIENTS` − 1 patients alone.

        No is certain for combinations with fractions as weights, as far as ranks modulo `PRIME` are those of fractions:
        always where the sums are plain ones and at most 22 are independent of each other (Hadamard's bound on their
        determinants), and but for a chance of about 1e-9 beyond. Yes may also say that the search was given up.

        Args:
            published: the numbers of the sums.
        """
        columns, owners, sizes = _alike(self.coefficients[published], self.owners)
        everywhere = np.ones(len(owners), dtype=bool)
        independent = _eliminate(columns, everywhere).used
        return _Search(owners, sizes).finds(independent, everywhere, MIN_PATIENTS - 1)


class _Search:
    """A search for columns without which the rank falls, over those who own them.

    Args:
        owners: of each column.
        sizes: of each owner, the number of patients who are alike.
    """

    def __init__(self, owners: np.ndarray, sizes: np.ndarray) -> None:
        self.owners, self.sizes, self.steps = owners, sizes, 0

    def finds(self, rows: np.ndarray, left: np.ndarray, budget: int) -> bool:
        """Whether the rank falls without the columns that are not left and those of up to `budget` further patients.

        Args:
            rows: independent over all columns, [rows, columns].
            left: the columns that are not left out, bool [columns].
            budget: number of patients who may still be left out.
        """
        self.steps += 1
        if self.steps > MOST_STEPS:
            return True
        many = left & (self.sizes[self.owners] > budget)  # to be left out whole or not at all, and too many for that
        rows = _eliminate(rows, many).over
        light = left & ~many
        over, pivots, _ = _eliminate(rows, light)
        if len(over):  # vanishes on all that is left, and not everywhere
            return True
        if not len(rows) or self._has_bases(rows, light, budget):
            return False
        for owner in dict.fromkeys(self.owners[pivots]):  # this one of the basis is left out, or a later one
            own = self.owners == owner
            if self.finds(rows, left & ~own, budget - int(self.sizes[owner])):
                return True
            rows = _eliminate(rows, own & left).over
            if not len(rows):
                return False
        return False

    def _has_bases(self, rows: np.ndarray, left: np.ndarray, budget: int) -> bool:
        """Whether there are more bases without a common owner than patients to leave out, one of whom is in each."""
        for _ in range(budget + 1):
            over, pivots, _ = _eliminate(rows, left)
            if len(over):
                return False
            left = left & ~np.isin(self.owners, self.owners[pivots])
        return True


def _alike(columns: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One owner in the place of all whom the sums treat alike: the columns, their owners, the owners' sizes."""
    order = np.lexsort((*columns, owners))  # an owner's own columns in an order that others with the same share
    columns, owners = columns[:, order], owners[order]
    starts = np.flatnonzero(np.diff(owners, prepend=-1)).tolist()
    places: dict[bytes, int] = {}
    kept: list[int] = []
    sizes: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(owners)], strict=True):
        key = columns[:, start:end].tobytes()
        if key in places:
            sizes[places[key]] += 1
        else:
            places[key] = len(sizes)
            kept.extend(range(start, end))
            sizes.append(1)
    _, numbers = np.unique(owners[np.array(kept)], return_inverse=True)
    return columns[:, np.array(kept)], numbers, np.array(sizes)


class _Elimination(NamedTuple):
    """What is left of rows once some columns were made 0 in turn, each by one of the rows.

    Attributes:
        over: combinations of the rows that vanish on the columns, [rows, columns].
        pivots: a basis of the columns.
        used: the rows, or combinations of them, that made the pivots' columns 0; independent of each other.
    """

    over: np.ndarray
    pivots: list[int]
    used: np.ndarray


def _eliminate(rows: np.ndarray, columns: np.ndarray) -> _Elimination:
    """Makes some columns 0, bool [columns]."""
    over: list[np.ndarray] = []
    used: list[np.ndarray] = []
    pivots: list[int] = []
    while len(rows):
        first, rows = rows[0], rows[1:]
        pivot = _first(first, columns)
        if pivot is None:
            over.append(first)
        else:
            used.append(first)
            pivots.append(pivot)
            rows = _without(rows, first, pivot)
    empty = np.zeros((0, len(columns)), dtype=np.int64)
    return _Elimination(np.array(over) if over else empty, pivots, np.array(used) if used else empty)


def _first(row: np.ndarray, columns: np.ndarray) -> int | None:
    """The first of some columns in which a row is not 0."""
    places = np.flatnonzero((row != 0) & columns)
    return int(places[0]) if len(places) else None


def _without(rows: np.ndarray, pivot_row: np.ndarray, pivot: int) -> np.ndarray:
    """The rows, each less as much of the pivot's as makes the pivot's column 0."""
    scaled = pivot_row * pow(int(pivot_row[pivot]), -1, PRIME) % PRIME
    return (rows - rows[:, pivot : pivot + 1] * scaled) % PRIME
