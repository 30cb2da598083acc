"""The stored numbers of a file, native or compressed, frame by frame: no file is decoded as a whole."""

import math
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder
from pydicom.uid import UID, RLELossless

from monai_vq.data.dicom.codestream import declared_size
from monai_vq.data.dicom.headers import DicomHeader, PixelFormat
from monai_vq.data.dicom.stream import UNDEFINED_LENGTH, explained_damage, open_content
from monai_vq.data.nifti import MAX_DIM, VolumeError

__all__ = ["check_decoder", "check_format", "read_pixels"]

_BITS = (8, 16, 32)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_ITEM, _DELIMITER = 0xFFFEE000, 0xFFFEE0DD
_EXPORT_AGAIN = "export the file again"
_COPY_AGAIN = "copy or export the file again"
_RLE_PLUGIN = "pydicom"  # pylibjpeg-rle panics on a damaged stream, which ends the process
_INSTALL = 'install the decoders: pip install "monai_vq[dicom]"'


def check_format(form: PixelFormat) -> None:
    """Refuses pixels that are no grey values, or of impossible number.

    Raises:
        VolumeError: by the first thing that is wrong.
    """
    for name, size in (("Rows", form.rows), ("Columns", form.columns), ("NumberOfFrames", form.frames)):
        if size is None or not 1 <= size <= MAX_DIM:
            raise VolumeError(f"{name} is {_describe(size)}, expected 1 to {MAX_DIM}", _EXPORT_AGAIN)
    if form.samples != 1 or form.photometric not in _GREY:
        raise VolumeError("colour or unknown pixels, expected one grey value each", "export the original images")
    if form.bits_allocated not in _BITS or not 1 <= (form.bits_stored or 0) <= form.bits_allocated:
        bits = f"{_describe(form.bits_stored)} of {_describe(form.bits_allocated)}"
        raise VolumeError(f"{bits} bits a pixel, expected at most all of 8, 16 or 32", _EXPORT_AGAIN)
    if form.high_bit is not None and form.high_bit >= (form.bits_stored or 0):
        reason = (
            f"HighBit is {form.high_bit} for {form.bits_stored} bits, expected less: the numbers are not at the end"
        )
        raise VolumeError(reason, _EXPORT_AGAIN)
    if form.signed not in (0, 1):
        raise VolumeError(f"PixelRepresentation is {_describe(form.signed)}, expected 0 or 1", _EXPORT_AGAIN)


def check_decoder(syntax: UID) -> None:
    """Refuses pixels that cannot be decoded here.

    Raises:
        VolumeError: the decoder is not installed, or there is none.
    """
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise VolumeError(f"no decoder exists for {syntax.name}", "export the series uncompressed") from None
    if not available:
        raise VolumeError(f"no decoder is installed for {syntax.name}", _INSTALL)


def read_pixels(header: DicomHeader) -> Iterator[NDArray[Any]]:
    """Reads the stored numbers of one frame after another, before rescaling; one frame is in memory at a time.

    Every size is checked before anything is decoded.

    Yields:
        Integers of the stored sign, [rows, columns].

    Raises:
        VolumeError: the format is refused by `check_format`; there are fewer or more pixels than it says; they are
            compressed in a way for which no decoder is installed, or damaged.
    """
    check_format(header.format)
    if header.pixels is None:
        raise VolumeError("the file ends before its pixels, or has none", _COPY_AGAIN)
    check_decoder(header.syntax)
    with explained_damage("pixels are"), open_content(header.path) as (stream, size, _):
        stream.seek(header.pixels.offset)
        if header.syntax.is_encapsulated:
            _check_fragments(stream, size)
            _check_codestreams(stream, header)
        else:
            _check_native(size, header)
        stream.seek(header.pixels.offset)
        yield from _decode(stream, header)


def _describe(value: int | None) -> str:
    return "missing" if value is None else str(value)


def _native_bytes(form: PixelFormat) -> int:
    sizes = form.frames, form.rows, form.columns, form.bits_allocated
    return math.prod(size or 0 for size in sizes) // 8


def _check_native(size: int, header: DicomHeader) -> None:
    expected = _native_bytes(header.format)
    offset, length = (header.pixels.offset, header.pixels.length) if header.pixels else (0, 0)
    if length not in (expected, expected + expected % 2):  # values are padded to an even length
        raise VolumeError(f"{length} bytes of pixels, expected {expected} from rows and columns", _EXPORT_AGAIN)
    if size - offset < length:
        raise VolumeError(f"the pixels are cut off: {size - offset} of {length} bytes are there", _COPY_AGAIN)


def _check_fragments(stream: BinaryIO, size: int) -> None:
    """Follows the compressed fragments up to their delimiter, which a file that was cut off lacks."""
    tag = 0
    while tag != _DELIMITER:
        head = stream.read(8)
        if len(head) < 8:
            raise VolumeError("the compressed pixels are cut off", _COPY_AGAIN)
        group, element, length = struct.unpack("<HHI", head)
        tag = group << 16 | element
        if tag not in (_ITEM, _DELIMITER) or length == UNDEFINED_LENGTH or stream.tell() + length > size:
            raise VolumeError("the compressed pixels are damaged or cut off", _COPY_AGAIN)
        stream.seek(length, 1)


def _check_codestreams(stream: BinaryIO, header: DicomHeader) -> None:
    form, expected = header.format, (header.format.rows, header.format.columns)
    is_rle = header.syntax == RLELossless  # which says nothing of its size
    stream.seek(header.pixels.offset if header.pixels else 0)
    frames = generate_frames(stream, number_of_frames=form.frames)
    sizes = [expected if is_rle else declared_size(frame) for frame in frames]
    if len(sizes) != form.frames or any(size != expected for size in sizes):
        raise VolumeError(
            f"{len(sizes)} compressed frame(s) that are not all of {form.rows} rows and {form.columns} columns, "
            f"expected {form.frames} of them",
            _EXPORT_AGAIN,
        )


def _decode(stream: BinaryIO, header: DicomHeader) -> Iterator[NDArray[Any]]:
    form = header.format
    options: dict[str, Any] = {
        "rows": form.rows,
        "columns": form.columns,
        "samples_per_pixel": 1,
        "number_of_frames": form.frames,
        "bits_allocated": form.bits_allocated,
        "bits_stored": form.bits_stored,
        "pixel_representation": form.signed,
        "photometric_interpretation": form.photometric,
        "pixel_keyword": "PixelData",
        "pixel_vr": header.pixels.vr if header.pixels else "OW",
    }
    plugin = _RLE_PLUGIN if header.syntax == RLELossless else ""
    for array, _ in get_decoder(header.syntax).iter_array(stream, raw=True, decoding_plugin=plugin, **options):
        yield array
