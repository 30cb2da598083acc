"""Takes files apart until nothing is packed in them any more: archives, arrays, images, base64."""

import ast
import base64
import gzip
import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from data_prep.private.content import Content
from data_prep.private.image_parts import JPEG_MAGIC, PNG_MAGIC, split_jpeg, split_png

__all__ = ["is_text", "unpack"]

MAX_UNPACKED = 1 << 30  # bytes of one packed file: a bomb is reported, not searched
_MAX_DEPTH = 5  # an image in base64 in a text in an archive needs four
_GZIP_MAGIC, _ZIP_MAGIC, _NPY_MAGIC = b"\x1f\x8b", b"PK\x03\x04", b"\x93NUMPY"
_NIFTI_MAGIC = {344: b"n+1\0", 4: b"n+2\0"}  # by its place in the header
_TORCH_STORAGE = re.compile(r"(?:^|/)data/\d+$")
_IMAGE = re.compile(rb"\x89PNG\r\n\x1a\n.*?IEND\xaeB`\x82|\xff\xd8\xff.*?\xff\xd9", re.DOTALL)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{7,}")  # the shortest holds 5 bytes
_MANY = 10_000  # characters: so long a run is one value from its first character on
_SHORTEST_TEXT = 8  # bytes; shorter words decode to something printable by chance
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_NUMBER = re.compile(rb"[0-9a-f_-]+")  # hashes too: no base64 of a text has so few different characters
_DAMAGED = (  # whatever the readers raise of bytes that only begin like their format
    *(struct.error, zlib.error, zipfile.BadZipFile, EOFError, OSError, RuntimeError),
    *(ValueError, TypeError, LookupError, SyntaxError),
)


def unpack(content: Content, depth: int = 0) -> Iterator[Content]:
    """Yields what a content holds in its parts, and base64 in them, down to texts, arrays and other bytes.

    A part that is damaged is yielded as it is.
    """
    split = _find_splitter(content.data) if not content.is_array and depth < _MAX_DEPTH else None
    try:
        parts = list(split(content.data)) if split else []
    except _DAMAGED:
        parts = []
    if parts:
        for part in parts:
            yield from unpack(part.within(content), depth + 1)
        return
    yield content
    if not content.is_array and depth < _MAX_DEPTH:
        for part in _decode_base64(content.data):
            yield from unpack(part.within(content), depth + 1)


def is_text(data: bytes) -> bool:
    """Whether the bytes have no control character but those of a text."""
    return not _CONTROL.search(data)


def _find_splitter(data: bytes) -> Callable[[bytes], Iterator[Content]] | None:
    for magic, split in _SPLITTERS.items():
        if data.startswith(magic):
            return split
    if any(data[at : at + len(magic)] == magic for at, magic in _NIFTI_MAGIC.items()):
        return _split_nifti
    return _cut_images_out if _IMAGE.search(data) else None


def _split_gzip(data: bytes) -> Iterator[Content]:
    if data[3] & 8:
        yield Content("name in the gzip header", data[10 : data.index(b"\0", 10)])
    with gzip.open(io.BytesIO(data)) as stream:
        content = stream.read(MAX_UNPACKED)
        yield Content("unpacked", content, problem=_describe_rest(bool(stream.read(1))))


def _split_zip(data: bytes) -> Iterator[Content]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield Content("archive comment", archive.comment)
        for member in archive.infolist():
            with archive.open(member) as file:
                content = file.read(MAX_UNPACKED)
                problem = _describe_rest(bool(file.read(1)))
            yield Content("member name", member.filename.encode() + b" " + member.comment)
            is_array = _TORCH_STORAGE.search(member.filename) is not None
            yield Content(f"member {member.filename}", content, member.filename, is_array, problem)


def _describe_rest(has_rest: bool) -> str:
    return f"unpacks to more than {MAX_UNPACKED >> 20} MiB, of which the rest was not searched" if has_rest else ""


def _split_npy(data: bytes) -> Iterator[Content]:
    length_format, start = ("<H", 10) if data[6] == 1 else ("<I", 12)
    (length,) = struct.unpack_from(length_format, data, 8)
    text, body = data[start : start + length], data[start + length :]
    header = ast.literal_eval(text.decode())
    dtype = np.dtype(header["descr"])
    size = math.prod(header["shape"]) * dtype.itemsize
    yield Content("npy header", text)
    if dtype.kind in "US":
        words = np.frombuffer(body[:size], dtype).astype(str)
        yield Content("values", "\n".join(words.tolist()).encode())
    else:
        yield Content("values", body[:size], is_array=dtype.kind in "biufc")
    if body[size:]:
        yield Content("behind the values", body[size:])


def _split_nifti(data: bytes) -> Iterator[Content]:
    order = "<" if data[0] in (0x5C, 0x1C) else ">"  # 348 or 540 bytes, the lower byte first
    at, kind = (108, "f") if data[4:7] != b"n+2" else (168, "q")
    start = int(struct.unpack_from(order + kind, data, at)[0])
    if start >= len(data):
        raise ValueError("a header alone")  # split before
    yield Content("NIfTI header", data[:start])
    yield Content("voxels", data[start:], is_array=True)


def _cut_images_out(data: bytes) -> Iterator[Content]:
    """The images inside other bytes, such as a TensorBoard file; and the rest, at its old positions."""
    for match in _IMAGE.finditer(data):
        yield Content(f"image at byte {match.start()}", match[0])
    yield Content("", _IMAGE.sub(lambda match: bytes(len(match[0])), data))


def _decode_base64(data: bytes) -> Iterator[Content]:
    for match in _BASE64.finditer(data):
        run = match[0].translate(bytes.maketrans(b"-_", b"+/"))
        if _NUMBER.fullmatch(match[0]):
            continue
        for offset in range(4 if len(run) < _MANY else 1):  # something else may stand before the first character
            shifted = run[offset:]
            shifted = shifted[: len(shifted) - (len(shifted) % 4 == 1)]
            decoded = base64.b64decode(shifted + b"=" * (-len(shifted) % 4))
            meant = offset == 0 and (decoded.startswith(tuple(_SPLITTERS)) or _is_readable(decoded))
            yield Content(f"base64 at byte {match.start()}", decoded, is_array=not meant)


def _is_readable(decoded: bytes) -> bool:
    try:
        return len(decoded) >= _SHORTEST_TEXT and decoded.decode().isprintable()
    except UnicodeDecodeError:
        return False


_SPLITTERS: dict[bytes, Callable[[bytes], Iterator[Content]]] = {
    PNG_MAGIC: split_png,
    JPEG_MAGIC: split_jpeg,
    _NPY_MAGIC: _split_npy,
    _ZIP_MAGIC: _split_zip,
    _GZIP_MAGIC: _split_gzip,
}
