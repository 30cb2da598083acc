"""Opens a DICOM file as if it were hostile: no guessed format, no unbounded reading, no word of its text let out."""

import io
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from monai_vq.data.dicom.silence import silenced_pydicom
from monai_vq.data.nifti import VolumeError

__all__ = [
    "UNDEFINED_LENGTH",
    "NotDicomError",
    "ParsedFile",
    "PixelElement",
    "explained_damage",
    "open_content",
    "parse_file",
]

MAX_FILE_BYTES = 32 << 30  # 32 GiB: an enhanced file holds a whole volume; nothing as large is ever read at once
MAX_INFLATED_BYTES = 128 << 20  # of a deflated file; 4 frames of 4096 x 4096
MAX_VALUE_BYTES = 64 << 20  # of one element; only the sequences of a long multi-frame file come near
UNDEFINED_LENGTH = 0xFFFFFFFF
_SMALL_BYTES = 4096
_PIXEL_DATA = 0x7FE00010
_FLOAT_PIXELS = (0x7FE00008, 0x7FE00009)
_META_GROUP = 2
_MAGIC_OFFSET, _MAGIC = 128, b"DICM"
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7-Zip"}
_COPY_AGAIN = "copy or export the file again"


class NotDicomError(VolumeError):
    """A file that is not DICOM, or is the index of a medium: nothing is lost by leaving it out."""


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixels lie in the (inflated) content.

    Attributes:
        offset: of the value's first byte.
        length: in bytes; `UNDEFINED_LENGTH` where it is a sequence of compressed fragments.
        vr: `OB` or `OW`.
    """

    offset: int
    length: int
    vr: str


@dataclass(frozen=True)
class ParsedFile:
    """The wanted elements of a file.

    Attributes:
        dataset: they alone; the values are still encoded.
        syntax: transfer syntax.
        pixels: None where the file has none before its end.
        is_cut: whether an element goes beyond the end of the file.
    """

    dataset: Dataset
    syntax: UID
    pixels: PixelElement | None
    is_cut: bool


class _BoundedFile(io.BufferedReader):
    """A file of which no read allocates more than is there, whatever length an element declares."""

    def __init__(self, path: Path):
        super().__init__(io.FileIO(path))
        self.size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and 0 <= size <= _SMALL_BYTES:  # nearly every read; asking for the place takes longer
            return super().read(size)
        left = max(0, self.size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


class _StopAtPixels:
    """Ends the reading before the pixels, or before an element that is longer than the rest of the file."""

    def __init__(self, stream: BinaryIO, size: int, tags: Collection[int]):
        self.stream, self.size, self.tags = stream, size, tags
        self.pixels: PixelElement | None = None
        self.is_cut = False

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        offset = self.stream.tell()
        goes_beyond = length != UNDEFINED_LENGTH and offset + length > self.size
        if tag == _PIXEL_DATA:
            self.pixels = PixelElement(offset, length, vr or "OW")
        elif tag in _FLOAT_PIXELS:
            raise VolumeError("the pixels are floating-point numbers, expected integers", "export it as MR images")
        elif not goes_beyond and tag in self.tags and UNDEFINED_LENGTH > length > MAX_VALUE_BYTES:
            raise VolumeError(f"an element of {length} bytes, expected at most {MAX_VALUE_BYTES}", _COPY_AGAIN)
        self.is_cut = goes_beyond
        return goes_beyond or tag == _PIXEL_DATA


def parse_file(path: Path, tags: Collection[int]) -> ParsedFile:
    """Reads the wanted elements up to the pixels.

    Args:
        path: of the file.
        tags: the elements to keep; nothing else of the header is.

    Raises:
        NotDicomError: the file is not DICOM, or is a DICOMDIR.
        VolumeError: it is empty, larger than the cap, or so damaged that nothing can be read. No message quotes it.
    """
    with explained_damage(), open_content(path) as (stream, size, syntax):
        stop = _StopAtPixels(stream, size, tags)
        dataset = read_dataset(
            stream, syntax.is_implicit_VR, syntax.is_little_endian, stop_when=stop, specific_tags=list(tags)
        )
    return ParsedFile(dataset, syntax, stop.pixels, stop.is_cut)


@contextmanager
def open_content(path: Path) -> Iterator[tuple[BinaryIO, int, UID]]:
    """Opens a file behind its meta information, inflated if need be; (stream, its size, transfer syntax).

    Raises:
        NotDicomError: the file is not DICOM, or is a DICOMDIR.
        VolumeError: it is empty, too large, inflates to too much, or its transfer syntax is missing.
        OSError: it cannot be opened.
    """
    with silenced_pydicom(), _BoundedFile(path) as file:
        if not file.size:
            raise VolumeError("the file is empty (0 bytes)", _COPY_AGAIN)
        if file.size > MAX_FILE_BYTES:
            raise VolumeError(f"a file of {file.size} bytes, expected at most {MAX_FILE_BYTES}", "export single frames")
        syntax = _read_syntax(file)
        if syntax == DeflatedExplicitVRLittleEndian:
            content = _inflate(file.read(MAX_INFLATED_BYTES))
            yield io.BytesIO(content), len(content), syntax
        else:
            yield file, file.size, syntax


def _read_syntax(file: BinaryIO) -> UID:
    start = file.read(_MAGIC_OFFSET + len(_MAGIC))
    if start[_MAGIC_OFFSET:] != _MAGIC:
        raise _explain_other(start)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != _META_GROUP)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise NotDicomError("the index of a medium, not an image", "nothing is to do")
    syntax = UID(str(meta.get("TransferSyntaxUID", "")))
    if syntax.is_private and syntax.is_valid:
        raise VolumeError(
            "its transfer syntax is private, so only its maker can read it", "export it in a standard one"
        )
    if not syntax.is_transfer_syntax:
        raise VolumeError("the file does not say its transfer syntax, or one that does not exist", _COPY_AGAIN)
    return syntax


def _explain_other(start: bytes) -> NotDicomError:
    packer = next((name for magic, name in _PACKED.items() if start.startswith(magic)), "")
    if packer:
        return NotDicomError(f"packed by {packer}, so nobody looked into it", "unpack it if it holds DICOM files")
    if start[:1] in (b"\x02", b"\x08") and start[1:2] == b"\0" and start[3:4] == b"\0":
        reason = "looks like DICOM elements, but has no DICM at byte 128"
        return NotDicomError(reason, "if it is an image, write it anew as a DICOM file, as dcmconv does")
    return NotDicomError("not a DICOM file (no DICM at byte 128)", "nothing is to do if it is no image")


def _inflate(packed: bytes) -> bytes:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = engine.decompress(packed, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise VolumeError("the deflated stream is damaged", _COPY_AGAIN) from error
    if engine.unconsumed_tail:
        raise VolumeError(f"inflates to more than {MAX_INFLATED_BYTES} bytes", "save it without the deflated syntax")
    if not engine.eof:
        raise VolumeError("the deflated stream is cut off", _COPY_AGAIN)
    return content


@contextmanager
def explained_damage(what: str = "header is") -> Iterator[None]:
    """Turns whatever damaged bytes of `what` provoke into a `VolumeError` that quotes nothing of them."""
    try:
        yield
    except (VolumeError, MemoryError):
        raise
    except OSError as error:
        if error.errno is None:  # pydicom's own, for a sequence that ends too soon
            raise VolumeError(f"the {what} damaged", _COPY_AGAIN) from None
        raise VolumeError(f"cannot be read: {error.strerror}", "check the file and its permissions") from None
    except Exception as error:  # pydicom raises whatever damaged bytes provoke, and quotes them in its messages
        raise VolumeError(f"the {what} damaged ({type(error).__name__})", _COPY_AGAIN) from None
