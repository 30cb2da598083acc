"""PNG and JPEG files taken apart: what is said in them, and the pixels."""

import struct
import zlib
from collections.abc import Iterator

from data_prep.private.content import Content

__all__ = ["JPEG_MAGIC", "PNG_MAGIC", "split_jpeg", "split_png"]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"
_PLAIN_CHUNKS = (b"IHDR", b"PLTE", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs")  # numbers alone
_MAX_CHUNK = 64 << 20  # bytes of an unpacked text
_START_OF_SCAN, _COMMENT, _FIRST_APP, _LAST_APP = 0xDA, 0xFE, 0xE0, 0xEF


def split_png(data: bytes) -> Iterator[Content]:
    """Every chunk that holds more than numbers, its text unpacked; the pixels; what lies behind the end.

    Raises:
        struct.error: a chunk is cut off.
        zlib.error: a packed text is damaged.
    """
    position, kind = len(PNG_MAGIC), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        position += 12 + length
        if kind not in _PLAIN_CHUNKS:
            yield Content(f"PNG {kind.decode('latin-1')}", _unpack_chunk(kind, body), is_array=kind == b"IDAT")
    if data[position:]:
        yield Content("behind the image", data[position:])


def _unpack_chunk(kind: bytes, body: bytes) -> bytes:
    keyword, _, rest = body.partition(b"\0")
    if kind in (b"zTXt", b"iCCP"):
        return keyword + b" " + _inflate(rest[1:])
    if kind == b"iTXt" and rest[:1] == b"\1":
        language, _, rest = rest[2:].partition(b"\0")
        translated, _, text = rest.partition(b"\0")
        return b" ".join((keyword, language, translated, _inflate(text)))
    return body


def _inflate(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, _MAX_CHUNK)


def split_jpeg(data: bytes) -> Iterator[Content]:
    """Every comment and application segment (EXIF, XMP, ...); the pixels; what lies behind the end.

    Raises:
        struct.error: a segment is cut off.
    """
    position = 2
    while True:
        marker, length = struct.unpack_from(">xBH", data, position)
        if marker == _START_OF_SCAN:
            break
        if marker == _COMMENT or _FIRST_APP <= marker <= _LAST_APP:
            name = "comment" if marker == _COMMENT else f"APP{marker - _FIRST_APP}"
            yield Content(f"JPEG {name}", data[position + 4 : position + 2 + length])
        position += 2 + length
    end = data.rfind(b"\xff\xd9") + 2
    yield Content("pixels", data[position:end], is_array=True)
    if data[end:]:
        yield Content("behind the image", data[end:])
