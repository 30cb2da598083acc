"""Maps as NIfTI files on the voxel grid of the scan that they belong to."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from monai_vq.atomic import atomic_path
from monai_vq.data import ScanRecord, to_plane
from monai_vq.data.dataset import resampled_size
from monai_vq.transforms.unfit_image import unfit_image

__all__ = ["to_prepared_size", "to_volume", "write_map"]


def write_map(
    path: Path, slices: NDArray[Any], record: ScanRecord, own_size: Sequence[int], spacing: Sequence[float] | None
) -> None:
    """Writes slices of a scan as a volume that a viewer lays over the scan itself, whole or not at all.

    Args:
        path: ends in ``.nii.gz``.
        slices: [S, *image_size], all prepared slices of the scan.
        record: of the scan.
        own_size: (rows, columns) of its slices on disk.
        spacing: (row, column) pixel size of training, mm; None where each scan kept its own.
    """
    volume, affine = to_volume(to_prepared_size(slices, record, own_size, spacing), record)
    image = nib.Nifti1Image(volume, affine)  # a fresh header: nothing of the source's but its geometry
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        part.write_bytes(gzip.compress(image.to_bytes(), mtime=0))  # equal maps, equal bytes


def to_prepared_size(
    slices: NDArray[Any], record: ScanRecord, own_size: Sequence[int], spacing: Sequence[float] | None
) -> NDArray[Any]:
    """Brings slices [S, *image_size] to the size that they have on disk, [S, *own_size].

    Integers, which are labels, keep their values: the nearest pixel's; other numbers are interpolated linearly.
    """
    fitted = own_size if spacing is None else resampled_size(own_size, record.slice_spacing, spacing)
    images = unfit_image(torch.from_numpy(slices.astype(np.float32)), fitted)
    if tuple(fitted) == tuple(own_size):
        return images.numpy().astype(slices.dtype)
    mode = "nearest-exact" if np.issubdtype(slices.dtype, np.integer) else "bilinear"
    return F.interpolate(images[:, None], tuple(own_size), mode=mode)[:, 0].numpy().astype(slices.dtype)


def to_volume(slices: NDArray[Any], record: ScanRecord) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Puts slices [S, H, W] where they were in the volume as stored, with 0 in all others.

    A scan that came as pictures has no place in the world; its volume is its slices, columns first, with their pixel
    size, the slices 1 mm apart.

    Returns:
        The volume [I, J, K] and its voxel-to-world matrix [4, 4], mm.
    """
    if not record.affine:
        row, column = record.slice_spacing
        return slices.transpose(2, 1, 0), np.diag([column, row, 1.0, 1.0])
    affine = np.vstack([np.reshape(record.affine, (3, 4)), [0.0, 0, 0, 1]])
    empty = np.zeros(record.shape[:3], slices.dtype)
    to_plane(empty, affine, record.plane)[list(record.slice_indices)] = slices  # a view: it fills the volume
    return empty, affine
