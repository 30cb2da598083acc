"""Reads the coronal slice files of neurite-oasis: flat NIfTI images, 160 x 192 or 160 x 192 x 1."""

import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from monai_vq.data import SliceStack, VolumeError, foreground_mask, quantize
from monai_vq.data.hashing import files_sha256
from monai_vq.data.nifti import decode_nifti
from monai_vq.data.volume import check_intensities, read_intensities

__all__ = ["SLICE_INDEX", "read_slice"]

SLICE_INDEX = 109
"""Of the slice in the aligned volume of 224, from the back of the head: the download's own documentation."""

_MAX_BYTES = 16 << 20  # the files have 0.1 MB
_DIM_OFFSET = 40  # of the eight numbers in a NIfTI-1 header: how many axes, and the length of each
_TOLERANCE = 1e-3  # interpolation may overshoot a little
_DOWNLOAD_AGAIN = "download the file again"
_CHOOSE_VOLUMES = "give another --image for volumes, or download the file again"


def read_slice(files: tuple[Path, ...]) -> SliceStack:
    """Reads one slice, and its labels, as a stack of one.

    The files store columns from the patient's right to left, and rows from superior to inferior: [160, 192] is
    brought to [192, 160] by a transposition alone, which is the coronal convention of `PLANE_AXES`. The intensities,
    0 to 1 as the download scaled each whole volume, become 0 to 65535; no window is drawn from a single slice.

    Args:
        files: the slice, and the file of its labels or none.

    Raises:
        VolumeError: a file is damaged or not one flat image, intensities are not within 0 to 1, or labels are no
            integers of 0 to 255 on the same grid.
    """
    array, zooms = _read_flat(files[0])
    check_intensities(array)
    low, high = float(array.min()), float(array.max())
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        raise VolumeError(f"intensities from {low:g} to {high:g}, expected 0 to 1 as in the download", _DOWNLOAD_AGAIN)
    mask = foreground_mask(array, (*zooms, zooms[0]))
    labels = _read_labels(files[1], array.shape) if len(files) > 1 else None
    return SliceStack(
        slices=_turn(quantize(array, 0.0, 1.0)),
        mask=_turn(mask),
        slice_indices=(SLICE_INDEX,),
        sha256=files_sha256(files),
        plane="coronal",
        slice_spacing=(zooms[1], zooms[0]),
        labels=None if labels is None else _turn(labels),
    )


def _turn(array: NDArray[Any]) -> NDArray[Any]:
    """From [I, J, 1], right to left and superior to inferior, to [1, J, I]."""
    return np.ascontiguousarray(array.transpose(2, 1, 0))


def _read_labels(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    values, _ = _read_flat(path)
    if values.shape != shape:
        raise VolumeError(f"labels of {values.shape[:2]} pixels, the slice has {shape[:2]}", _DOWNLOAD_AGAIN)
    labels = values.clip(0, 255).astype(np.uint8)
    if not np.array_equal(labels, values):
        raise VolumeError("labels that are no integers of 0 to 255", _DOWNLOAD_AGAIN)
    return labels


def _read_flat(path: Path) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """The pixels [I, J, 1] and their size in mm; the file is read to its end."""
    content, name = path.read_bytes(), path.name
    if name.endswith(".gz"):
        content, name = _unzip(content), name.removesuffix(".gz")
    image = decode_nifti(name, io.BytesIO(_add_third_axis(content)))
    array = read_intensities(image)
    if array.shape[2] != 1:
        raise VolumeError(f"shape {array.shape}, expected one flat slice", _CHOOSE_VOLUMES)
    first, second = image.header.get_zooms()[:2]
    return array, (round(float(first), 6), round(float(second), 6))


def _unzip(content: bytes) -> bytes:
    try:
        plain = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise VolumeError("the gzip stream is damaged or cut off", _DOWNLOAD_AGAIN) from error
    if len(plain) > _MAX_BYTES:
        raise VolumeError(f"more than {_MAX_BYTES} bytes, expected one flat slice", _CHOOSE_VOLUMES)
    return plain


def _add_third_axis(content: bytes) -> bytes:
    """Says of a flat image that it is one slice thick, as `decode_nifti` takes 3-D volumes alone."""
    header = nib.Nifti1Header.sizeof_hdr
    order = "<" if content[:4] == header.to_bytes(4, "little") else ">"
    if len(content) < header or struct.unpack_from(f"{order}h", content, _DIM_OFFSET) != (2,):
        return content
    _, rows, columns = struct.unpack_from(f"{order}3h", content, _DIM_OFFSET)
    changed = bytearray(content)
    struct.pack_into(f"{order}4h", changed, _DIM_OFFSET, 3, rows, columns, 1)
    return bytes(changed)
