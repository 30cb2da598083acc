"""What is normal at a place: mean and spread over healthy scans, by position in the image and in the head."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_vq.errors import InputError

__all__ = ["NormalMap"]

BINS = 12  # from the first to the last slice of a head; a tenth of a head is 10 to 15 mm
CHUNK = 256  # slices whose squares are held at a time
SIGMA_BINS = 1.0  # over which neighbouring bins lend their slices
FLOOR = 0.1  # of the root mean variance, added to each: a place where a few heads agree by chance is not that certain


class NormalMap:
    """Mean and standard deviation of a quantity, such as bits or brightness, in healthy slices.

    Both are smoothed over neighbouring pixels and slices, as a few patients say little of one.

    Args:
        maps: the quantity in healthy slices, [N, h, w].
        slice_positions: of each slice in its head, [N]; 0 is the first, 1 the last.
        sigma: of the smoothing within the slice, pixels of the map.

    Raises:
        InputError: if there is no slice, or a position is outside [0, 1].
    """

    def __init__(self, maps: NDArray[np.floating], slice_positions: NDArray[np.floating], sigma: float = 1.0) -> None:
        self._learn([(maps, slice_positions)], sigma)

    @classmethod
    def of_scans(
        cls, scans: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]], sigma: float = 1.0
    ) -> NormalMap:
        """Learns from maps and slice positions of one scan after another, of which only sums are kept.

        Raises:
            InputError: as the constructor.
        """
        normal = cls.__new__(cls)
        normal._learn(scans, sigma)
        return normal

    def _learn(self, scans: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]], sigma: float) -> None:
        sums: NDArray[np.float64] | None = None
        for maps, slice_positions in scans:
            part = _sums(maps, _checked(maps, slice_positions))
            sums = part if sums is None else sums + part
        if sums is None:
            raise InputError("no healthy scan to learn from; prepare with more patients in train and val.")
        number, total, squares = ndimage.gaussian_filter(sums, (0, SIGMA_BINS, sigma, sigma), mode="nearest")
        number = np.maximum(number, 1e-12)  # a bin far from every slice
        self.mean = total / number
        variance = np.maximum(squares / number - self.mean**2, 0)
        self.sd = np.sqrt(variance + FLOOR**2 * max(variance.mean(), 1e-12))

    def deviation(self, maps: NDArray[np.floating], slice_positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """How many standard deviations each place lies above (below, if negative) what is normal there, [N, h, w]."""
        shares = _shares(np.asarray(slice_positions, float))
        mean, sd = (np.tensordot(shares, table, axes=1) for table in (self.mean, self.sd))
        deviation: NDArray[np.float64] = (maps - mean) / sd
        return deviation


def _checked(maps: NDArray[np.floating], slice_positions: NDArray[np.floating]) -> NDArray[np.float64]:
    places = np.asarray(slice_positions, float)
    if len(maps) == 0 or places.shape != maps.shape[:1] or not ((places >= 0) & (places <= 1)).all():
        raise InputError(
            f"{len(maps)} maps with slice positions {places[:5].tolist()}…: expected one slice or more, "
            "and for each a position from 0 (first slice of its head) to 1."
        )
    return places


def _sums(maps: NDArray[np.floating], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number, sum and sum of squares of the slices of each bin, [3, BINS, h, w]."""
    sums = np.zeros((3, BINS, *maps.shape[1:]))
    for start in range(0, len(maps), CHUNK):
        part = np.asarray(maps[start : start + CHUNK], float)
        shares = _shares(places[start : start + CHUNK]).T
        for order in range(3):
            sums[order] += np.tensordot(shares, part**order, axes=1)
    return sums


def _shares(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of a slice belongs to each bin, [N, BINS]: to the two nearest centres, linearly."""
    return np.maximum(1 - np.abs(places[:, None] * (BINS - 1) - np.arange(BINS)), 0)
