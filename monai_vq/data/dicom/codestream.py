"""The picture size that a compressed frame itself declares: a decoder allocates that, whatever the header says."""

import struct

__all__ = ["declared_size"]

_JPEG, _JPEG2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_NO_FRAME = {0xC4, 0xC8, 0xCC}  # Huffman tables and the like, in the midst of the frame markers C0 to CF
_JPEG_LS_FRAME = 0xF7


def declared_size(codestream: bytes) -> tuple[int, int] | None:
    """Reads (rows, columns) of a JPEG, JPEG-LS or JPEG 2000 stream.

    Args:
        codestream: one compressed frame.

    Returns:
        None where the stream is of another kind, or ends before it says its size.
    """
    try:
        if codestream.startswith(_JPEG2000):
            columns, rows, left, top = struct.unpack_from(">4I", codestream, 8)
            return rows - top, columns - left
        return _jpeg_size(codestream) if codestream.startswith(_JPEG) else None
    except struct.error:
        return None


def _jpeg_size(codestream: bytes) -> tuple[int, int] | None:
    position = len(_JPEG)
    while True:
        prefix, marker, length = struct.unpack_from(">BBH", codestream, position)
        if prefix != 0xFF:
            return None
        if marker == _JPEG_LS_FRAME or (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME):
            rows, columns = struct.unpack_from(">HH", codestream, position + 5)
            return rows, columns
        position += 2 + length
