"""One volume from the files of a DICOM series."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_vq.data.dicom.consistency import check_series
from monai_vq.data.dicom.copies import drop_copies
from monai_vq.data.dicom.geometry import SliceGrid, find_grid
from monai_vq.data.dicom.headers import DicomHeader, read_header
from monai_vq.data.dicom.pixels import read_pixels
from monai_vq.data.dicom.stream import explained_damage
from monai_vq.data.hashing import files_sha256
from monai_vq.data.nifti import VolumeError
from monai_vq.data.storage import MEMORY, Storage
from monai_vq.data.volume import Volume, check_intensities

__all__ = ["read_series"]

_INVERTED = "MONOCHROME1"


def read_series(files: tuple[Path, ...], storage: Storage = MEMORY) -> Volume:
    """Reads a series of single images, or one enhanced multi-frame file.

    Voxels are stored [column, row, slice], the slices sorted by position along the cross product of the image's
    column and row directions; names, order and InstanceNumber of the files mean nothing. Geometry and numbers are those
    of dcm2niix, which stores the same voxels with rows, and sometimes slices, the other way round. One thing differs:
    MONOCHROME1 images, whose large numbers are dark, are turned (new = smallest + largest of the volume - old), so that
    bright is bright; dcm2niix leaves them dark.

    Args:
        files: all images of one volume in any order; a copy of one of them does no harm.
        storage: holds the voxels, which are decoded one frame at a time.

    Returns:
        The volume; rescaled by slope and intercept of each slice.

    Raises:
        VolumeError: a file cannot be read or decoded, the files are not one volume (see `check_series` and
            `find_grid`), or all voxels are equal. No message quotes a header or a name.
        OSError: the storage has no room.
    """
    if not files:
        raise VolumeError("no file, expected those of one series", "give all files of the series")
    headers, _ = drop_copies([read_header(path) for path in files])
    check_series(headers, storage.max_bytes)
    grid = find_grid([frame for header in headers for frame in header.frames])
    array = _read_slices(headers, grid, storage)
    if headers[0].format.photometric == _INVERTED:
        np.subtract(array.min() + array.max(), array, out=array)
    check_intensities(array)
    with explained_damage():
        return Volume(array, grid.affine, files_sha256(files))


def _read_slices(headers: Sequence[DicomHeader], grid: SliceGrid, storage: Storage) -> NDArray[np.float32]:
    form = headers[0].format
    shape = (form.columns or 0, form.rows or 0, len(grid.order))
    array = storage.empty(shape, np.float32, order="F")  # so that a slice lies together
    place = {frame: index for index, frame in enumerate(grid.order)}
    n_read = 0
    for header in headers:
        for frame, stored in zip(header.frames, read_pixels(header), strict=True):
            array[:, :, place[n_read]] = (stored * (frame.slope or 1.0) + (frame.intercept or 0.0)).T
            n_read += 1
    return array
