"""One volume to the slices of one plane, or one stack of slices as it is, with their foreground masks."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from monai_vq.data import (
    PLANE_AXES,
    SliceStack,
    Volume,
    VolumeError,
    foreground_mask,
    foreground_window,
    plane_spacing,
    quantize,
    to_plane,
)
from monai_vq.data.faces import may_show_face
from monai_vq.data.storage import MEMORY, Storage, blocks
from monai_vq.errors import InputError

__all__ = [
    "DEFAULT_SLICE_RANGE",
    "DEFAULT_WINDOW",
    "STRIPPED_SLICE_RANGE",
    "ScanSlices",
    "SlicingSettings",
    "slice_stack",
    "slice_volume",
]

# Seen on montages of whole heads with neck: axial from the cerebellum to the vertex; coronal and sagittal without the
# slices that are mostly skin.
DEFAULT_SLICE_RANGE = {"axial": (0.5, 0.9), "coronal": (0.2, 0.8), "sagittal": (0.25, 0.75)}
STRIPPED_SLICE_RANGE = {"axial": (0.2, 0.9), "coronal": (0.15, 0.85), "sagittal": (0.2, 0.8)}  # of brains alone
DEFAULT_WINDOW = (0.5, 99.5)  # percentiles of the foreground: fat and vessels saturate, cortex uses most of the range
WINDOW_UNITS = ("percentile", "intensity")
_CUT_SHARE = 0.05  # of a side of the volume; an ear that touches it is less


@dataclass(frozen=True)
class SlicingSettings:
    """What is cut from each volume.

    Attributes:
        plane: `axial`, `coronal` or `sagittal`.
        slice_range: part of the foreground's extent along the slice axis, as fractions (low, high).
        num_slices: at most so many slices, evenly spaced in the range; None for all.
        window: (low, high) that become 0 and 1.
        window_unit: of the window: `percentile` of each volume's foreground, or `intensity`, the same for all.
    """

    plane: str = "axial"
    slice_range: tuple[float, float] = DEFAULT_SLICE_RANGE["axial"]
    num_slices: int | None = None
    window: tuple[float, float] = DEFAULT_WINDOW
    window_unit: str = WINDOW_UNITS[0]

    def __post_init__(self) -> None:
        if self.plane not in PLANE_AXES:
            raise InputError(f"unknown plane {self.plane!r}; expected one of {', '.join(PLANE_AXES)}")
        low, high = self.slice_range
        if not 0 <= low < high <= 1:
            raise InputError(f"slice range {low:g} {high:g}: expected 0 <= LOW < HIGH <= 1, as in 0.5 0.9")
        if self.num_slices is not None and self.num_slices < 1:
            raise InputError(f"{self.num_slices} slices a volume: expected at least 1, or no --num_slices for all")
        self._check_window()

    def _check_window(self) -> None:
        low, high = self.window
        if self.window_unit not in WINDOW_UNITS:
            raise InputError(f"unknown window unit {self.window_unit!r}; expected one of {', '.join(WINDOW_UNITS)}")
        if self.window_unit == "percentile" and not 0 <= low < high <= 100:
            raise InputError(
                f"window {low:g} {high:g}: expected percentiles 0 <= LOW < HIGH <= 100, as in 0.5 99.5, "
                "or --window_unit intensity"
            )
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"window {low:g} {high:g}: expected intensities LOW < HIGH, as in 0 1200")


@dataclass(frozen=True)
class ScanSlices:
    """The slices of one volume or stack.

    Attributes:
        slices: uint16 [S, H, W], 0 and 65535 being the window's ends; or the pixels of a stack.
        mask: foreground, bool [S, H, W]; not empty in any slice.
        window: intensities (low, high) of the window.
        slice_indices: into the volume in the plane's axes, or the stack's own numbers.
        slice_spacing: (row, column) in mm.
        n_empty: slices of the range that were left out for having no foreground.
        labels: tissue labels, uint8 [S, H, W], if there are any.
        warnings: what to look at.
    """

    slices: NDArray[np.generic]
    mask: NDArray[np.bool_]
    window: tuple[float, float]
    slice_indices: tuple[int, ...]
    slice_spacing: tuple[float, float]
    n_empty: int = 0
    labels: NDArray[np.uint8] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def foreground_box(self) -> tuple[int, int, int, int]:
        """Half-open bounds (row, row, column, column) of the union of the masks."""
        union = np.any(self.mask, axis=0)
        rows, columns = np.flatnonzero(union.any(axis=1)), np.flatnonzero(union.any(axis=0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def slice_volume(
    volume: Volume, settings: SlicingSettings, labels: Volume | None = None, storage: Storage = MEMORY
) -> ScanSlices:
    """Cuts the slices of a plane.

    Args:
        volume: the scan.
        settings: what to cut.
        labels: tissue labels on the same voxel grid, cut at the same places.
        storage: holds slices and masks.

    Raises:
        VolumeError: no slice of the range has foreground, the window is empty, or the labels lie on another grid.
        OSError: the storage has no room.
    """
    mask = foreground_mask(volume.array, volume.spacing, storage)
    low, high = _find_window(volume.array, mask, settings, storage)
    plane_mask = to_plane(mask, volume.affine, settings.plane)
    indices, n_empty = _choose_slices(np.any(plane_mask, axis=(1, 2)), settings)
    _, row_mm, column_mm = plane_spacing(volume.affine, settings.plane)
    return ScanSlices(
        slices=_cut(
            to_plane(volume.array, volume.affine, settings.plane),
            indices,
            lambda part: quantize(part, low, high),
            np.uint16,
            storage,
        ),
        mask=_cut(plane_mask, indices, np.ascontiguousarray, bool, storage),
        window=(low, high),
        slice_indices=tuple(int(index) for index in indices),
        slice_spacing=(row_mm, column_mm),
        n_empty=n_empty,
        labels=None if labels is None else _cut_labels(labels, volume, settings.plane, indices),
        warnings=_find_warnings(mask, volume.spacing),
    )


def slice_stack(stack: SliceStack, settings: SlicingSettings) -> ScanSlices:
    """Takes the slices of a stack, at most `num_slices` of them; plane, range and window are what they came with."""
    kept = _thin_out(np.arange(len(stack.slices)), settings.num_slices)
    return ScanSlices(
        slices=np.ascontiguousarray(stack.slices[kept]),
        mask=np.ascontiguousarray(stack.mask[kept]),
        window=(0.0, float(np.iinfo(stack.slices.dtype).max)),
        slice_indices=tuple(stack.slice_indices[index] for index in kept),
        slice_spacing=stack.slice_spacing,
        labels=None if stack.labels is None else np.ascontiguousarray(stack.labels[kept]),
    )


def _find_window(
    array: NDArray[np.float32], mask: NDArray[np.bool_], settings: SlicingSettings, storage: Storage
) -> tuple[float, float]:
    if settings.window_unit == "percentile":
        return foreground_window(array, mask, settings.window, storage)
    low, high = settings.window
    darkest, brightest = array.min(where=mask, initial=np.inf), array.max(where=mask, initial=-np.inf)
    if brightest <= low or darkest >= high:
        raise VolumeError(
            f"the foreground has intensities {darkest:g} to {brightest:g}, all outside the window {low:g} to {high:g}",
            "give a --window of this scanner's intensities, or percentiles",
        )
    return low, high


def _cut(
    plane_array: NDArray[Any],
    indices: NDArray[np.intp],
    convert: Callable[[NDArray[Any]], NDArray[Any]],
    dtype: DTypeLike,
    storage: Storage,
) -> NDArray[Any]:
    """Slices of a volume in the plane's axes, converted a few at a time: a large volume is not copied in float32."""
    slices = storage.empty((len(indices), *plane_array.shape[1:]), dtype)
    first, n_done = int(indices[0]), 0
    for places in blocks(int(indices[-1]) + 1 - first, math.prod(plane_array.shape[1:]) * plane_array.itemsize):
        start, stop = first + places.start, first + places.stop
        chosen = indices[(indices >= start) & (indices < stop)] - start
        fetched = np.array(plane_array[start:stop], order="K")  # in the order on disk, once through it
        slices[n_done : n_done + len(chosen)] = convert(fetched[chosen])
        n_done += len(chosen)
    return slices


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
    return _thin_out(kept, settings.num_slices), len(within) - len(kept)


def _thin_out(indices: NDArray[np.intp], count: int | None) -> NDArray[np.intp]:
    if count is None or count >= len(indices):
        return indices
    return indices[np.rint(np.linspace(0, len(indices) - 1, count)).astype(int)]


def _cut_labels(labels: Volume, volume: Volume, plane: str, indices: NDArray[np.intp]) -> NDArray[np.uint8]:
    if labels.array.shape != volume.array.shape or not np.allclose(labels.affine, volume.affine, atol=1e-3):
        raise VolumeError(
            f"the tissue labels lie on a grid of {labels.array.shape}, the scan on one of {volume.array.shape}",
            "prepare without labels, or fetch both files of one release",
        )
    cut = to_plane(labels.array, labels.affine, plane)[indices]
    if cut.min() < 0 or cut.max() > 255 or not np.array_equal(cut, np.rint(cut)):
        raise VolumeError("the tissue labels are not integers from 0 to 255", "prepare without labels")
    return np.ascontiguousarray(cut.astype(np.uint8))


def _find_warnings(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> tuple[str, ...]:
    warnings = []
    if may_show_face(float(mask.sum()) * math.prod(spacing) / 1000):
        warnings.append("may show a face")
    faces = [np.moveaxis(mask, axis, 0)[end].mean() for axis in range(3) for end in (0, -1)]
    if sum(share > _CUT_SHARE for share in faces) > 1:  # the neck leaves the volume at one end of every whole head
        warnings.append("the head is cut at more than one side")
    return tuple(warnings)
