"""Reads Analyze 7.5 volumes, whose files say nothing of orientation: what reads them must know it."""

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib

from monai_vq.data.hashing import files_sha256
from monai_vq.data.image_pair import (
    NIFTI_PAIR_MAGIC,
    NIFTI_SINGLE_MAGIC,
    read_pair_header,
    read_pair_spacing,
    read_pair_voxels,
)
from monai_vq.data.nifti import VolumeError
from monai_vq.data.orientation import axes_affine, check_axes
from monai_vq.data.storage import MEMORY, Storage
from monai_vq.data.volume import Volume, check_intensities

__all__ = ["read_analyze"]


def read_analyze(files: Sequence[Path], *, axes: str = "LAS", storage: Storage = MEMORY) -> Volume:
    """Reads a pair of `.hdr` and `.img` of either byte order, and checks all that can be checked.

    The format has no affine, only a voxel size; readers that show one (nibabel: always `LAS`) assume it. Here the
    caller says along which axes the voxels are stored, and the grid is centred at the origin. SPM's scale factors are
    not of Analyze 7.5 and are not applied; as one scale for a whole volume they would not change a slice.

    The format has no checksum: bytes changed among the voxels go unseen, and so may a changed voxel size.

    Args:
        files: the `.hdr` and the `.img`, in this order.
        axes: anatomical direction in which each stored index grows.
        storage: holds the voxels.

    Returns:
        The volume, [I, J, K] with a fourth dimension of 1 dropped; `sha256` is that of both files.

    Raises:
        VolumeError: a file is missing, cut off, too long or NIfTI; dimensions, type or voxel size are impossible;
            voxels are NaN, infinite, or all the same.
        InputError: `axes` are impossible.
        OSError: a file cannot be opened, or the storage has no room.
    """
    check_axes(axes)
    content, order = read_pair_header(files)
    if content[-4:] in (NIFTI_PAIR_MAGIC, NIFTI_SINGLE_MAGIC):
        raise VolumeError(
            f"the header is of NIfTI ({content[-4:-1]!r} at its end), expected Analyze 7.5",
            "a converted file states its own axes: read it with the source nifti",
        )
    header = nib.AnalyzeHeader(content, order, check=False)  # nibabel's check would set a voxel size of 0 to 1
    spacing = read_pair_spacing(header)
    array = read_pair_voxels(files[1], header, storage=storage)
    check_intensities(array)
    return Volume(array, axes_affine(array.shape, spacing.tolist(), axes), files_sha256(files))
