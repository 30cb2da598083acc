"""The foreground of a volume: the head with its skull, or the brain where the skull is stripped."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from skimage.filters import threshold_otsu

from monai_vq.data.storage import MEMORY, Storage, blocks

__all__ = ["ALGORITHM", "foreground_mask"]

ALGORITHM = "half-otsu-v2"  # written into provenance.json; a change of any constant below makes a new name
GRID_MM = 3.0  # of the grid on which the head is found; its outline is smooth on this scale, and the cost falls by 27
CLIP_PERCENTILE = 99.5  # bright vessels and fat must not pull the threshold up
SMALLEST_PART = 0.01  # of the largest; scalp and brain may be apart before closing, ghosts and markers are smaller
CLOSING_MM = 10.0  # half-width; bridges nostrils, ear canals and the dark skull between scalp and brain


def foreground_mask(
    array: NDArray[np.float32], spacing: tuple[float, ...], storage: Storage = MEMORY
) -> NDArray[np.bool_]:
    """Separates the head from the air around it ("half-Otsu").

    1. Averages over the cells of a grid of about 3 mm, which removes the speckle of air and keeps the scalp. 2. Otsu's
    threshold t (Otsu 1979) of the clipped averages; the mask is what lies above halfway between the mean of the cells
    under t and t itself, as t alone cuts off dark skin and CSF. 3. Face-connected components of less than 1 % of the
    largest are dropped. 4. Morphological closing with a box joins the rest, of which the largest component is kept.
    5. Holes are filled in the slices across each of the three axes, as the airways are open to the outside in 3-D.
    6. The mask is brought back to the voxels by linear interpolation, and is what lies above one half.

    The result does not depend on how the volume is oriented, nor on a positive scaling or a shift of intensities
    beyond rounding. The volume is read in blocks, of which nothing but the grid's averages is kept.

    Args:
        array: finite intensities, [I, J, K]; not constant.
        spacing: voxel size along the three axes in mm.
        storage: holds the mask.

    Returns:
        The mask, [I, J, K]; never empty.

    Raises:
        OSError: the storage has no room.
    """
    if array.flags.f_contiguous and not array.flags.c_contiguous:  # as nibabel reads: turned, nothing is copied
        return foreground_mask(array.T, spacing[::-1], storage).T
    cells = [max(1, round(length * size / GRID_MM)) for length, size in zip(array.shape, spacing, strict=True)]
    cells = [min(count, length) for count, length in zip(cells, array.shape, strict=True)]
    coarse = _average(array, cells)
    np.minimum(coarse, np.percentile(coarse, CLIP_PERCENTILE), out=coarse)
    otsu = threshold_otsu(coarse)
    background = coarse[coarse <= otsu].mean()
    parts = _keep_components(coarse > (background + otsu) / 2, smallest=SMALLEST_PART)
    sizes = [length * size / count for length, size, count in zip(array.shape, spacing, cells, strict=True)]
    closed = _close(parts, [max(1, round(CLOSING_MM / size)) for size in sizes])
    mask = _fill_slices(_keep_components(closed, smallest=1.0)).astype(np.float32)
    return _refine(mask, storage.empty(array.shape, bool))


def _average(array: NDArray[np.float32], cells: list[int]) -> NDArray[np.float32]:
    """Means over the cells of a grid [cells]."""
    first, second, third = (_averaging(length, count) for length, count in zip(array.shape, cells, strict=True))
    parts = []
    for rows in blocks(cells[0], array.nbytes // cells[0]):
        weights = first[rows]
        low, high = weights.indices.min(), weights.indices.max() + 1
        part = _apply_along(weights[:, low:high], array[low:high], 0)
        parts.append(_apply_along(third, _apply_along(second, part, 1), 2))
    return np.concatenate(parts)


def _refine(coarse: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Interpolates a mask on the grid to the voxels of `mask`, which is filled and returned."""
    first, second, third = (_interpolation(count, size) for count, size in zip(coarse.shape, mask.shape, strict=True))
    for planes in blocks(len(mask), 4 * mask[:1].nbytes):  # as float32
        weights = first[planes]
        low, high = weights.indices.min(), weights.indices.max() + 1
        part = _apply_along(second, _apply_along(third, coarse[low:high], 2), 1)
        np.greater(_apply_along(weights[:, low:high], part, 0), 0.5, out=mask[planes])  # the axis with most numbers
    return mask


def _averaging(length: int, count: int) -> csr_array:
    """Weights [count, length] of the mean over equal cells; a voxel on a border counts for its share in each."""
    edges = np.arange(count + 1) * (length / count)
    voxels = np.arange(length)
    overlap = np.minimum(edges[1:, None], voxels + 1) - np.maximum(edges[:-1, None], voxels)
    return csr_array((overlap.clip(0) * (count / length)).astype(np.float32))


def _interpolation(count: int, length: int) -> csr_array:
    """Weights [length, count] of linear interpolation from the cells' centres to the voxels'; constant beyond them."""
    place = ((np.arange(length) + 0.5) * (count / length) - 0.5).clip(0, count - 1)
    return csr_array((1 - np.abs(place[:, None] - np.arange(count))).clip(0).astype(np.float32))


def _apply_along(weights: csr_array, array: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Multiplies an axis of n by weights [m, n]; sparse, as a dense product would start threads in every worker."""
    moved = np.moveaxis(array, axis, 0)
    product: NDArray[np.float32] = weights @ moved.reshape(len(moved), -1)
    return np.moveaxis(product.reshape(-1, *moved.shape[1:]), 0, axis)


def _keep_components(mask: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    """Keeps components of at least `smallest` times the size of the largest."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept: NDArray[np.bool_] = (sizes >= smallest * sizes.max())[labels]
    return kept & mask


def _close(mask: NDArray[np.bool_], half_width: list[int]) -> NDArray[np.bool_]:
    """Closing by a box, which is separable: the cost does not grow with its size."""
    size = [2 * half + 1 for half in half_width]
    padded = np.pad(mask.view(np.uint8), [(half, half) for half in half_width])
    closed = ndimage.minimum_filter(ndimage.maximum_filter(padded, size), size)
    inner = tuple(slice(half, -half) for half in half_width)
    unpadded: NDArray[np.bool_] = closed[inner].astype(bool)
    return unpadded


def _fill_slices(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Adds what no path within a slice joins to the slice's border, in the slices across each axis."""
    filled = mask.copy()
    for axis in range(3):
        in_plane = np.zeros((3, 3, 3), bool)
        for other in {0, 1, 2} - {axis}:
            index: list[int | slice] = [1, 1, 1]
            index[other] = slice(None)
            in_plane[tuple(index)] = True
        margin = [(int(other != axis),) * 2 for other in range(3)]
        parts, count = ndimage.label(np.pad(~mask, margin, constant_values=True), in_plane)
        is_hole = np.ones(count + 1, bool)
        is_hole[np.moveaxis(parts, axis, 0)[:, 0, 0]] = False  # the margin of a slice is one part with all its outside
        is_hole[0] = False  # the mask itself
        filled |= is_hole[parts[tuple(slice(low, -low or None) for low, _ in margin)]]
    return filled
