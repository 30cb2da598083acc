"""What a file is that was taken for another: named by how it starts, and never quoted."""

__all__ = ["file_kind"]

_TEXT_BYTES = 64  # of which none may be a control character; numbers have one sooner
_DICOM_MARK = slice(128, 132)
_NIFTI_SIZES = (348, 540)  # of the header, its first number
_STARTS = (
    (b"\x1f\x8b", "a gzip stream"),
    (b"PK\x03\x04", "a ZIP archive"),  # XLSX too
    (b"BZh", "a bzip2 stream"),
    (b"\xfd7zXZ\0", "an xz stream"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG"),
    (b"\xff\xd8\xff", "a JPEG"),
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"\x89HDF\r\n\x1a\n", "HDF5 or MINC"),
    (b"CDF\x01", "NetCDF or MINC"),
    (b"%PDF", "a PDF"),
)
_TEXT_STARTS = (
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a pointer of Git LFS"),
    (b"/annex/objects/", "a pointer of git-annex"),
)


def file_kind(start: bytes) -> str:
    """Names what a file holds, for an error that says why it is none of those that were expected.

    The bytes themselves never come into a message: a text under the name of an image may say whose it is.

    Args:
        start: the first bytes, 132 or more where there are as many.

    >>> file_kind(b"  <HTML><body>Please log in"), file_kind(b"Patient: Jane Doe"), file_kind(bytes(200))
    ('a web page', 'text', 'unknown bytes')
    """
    if not start:
        return "an empty file"
    if start[_DICOM_MARK] == b"DICM":
        return "DICOM"
    if any(int.from_bytes(start[:4], order) in _NIFTI_SIZES for order in ("little", "big")):
        return "an unpacked NIfTI or Analyze header"
    words = start[:_TEXT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()  # a byte-order mark, as some editors write it
    known = [kind for sign, kind in _STARTS if start.startswith(sign)]
    known += [kind for sign, kind in _TEXT_STARTS if words.startswith(sign)]
    return known[0] if known else "text" if _is_text(start[:_TEXT_BYTES]) else "unknown bytes"


def _is_text(start: bytes) -> bool:
    return not any(byte < 0x20 and byte not in b"\t\r\n" for byte in start)
