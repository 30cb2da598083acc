"""Reads the bytes of a NIfTI file so that damage and absurd headers are found before any voxel is trusted."""

import gzip
import io
import math
import zlib

import nibabel as nib
from nibabel.spatialimages import HeaderDataError

from monai_vq.data.file_kind import file_kind
from monai_vq.errors import InputError

__all__ = ["MAX_DIM", "MAX_VOLUME_BYTES", "VolumeError", "decode_nifti"]

MAX_DIM = 4096  # no MR matrix comes near it; a damaged header easily does
MAX_VOLUME_BYTES = 2 << 30  # 2 GiB: a 0.4 mm head in float32 has 0.7 GiB
MAX_EXTENSION_BYTES = 16 << 20  # a whole DICOM header may lie between the NIfTI header and the voxels
MAX_TRAILING_BYTES = 1 << 20  # some writers pad the end of the file; a decompression bomb needs more
_HEADER_CLASSES = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
_IMAGE_CLASSES = {348: nib.Nifti1Image, 540: nib.Nifti2Image}
_GZIP_MAGIC = b"\x1f\x8b"
_MAGICS = {348: (344, (b"n+1\0", b"ni1\0")), 540: (4, (b"n+2\0", b"ni2\0"))}  # header size: (place, values)
_CONVERT_AGAIN = "convert the original images again"
_DOWNLOAD_AGAIN = "download or copy the file again"


class VolumeError(InputError):
    """A volume that cannot be used; the reason and the remedy are kept apart for `rejected.csv`."""

    def __init__(self, reason: str, remedy: str):
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["VolumeError"], tuple[str, str]]:
        """Lets a worker process send it: an exception is made again from its one message otherwise."""
        return VolumeError, (self.reason, self.remedy)


def decode_nifti(name: str, content: bytes) -> nib.Nifti1Image:
    """Turns the bytes of a `.nii` or `.nii.gz` file into an image whose stream is known to be whole.

    nibabel stops reading a gzip stream at the last voxel and so never compares its checksum: most flipped bytes
    then load as wrong voxels without a word. Here the stream is read to its end. The header's dimensions are
    checked against caps before anything of that size is allocated.

    Args:
        name: the file's name; its suffix says whether the content is gzipped.
        content: all bytes of the file.

    Returns:
        The image; its voxels are still encoded.

    Raises:
        VolumeError: the file is empty, of another format, damaged, cut off, or its header is impossible.
    """
    if not content:
        raise VolumeError("the file is empty (0 bytes)", _DOWNLOAD_AGAIN)
    stream = _open_stream(name, content)
    try:
        start = stream.read(max(_HEADER_CLASSES))
        size = _header_size(start)
        expected, slice_bytes = _declared_bytes(start, size)
        padding = min(MAX_TRAILING_BYTES, slice_bytes - 1)  # a whole slice more means that the dimensions are wrong
        content = start + stream.read(max(0, expected + padding - len(start)))
        excess = stream.read(1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise VolumeError("the gzip stream is damaged or cut off", _DOWNLOAD_AGAIN) from error
    if len(content) < expected:
        raise VolumeError(f"the file is cut off: {len(content)} of {expected} bytes are there", _DOWNLOAD_AGAIN)
    if excess or len(content) > expected + padding:
        raise VolumeError(f"the file goes on beyond the {expected} bytes its header declares", _DOWNLOAD_AGAIN)
    try:
        return _IMAGE_CLASSES[size].from_bytes(content)
    except (HeaderDataError, ValueError) as error:
        raise VolumeError(f"the NIfTI header is invalid ({error})", _CONVERT_AGAIN) from error


def _open_stream(name: str, content: bytes) -> io.BufferedIOBase:
    zipped = content.startswith(_GZIP_MAGIC)
    if not name.endswith(".gz"):
        if zipped:
            raise VolumeError("the content is gzip-compressed but the name is not", "rename the file to end in .nii.gz")
        return io.BytesIO(content)
    if not zipped:
        remedy = "rename it to end in .nii" if _looks_like_nifti(content) else _DOWNLOAD_AGAIN
        raise VolumeError(f"not a gzip stream but {file_kind(content)}", remedy)
    return gzip.GzipFile(fileobj=io.BytesIO(content))


def _looks_like_nifti(content: bytes) -> bool:
    sizes = {int.from_bytes(content[:4], order) for order in ("little", "big")}
    return not sizes.isdisjoint(_HEADER_CLASSES)


def _header_size(start: bytes) -> int:
    sizes = {int.from_bytes(start[:4], order) for order in ("little", "big")} & set(_HEADER_CLASSES)
    if not sizes:
        raise VolumeError(f"not a NIfTI file but {file_kind(start)}", _DOWNLOAD_AGAIN)
    size = sizes.pop()
    if len(start) < size:
        raise VolumeError(f"the header is cut off: {len(start)} of {size} bytes are there", _DOWNLOAD_AGAIN)
    place, magics = _MAGICS[size]
    if start[place : place + len(magics[0])] not in magics:  # nibabel would quote it
        raise VolumeError("the NIfTI header is invalid (its magic is none of the format's)", _CONVERT_AGAIN)
    return size


def _declared_bytes(start: bytes, size: int) -> tuple[int, int]:
    """Bytes up to the last voxel, and of a slice, after checking that dimensions and data type are possible."""
    try:
        header = _HEADER_CLASSES[size](start[:size], check=False)  # checked, with its shape known, by from_bytes
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise VolumeError(f"the NIfTI header is invalid ({error})", _CONVERT_AGAIN) from error
    shape = tuple(int(dim) for dim in header.get_data_shape())
    if not shape or any(not 1 <= dim <= MAX_DIM for dim in shape):
        raise VolumeError(f"impossible dimensions {shape}, expected 1 to {MAX_DIM} each", _CONVERT_AGAIN)
    if dtype.kind not in "uif":
        raise VolumeError(f"voxels of type {dtype}, expected real numbers", "save the magnitude as integers or float32")
    if any(dim != 1 for dim in shape[3:]) or len(shape) < 3:
        raise VolumeError(f"shape {shape}, expected one 3-D volume", "save each volume of the series as its own file")
    zooms = [float(size) for size in header["pixdim"][1:4]]
    if not all(math.isfinite(size) and size > 0 for size in zooms):  # nibabel would take 1 mm for 0 without a word
        raise VolumeError(f"voxel sizes {zooms}, expected three above 0", _CONVERT_AGAIN)
    offset = float(header["vox_offset"])
    if not 0 <= offset <= MAX_EXTENSION_BYTES:
        raise VolumeError(f"voxels at byte {offset:g}, expected {size} to {MAX_EXTENSION_BYTES}", _CONVERT_AGAIN)
    declared: int = int(offset) + math.prod(shape) * dtype.itemsize
    if declared > MAX_VOLUME_BYTES:
        raise VolumeError(f"{declared} bytes of voxels, expected at most {MAX_VOLUME_BYTES}", "crop or resample it")
    return declared, (declared - int(offset)) // shape[2]
