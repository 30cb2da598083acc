"""The two files of an image pair, `.hdr` and `.img`: both there, and exactly as long as the header says.

Neither Analyze 7.5 nor a NIfTI pair has a checksum. What is redundant is compared: the size of the image with the
dimensions and the type of its voxels, the type with its bits. A changed byte among the voxels cannot be seen.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from monai_vq.data.file_kind import file_kind
from monai_vq.data.nifti import MAX_DIM, VolumeError
from monai_vq.data.storage import MEMORY, Storage, blocks
from monai_vq.data.volume import MAX_SPACING_MM, MIN_SPACING_MM

__all__ = [
    "HEADER_BYTES",
    "NIFTI_PAIR_MAGIC",
    "NIFTI_SINGLE_MAGIC",
    "find_type",
    "read_pair_header",
    "read_pair_spacing",
    "read_pair_voxels",
]

HEADER_BYTES = 348
NIFTI_PAIR_MAGIC = b"ni1\0"
NIFTI_SINGLE_MAGIC = b"n+1\0"
_MAX_OFFSET = 16 << 20  # as far as the voxels of a single file may be from its start
_CONVERT_AGAIN = "convert the original images again"
_DOWNLOAD_AGAIN = "download or unpack the pair again"


def read_pair_header(files: Sequence[Path]) -> tuple[bytes, str]:
    """Reads the header's bytes.

    Args:
        files: the `.hdr` and the `.img`, in this order.

    Returns:
        348 bytes, and their order: `<` for little, `>` for big-endian. The last four are NIfTI's magic, if any.

    Raises:
        VolumeError: one of the files is missing, or the header is cut off or of another format.
        OSError: the header cannot be opened.
    """
    header, image = files
    for missing, other in ((header, image), (image, header)):
        if not missing.is_file():
            raise VolumeError(f"{missing.name} is missing beside {other.name}", _DOWNLOAD_AGAIN)
    with header.open("rb") as file:
        content = file.read(HEADER_BYTES)
    orders = [order for order, name in (("<", "little"), (">", "big")) if _is_header(content, name)]
    if not orders:
        raise VolumeError(f"not an Analyze or NIfTI-1 header but {file_kind(content)}", _DOWNLOAD_AGAIN)
    if len(content) < HEADER_BYTES:
        raise VolumeError(f"the header is cut off: {len(content)} of {HEADER_BYTES} bytes are there", _DOWNLOAD_AGAIN)
    return content, orders[0]


def _is_header(content: bytes, order: Any) -> bool:
    return int.from_bytes(content[:4], order) == HEADER_BYTES


def read_pair_voxels(
    image: Path, header: nib.AnalyzeHeader, scaling: tuple[float, float] = (1.0, 0.0), storage: Storage = MEMORY
) -> NDArray[np.float32]:
    """Reads the voxels, after comparing what the header declares with caps and with the size of the file.

    Args:
        image: the `.img`.
        header: of Analyze or NIfTI, as read, without nibabel's repairs.
        scaling: (slope, intercept), applied in double precision; beyond single precision a voxel becomes infinite.
        storage: holds the voxels.

    Returns:
        Intensities [I, J, K]; trailing dimensions of 1 are dropped.

    Raises:
        VolumeError: dimensions or type are impossible, or the file is shorter or longer than they say.
        OSError: the image cannot be opened, or the storage has no room.
    """
    shape, dtype, offset = _find_shape(header), find_type(header), _find_offset(header)
    expected = offset + math.prod(shape) * dtype.itemsize
    if expected > storage.max_bytes:
        raise VolumeError(f"{expected} bytes of voxels, expected at most {storage.max_bytes}", "crop or resample it")
    size = image.stat().st_size
    if size < expected:
        raise VolumeError(f"the image is cut off: {size} of {expected} bytes are there", _DOWNLOAD_AGAIN)
    if size > expected:
        raise VolumeError(f"the image has {size} bytes, its header declares {expected}", _DOWNLOAD_AGAIN)
    stored = np.memmap(image, dtype, "r", offset, shape, order="F")
    array = storage.empty(shape, np.float32, order="F")
    for planes in blocks(shape[2], array[..., :1].nbytes):
        with np.errstate(over="ignore"):
            array[..., planes] = _scale(stored[..., planes], *scaling)
    return array


def _scale(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    return stored if (slope, intercept) == (1, 0) else stored * np.float64(slope) + intercept


def read_pair_spacing(header: nib.AnalyzeHeader) -> NDArray[np.float64]:
    """Reads the voxel size along the three stored axes, mm.

    Raises:
        VolumeError: a size is 0, which nibabel takes for 1, or beyond what a scanner makes.
    """
    with np.errstate(invalid="ignore"):  # the cast of a NaN, which is refused
        spacing: NDArray[np.float64] = header["pixdim"][1:4].astype(np.float64)
    if not ((spacing >= MIN_SPACING_MM) & (spacing <= MAX_SPACING_MM)).all():  # so that NaN is refused as well
        raise VolumeError(
            f"voxel size {spacing.round(6).tolist()} in the header, expected {MIN_SPACING_MM} to {MAX_SPACING_MM} mm",
            "write the scanner's voxel size into pixdim, as by FSL's fslchpixdim, or download the pair again",
        )
    return spacing


def _find_shape(header: nib.AnalyzeHeader) -> tuple[int, ...]:
    dims = [int(dim) for dim in header["dim"]]
    shape = tuple(dims[1 : 1 + dims[0]])
    if not 1 <= dims[0] < len(dims) or any(not 1 <= dim <= MAX_DIM for dim in shape):
        raise VolumeError(f"impossible dimensions {dims}, expected 1 to {MAX_DIM} each", _CONVERT_AGAIN)
    if len(shape) < 3 or any(dim != 1 for dim in shape[3:]):
        raise VolumeError(f"shape {shape}, expected one 3-D volume", "save each volume of the series as its own file")
    return shape[:3]


def find_type(header: nib.AnalyzeHeader) -> np.dtype[Any]:
    """The type of the stored numbers.

    Raises:
        VolumeError: it is unknown, no real number, or contradicts the bits a voxel.
    """
    code, bits = int(header["datatype"]), int(header["bitpix"])
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise VolumeError(f"the header's data type {code} is unknown", _CONVERT_AGAIN) from error
    if dtype.kind not in "uif":
        remedy = "save the magnitude as integers or float32"
        raise VolumeError(f"voxels of data type {code} ({dtype}), expected real numbers", remedy)
    if bits not in (0, 8 * dtype.itemsize):  # some writers leave it empty
        raise VolumeError(f"{bits} bits a voxel contradict the data type {dtype} of the header", _CONVERT_AGAIN)
    return dtype


def _find_offset(header: nib.AnalyzeHeader) -> int:
    offset = float(header["vox_offset"])
    if not 0 <= offset <= _MAX_OFFSET:
        raise VolumeError(f"voxels at byte {offset:g}, expected 0 to {_MAX_OFFSET}", _CONVERT_AGAIN)
    return int(offset)
