"""How the intensities of a scan's foreground are distributed within its window."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.qc.pixels import to_grey, to_uint8
from monai_vq.data import ScanRecord

__all__ = ["BINS", "encode_heights", "foreground_histogram"]

BINS = 32  # more would show the steps of sources with few grey values as a comb
_HEIGHTS = "0123456789abcdefghijklmnopqrstuvwxyz"  # what JavaScript's parseInt(character, 36) reads


def foreground_histogram(record: ScanRecord, dataset_dir: Path) -> NDArray[np.int64]:
    """Counts the foreground pixels of all stored slices by intensity.

    Args:
        record: the scan.
        dataset_dir: its prepared dataset.

    Returns:
        Counts in equal bins from the lower to the upper end of the window, [BINS]; colours count by brightness.
    """
    slices = np.load(record.slices_path(dataset_dir), mmap_mode="r")
    masks = np.load(record.mask_path(dataset_dir), mmap_mode="r")
    counts = np.zeros(256, np.int64)
    for image, mask in zip(slices, masks, strict=True):  # one by one: a stack may be larger than the memory
        counts += np.bincount(to_grey(to_uint8(image))[mask], minlength=256)
    return counts.reshape(BINS, -1).sum(axis=1)


def encode_heights(counts: NDArray[np.int64]) -> str:
    """Bar heights from 0 to 35, a character a bin.

    The highest bar between the two ends has the full height: in the end bins lies all that the window cut off, which
    would flatten the rest.

    >>> encode_heights(np.array([500, 10, 20, 0]))
    'ziz0'
    """
    highest = counts[1:-1].max() or max(counts.max(), 1)
    full = len(_HEIGHTS) - 1
    return "".join(_HEIGHTS[height] for height in np.minimum(np.rint(counts * full / highest), full).astype(int))
