import bz2
import gzip
import io
import lzma
import zipfile

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from monai_vq.data.file_kind import file_kind


def packed() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", "b")
    return stream.getvalue()


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, kind)
    return stream.getvalue()


# [kind, bytes as an independent writer makes them]
KINDS = [
    ["an empty file", b""],
    ["a gzip stream", gzip.compress(b"x")],
    ["a bzip2 stream", bz2.compress(b"x")],
    ["an xz stream", lzma.compress(b"x")],
    ["a ZIP archive", packed()],
    *([f"a {kind}", picture(kind)] for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF")),
    ["DICOM", bytes(128) + b"DICM\x02\0\0\0"],
    ["DICOM", b"Jane Doe".ljust(128, b" ") + b"DICM\x02\0\0\0"],  # the preamble is free
    ["an unpacked NIfTI or Analyze header", nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)).to_bytes()],
    ["an unpacked NIfTI or Analyze header", nib.Nifti2Image(np.zeros((2, 2, 2), np.int16), np.eye(4)).to_bytes()],
    ["an unpacked NIfTI or Analyze header", nib.AnalyzeHeader(endianness=">").binaryblock],
    ["a web page", b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>"],
    ["a pointer of Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"],
    ["text", "Jane Doe, geboren in Köln\n".encode()],
    ["text", "Jane Doe, geboren in Köln\n".encode("cp1252")],
    ["unknown bytes", b"Jane Doe" + bytes(200)],
    ["unknown bytes", bytes(range(256))],
]


@pytest.mark.parametrize(("kind", "content"), KINDS)
def test_a_kind_is_named_and_no_byte_quoted(kind, content):
    assert file_kind(content) == kind
