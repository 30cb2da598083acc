"""Intensities on disk: a robust window per volume, and 16 bits within it."""

import numpy as np
from numpy.typing import NDArray

from monai_vq.data.nifti import VolumeError
from monai_vq.data.storage import MEMORY, Storage, blocks

__all__ = ["LEVELS", "dequantize", "foreground_window", "quantize"]

LEVELS = 65535  # uint16; a step is 1/65535 of the window, far below the noise of any scanner


def foreground_window(
    array: NDArray[np.float32],
    mask: NDArray[np.bool_],
    percentiles: tuple[float, float],
    storage: Storage = MEMORY,
) -> tuple[float, float]:
    """Percentiles of the foreground's intensities, so that neither air nor a few bright vessels set the scale.

    Args:
        array: intensities, any shape.
        mask: foreground, same shape, not empty.
        percentiles: (low, high), each in [0, 100].
        storage: holds the foreground's intensities while they are ranked.

    Returns:
        The intensities (low, high) that become 0 and 1.

    Raises:
        VolumeError: both percentiles fall on the same intensity.
        OSError: the storage has no room.
    """
    inside = _select(array, mask, storage)
    low, high = (float(value) for value in np.percentile(inside, percentiles, overwrite_input=True))
    if not low < high:
        raise VolumeError(
            f"the foreground's percentiles {percentiles[0]:g} and {percentiles[1]:g} are both {low:g}",
            "leave the scan out, or widen --window",
        )
    return low, high


def _select(array: NDArray[np.float32], mask: NDArray[np.bool_], storage: Storage) -> NDArray[np.float32]:
    """The intensities under a mask, in the order of memory: to select in another takes several times as long."""
    if mask.flags.f_contiguous:
        array, mask = array.T, mask.T
    inside, start = storage.empty((int(np.count_nonzero(mask)),), np.float32), 0
    for place in blocks(len(mask), 4 * mask[:1].nbytes):
        part = array[place][mask[place]]
        inside[start : start + len(part)] = part
        start += len(part)
    return inside


def quantize(array: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint16]:
    """Clips intensities to [low, high] and stores them as 0 to 65535."""
    scaled = np.clip(array, low, high)
    scaled -= low  # in place from here on: a volume in float32 is large
    scaled *= LEVELS / (high - low)
    stored: NDArray[np.uint16] = np.rint(scaled, out=scaled).astype(np.uint16)
    return stored


def dequantize(stored: NDArray[np.uint16], low: float, high: float) -> NDArray[np.float32]:
    """Undoes `quantize` up to half a step, (high - low) / 131070, within the window."""
    return (low + stored.astype(np.float32) / LEVELS * (high - low)).astype(np.float32)
