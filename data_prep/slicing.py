"""One volume to the slices of one plane, with their foreground masks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_vq.data import (
    PLANE_AXES,
    Volume,
    VolumeError,
    foreground_mask,
    foreground_window,
    plane_spacing,
    quantize,
    to_plane,
)
from monai_vq.errors import InputError

__all__ = ["DEFAULT_SLICE_RANGE", "DEFAULT_WINDOW", "ScanSlices", "SlicingSettings", "slice_volume"]

# Seen on montages of whole heads with neck: axial from the cerebellum to the vertex; coronal and sagittal without the
# slices that are mostly skin.
DEFAULT_SLICE_RANGE = {"axial": (0.5, 0.9), "coronal": (0.2, 0.8), "sagittal": (0.25, 0.75)}
DEFAULT_WINDOW = (0.5, 99.5)  # percentiles of the foreground: fat and vessels saturate, cortex uses most of the range


@dataclass(frozen=True)
class SlicingSettings:
    """What is cut from each volume.

    Attributes:
        plane: `axial`, `coronal` or `sagittal`.
        slice_range: part of the foreground's extent along the slice axis, as fractions (low, high).
        num_slices: at most so many slices, evenly spaced in the range; None for all.
        window: percentiles (low, high) of the foreground that become 0 and 1.
    """

    plane: str = "axial"
    slice_range: tuple[float, float] = DEFAULT_SLICE_RANGE["axial"]
    num_slices: int | None = None
    window: tuple[float, float] = DEFAULT_WINDOW

    def __post_init__(self) -> None:
        if self.plane not in PLANE_AXES:
            raise InputError(f"unknown plane {self.plane!r}; expected one of {', '.join(PLANE_AXES)}")
        low, high = self.slice_range
        if not 0 <= low < high <= 1:
            raise InputError(f"slice range {low:g} {high:g}: expected 0 <= LOW < HIGH <= 1, as in 0.5 0.9")
        if self.num_slices is not None and self.num_slices < 1:
            raise InputError(f"{self.num_slices} slices a volume: expected at least 1, or no --num_slices for all")
        low, high = self.window
        if not 0 <= low < high <= 100:
            raise InputError(f"window {low:g} {high:g}: expected percentiles 0 <= LOW < HIGH <= 100, as in 0.5 99.5")


@dataclass(frozen=True)
class ScanSlices:
    """The slices of one volume.

    Attributes:
        slices: uint16 [S, H, W]; 0 and 65535 are the window's ends.
        mask: foreground, bool [S, H, W]; not empty in any slice.
        window: intensities (low, high) of the window.
        slice_indices: into the volume in the plane's axes.
        slice_spacing: (row, column) in mm.
        n_empty: slices of the range that were left out for having no foreground.
    """

    slices: NDArray[np.uint16]
    mask: NDArray[np.bool_]
    window: tuple[float, float]
    slice_indices: tuple[int, ...]
    slice_spacing: tuple[float, float]
    n_empty: int

    @property
    def foreground_box(self) -> tuple[int, int, int, int]:
        """Half-open bounds (row, row, column, column) of the union of the masks."""
        union = np.any(self.mask, axis=0)
        rows, columns = np.flatnonzero(union.any(axis=1)), np.flatnonzero(union.any(axis=0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def slice_volume(volume: Volume, settings: SlicingSettings) -> ScanSlices:
    """Cuts the slices of a plane.

    Raises:
        VolumeError: no slice of the range has foreground, or the window is empty.
    """
    mask = foreground_mask(volume.array, volume.spacing)
    low, high = foreground_window(volume.array, mask, settings.window)
    plane_mask = to_plane(mask, volume.affine, settings.plane)
    indices, n_empty = _choose_slices(np.any(plane_mask, axis=(1, 2)), settings)
    _, row_mm, column_mm = plane_spacing(volume.affine, settings.plane)
    chosen = to_plane(volume.array, volume.affine, settings.plane)[indices]
    return ScanSlices(
        slices=np.ascontiguousarray(quantize(chosen, low, high)),
        mask=np.ascontiguousarray(plane_mask[indices]),
        window=(low, high),
        slice_indices=tuple(int(index) for index in indices),
        slice_spacing=(row_mm, column_mm),
        n_empty=n_empty,
    )


def _choose_slices(occupied: NDArray[np.bool_], settings: SlicingSettings) -> tuple[NDArray[np.intp], int]:
    """Slices whose centre lies within the range of the foreground's extent, and how many of them were empty."""
    low, high = settings.slice_range
    first, last = np.flatnonzero(occupied)[[0, -1]]
    extent = last - first + 1
    start, stop = (first + math.floor(fraction * extent + 0.5) for fraction in (low, high))
    within = np.arange(start, stop)
    kept = within[occupied[start:stop]]
    if not kept.size:
        raise VolumeError(
            f"no slice with foreground between {low:g} and {high:g} of {extent} slices",
            "widen --slice_range, or leave the scan out",
        )
    n_empty = len(within) - len(kept)
    if settings.num_slices is not None and settings.num_slices < len(kept):
        kept = kept[np.rint(np.linspace(0, len(kept) - 1, settings.num_slices)).astype(int)]
    return kept, n_empty
