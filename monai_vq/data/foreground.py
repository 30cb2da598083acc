"""The foreground of a volume: the head with its skull, or the brain where the skull is stripped."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

__all__ = ["ALGORITHM", "foreground_mask"]

ALGORITHM = "half-otsu-v1"  # written into provenance.json; a change of any constant below makes a new name
SMOOTHING_MM = 1.0  # standard deviation; removes the speckle of air, keeps the scalp
CLIP_PERCENTILE = 99.5  # bright vessels and fat must not pull the threshold up
SMALLEST_PART = 0.01  # of the largest; scalp and brain may be apart before closing, ghosts and markers are smaller
CLOSING_MM = 10.0  # half-width; bridges nostrils, ear canals and the dark skull between scalp and brain


def foreground_mask(array: NDArray[np.float32], spacing: tuple[float, ...]) -> NDArray[np.bool_]:
    """Separates the head from the air around it ("half-Otsu").

    1. Gaussian smoothing. 2. Otsu's threshold t (Otsu 1979) of the clipped intensities; the mask is what lies above
    halfway between the mean of the voxels under t and t itself, as t alone cuts off dark skin and CSF.
    3. Face-connected components of less than 1 % of the largest are dropped. 4. Morphological closing with a box
    joins the rest, of which the largest component is kept. 5. Holes are filled in the slices across each of the three
    axes, as the airways are open to the outside in 3-D.

    The result does not depend on how the volume is oriented, nor on a positive scaling or a shift of intensities
    beyond rounding.

    Args:
        array: finite intensities, [I, J, K]; not constant.
        spacing: voxel size along the three axes in mm.

    Returns:
        The mask, [I, J, K]; never empty.
    """
    smooth = ndimage.gaussian_filter(array, [SMOOTHING_MM / size for size in spacing])
    np.minimum(smooth, np.percentile(smooth, CLIP_PERCENTILE), out=smooth)
    otsu = threshold_otsu(smooth)
    background = smooth[smooth <= otsu].mean()
    parts = _keep_components(smooth > (background + otsu) / 2, smallest=SMALLEST_PART)
    closed = _close(parts, [max(1, round(CLOSING_MM / size)) for size in spacing])
    return _fill_slices(_keep_components(closed, smallest=1.0))


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
    filled = mask.copy()
    for axis in range(3):
        for source, target in zip(np.moveaxis(mask, axis, 0), np.moveaxis(filled, axis, 0), strict=True):
            target |= ndimage.binary_fill_holes(source)
    return filled
