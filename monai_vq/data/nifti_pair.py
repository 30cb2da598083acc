"""Reads NIfTI-1 volumes that are stored as two files, `.hdr` and `.img`."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from monai_vq.data.hashing import files_sha256
from monai_vq.data.image_pair import (
    NIFTI_PAIR_MAGIC,
    NIFTI_SINGLE_MAGIC,
    find_type,
    read_pair_header,
    read_pair_spacing,
    read_pair_voxels,
)
from monai_vq.data.nifti import VolumeError
from monai_vq.data.orientation import check_axes
from monai_vq.data.storage import MEMORY, Storage
from monai_vq.data.volume import Volume, check_intensities, find_affine

__all__ = ["read_nifti_pair"]

_CODES = range(6)  # of sform and qform: from 0, unknown, to 5, another template
_CONVERT_AGAIN = "convert the original images again"


def read_nifti_pair(files: Sequence[Path], *, assume_axes: str | None = None, storage: Storage = MEMORY) -> Volume:
    """Reads a pair of `.hdr` and `.img` of either byte order, and checks all that can be checked.

    The format has no checksum: bytes changed among the voxels go unseen, and so may some of the affine's.

    Args:
        files: the `.hdr` and the `.img`, in this order.
        assume_axes: anatomical direction in which each stored index grows, such as `ASL`, for a header that has no
            orientation or lost it, as in `read_volume`; the grid is then centred at the origin. None refuses it.
        storage: holds the voxels.

    Returns:
        The volume, [I, J, K] with a fourth dimension of 1 dropped; `sha256` is that of both files.

    Raises:
        VolumeError: a file is missing, cut off, too long or not of a NIfTI-1 pair; dimensions, type, scaling, voxel
            size or affine are impossible; voxels are NaN, infinite, or all the same.
        InputError: `assume_axes` are impossible.
        OSError: a file cannot be opened, or the storage has no room.
    """
    if assume_axes is not None:
        check_axes(assume_axes)
    content, order = read_pair_header(files)
    _check_magic(content[-4:])
    header = nib.nifti1.Nifti1PairHeader(content, order, check=False)  # what nibabel would mend is refused here
    slope, intercept = _read_scaling(header)
    array = read_pair_voxels(files[1], header, (slope, intercept), storage)
    check_intensities(array)
    _check_precision(array, header, slope, intercept)
    return Volume(array, _read_affine(header, array.shape, assume_axes), files_sha256(files))


def _check_magic(magic: bytes) -> None:
    if magic == NIFTI_SINGLE_MAGIC:
        raise VolumeError("the header is that of a single NIfTI file, expected one of a pair", _CONVERT_AGAIN)
    if magic != NIFTI_PAIR_MAGIC:
        raise VolumeError(
            f"the header does not end in {NIFTI_PAIR_MAGIC!r}, the mark of a NIfTI pair; Analyze 7.5 has none",
            "download the pair again, or read Analyze volumes with a source that knows their axes",
        )


def _read_scaling(header: nib.nifti1.Nifti1PairHeader) -> tuple[float, float]:
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise VolumeError(f"the intensity scaling is invalid ({error})", _CONVERT_AGAIN) from error
    if slope is None:
        return 1.0, 0.0
    if slope < 0:
        raise VolumeError(f"the intensity scaling is negative ({slope:g}): it swaps bright and dark", _CONVERT_AGAIN)
    return slope, intercept


def _check_precision(
    array: NDArray[np.float32], header: nib.nifti1.Nifti1PairHeader, slope: float, intercept: float
) -> None:
    largest = max(abs(array.min()), abs(array.max()))
    if (slope, intercept) != (1, 0) and find_type(header).kind in "ui" and np.spacing(largest) > slope:
        reason = f"the intensity scaling ({slope:g}, {intercept:g}) is too coarse: single precision merges voxels"
        raise VolumeError(reason, _CONVERT_AGAIN)


def _read_affine(
    header: nib.nifti1.Nifti1PairHeader, shape: tuple[int, ...], assume_axes: str | None
) -> NDArray[np.float64]:
    read_pair_spacing(header)  # a negative size would mirror the assumed axes
    codes = int(header["sform_code"]), int(header["qform_code"])
    if any(code not in _CODES for code in codes):
        raise VolumeError(f"sform_code and qform_code are {codes}, expected 0 to {_CODES[-1]} each", _CONVERT_AGAIN)
    try:
        with np.errstate(invalid="ignore"):  # NaN, which is refused
            image = SimpleNamespace(header=header, affine=header.get_best_affine(), shape=shape)
            return find_affine(image, assume_axes)
    except VolumeError:
        raise
    except (HeaderDataError, ValueError) as error:  # quaternions of no rotation
        raise VolumeError(f"the header's orientation is invalid ({error})", _CONVERT_AGAIN) from error
