"""Reads the bytes of a NIfTI file so that damage and absurd headers are found before any voxel is trusted."""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import nibabel as nib
from nibabel.spatialimages import HeaderDataError

from monai_vq.data.file_kind import file_kind
from monai_vq.data.storage import MAX_VOLUME_BYTES, MEMORY, Storage
from monai_vq.errors import InputError

__all__ = ["MAX_DIM", "MAX_VOLUME_BYTES", "VolumeError", "decode_nifti"]

MAX_DIM = 4096  # no MR matrix comes near it; a damaged header easily does
MAX_EXTENSION_BYTES = 16 << 20  # a whole DICOM header may lie between the NIfTI header and the voxels
MAX_TRAILING_BYTES = 1 << 20  # some writers pad the end of the file; a decompression bomb needs more
_CHUNK_BYTES = 1 << 20
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


def decode_nifti(name: str, file: BinaryIO, storage: Storage = MEMORY) -> nib.Nifti1Image:
    """Turns the bytes of a `.nii` or `.nii.gz` file into an image whose stream is known to be whole.

    nibabel stops reading a gzip stream at the last voxel and so never compares its checksum: most flipped bytes
    then load as wrong voxels without a word. Here the stream is read to its end. The header's dimensions are
    checked against caps before anything of that size is allocated.

    Args:
        name: the file's name; its suffix says whether the content is gzipped.
        file: the file, open at its start.
        storage: holds the unpacked bytes, and says how many there may be.

    Returns:
        The image; its voxels are still encoded.

    Raises:
        VolumeError: the file is empty, of another format, damaged, cut off, or its header is impossible.
        OSError: the storage has no room.
    """
    with _explained_damage():
        stream = _open_stream(name, file)
        start = stream.read(max(_HEADER_CLASSES))
        size = _header_size(start)
        expected, slice_bytes = _declared_bytes(start, size, storage.max_bytes)
        padding = min(MAX_TRAILING_BYTES, slice_bytes - 1)  # a whole slice more means that the dimensions are wrong
        content = storage.buffer()
        content.write(start)
        length = len(start) + _copy(stream, content, expected + padding - len(start))
        excess = stream.read(1)
    if length < expected:
        raise VolumeError(f"the file is cut off: {length} of {expected} bytes are there", _DOWNLOAD_AGAIN)
    if excess or length > expected + padding:
        raise VolumeError(f"the file goes on beyond the {expected} bytes its header declares", _DOWNLOAD_AGAIN)
    content.seek(0)
    try:
        return _IMAGE_CLASSES[size].from_stream(content)
    except (HeaderDataError, ValueError) as error:
        raise VolumeError(f"the NIfTI header is invalid ({error})", _CONVERT_AGAIN) from error


@contextmanager
def _explained_damage() -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise VolumeError("the gzip stream is damaged or cut off", _DOWNLOAD_AGAIN) from error


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> int:
    """Copies at most `count` bytes, and returns how many there were."""
    copied = 0
    while chunk := source.read(min(_CHUNK_BYTES, count - copied)) if copied < count else b"":
        copied += target.write(chunk)
    return copied


def _open_stream(name: str, file: BinaryIO) -> BinaryIO:
    start = file.read(max(_HEADER_CLASSES))
    file.seek(0)
    if not start:
        raise VolumeError("the file is empty (0 bytes)", _DOWNLOAD_AGAIN)
    zipped = start.startswith(_GZIP_MAGIC)
    if not name.lower().endswith(".gz"):
        if zipped:
            raise VolumeError("the content is gzip-compressed but the name is not", "rename the file to end in .nii.gz")
        return file
    if not zipped:
        remedy = "rename it to end in .nii" if _looks_like_nifti(start) else _DOWNLOAD_AGAIN
        raise VolumeError(f"not a gzip stream but {file_kind(start)}", remedy)
    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


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


def _declared_bytes(start: bytes, size: int, max_bytes: int) -> tuple[int, int]:
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
    if declared > max_bytes:
        raise VolumeError(f"{declared} bytes of voxels, expected at most {max_bytes}", "crop or resample it")
    return declared, (declared - int(offset)) // shape[2]
