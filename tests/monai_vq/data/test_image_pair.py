import struct

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError
from monai_vq.data.image_pair import read_pair_header, read_pair_spacing, read_pair_voxels
from monai_vq.data.nifti import MAX_DIM

VOXELS = np.random.default_rng(0).integers(0, 1000, (7, 8, 9)).astype(np.int16)
CONTENT = VOXELS.astype(">i2").tobytes(order="F")
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET = 40, 70, 72, 76, 108  # byte offsets in the header
HEADERS = {"Analyze": nib.AnalyzeHeader, "NIfTI": nib.nifti1.Nifti1PairHeader}


@pytest.fixture(params=HEADERS)
def pair(request, tmp_path):
    """Writes a big-endian pair, some of its header's bytes replaced, and opens it."""
    header_class = HEADERS[request.param]

    def write(edits=(), content=CONTENT):
        header = header_class(endianness=">")
        header.set_data_dtype(np.int16)
        header.set_data_shape(VOXELS.shape)
        block = bytearray(header.binaryblock)
        for offset, form, *values in edits:
            struct.pack_into(f">{form}", block, offset, *values)
        files = tmp_path / "scan.hdr", tmp_path / "scan.img"
        for path, written in zip(files, (block, content), strict=True):
            path.write_bytes(written)
        return files, header_class(*read_pair_header(files), check=False)

    return write


def test_the_voxels_are_those_that_were_written(pair):
    (_, image), header = pair()
    np.testing.assert_array_equal(read_pair_voxels(image, header), VOXELS)


@pytest.mark.parametrize("order", "<>")
def test_the_byte_order_comes_from_the_size_and_not_from_the_dimensions(tmp_path, order):
    block = bytearray(nib.AnalyzeHeader(endianness=order).binaryblock)
    struct.pack_into(f"{order}h", block, DIM, 1280)  # 5 in the other order, by which nibabel would guess
    files = tmp_path / "scan.hdr", tmp_path / "scan.img"
    for path in files:
        path.write_bytes(block)
    assert read_pair_header(files) == (bytes(block), order)


def test_trailing_dimensions_of_one_are_dropped(pair):
    (_, image), header = pair([(DIM, "7h", 6, 7, 8, 9, 1, 1, 1)])
    assert read_pair_voxels(image, header).shape == (7, 8, 9)


def test_voxels_may_begin_later_in_the_file(pair):
    content = bytes(16) + CONTENT
    (_, image), header = pair([(VOX_OFFSET, "f", 16)], content)
    np.testing.assert_array_equal(read_pair_voxels(image, header), VOXELS)


# [edits of the header, what the message says]
BAD = [
    [[(DIM, "4h", 3, 32767, 32767, 32767)], "impossible dimensions"],
    [[(DIM, "4h", 3, -7, 8, 9)], "impossible dimensions"],
    [[(DIM, "4h", 3, 7, 0, 9)], "impossible dimensions"],
    [[(DIM, "4h", 3, MAX_DIM + 1, 1, 1)], rf"expected 1 to {MAX_DIM} each"],
    [[(DIM, "h", 0)], "impossible dimensions"],
    [[(DIM, "h", 8)], "impossible dimensions"],
    [[(DIM, "h", -3)], "impossible dimensions"],
    [[(DIM, "4h", 3, 4096, 4096, 4096)], "expected at most"],
    [[(DIM, "5h", 4, 7, 8, 3, 3)], "expected one 3-D volume"],
    [[(DIM, "3h", 2, 7, 72)], "expected one 3-D volume"],
    [[(DATATYPE, "h", 999)], "data type 999 is unknown"],
    [[(DATATYPE, "h", 32)], r"data type 32 \(.c8|complex64\), expected real numbers|expected real numbers"],
    [[(DATATYPE, "h", 128)], "expected real numbers"],
    [[(DATATYPE, "h", 1)], "expected real numbers"],
    [[(DATATYPE, "h", 2)], "16 bits a voxel contradict the data type uint8"],
    [[(BITPIX, "h", 8)], "8 bits a voxel contradict the data type .i2|contradict the data type int16"],
    [[(VOX_OFFSET, "f", -4)], "voxels at byte -4"],
    [[(VOX_OFFSET, "f", float("nan"))], "voxels at byte nan"],
    [[(VOX_OFFSET, "f", 1e30)], "voxels at byte 1e"],
    [[(VOX_OFFSET, "f", 2)], "cut off: 1008 of 1010 bytes"],
]


@pytest.mark.parametrize(("edits", "message"), BAD)
def test_impossible_headers_are_refused_before_anything_is_allocated(pair, edits, message):
    (_, image), header = pair(edits)
    with pytest.raises(VolumeError, match=message):
        read_pair_voxels(image, header)


@pytest.mark.parametrize("change", [-1008, -1, 1, 5000])
def test_an_image_that_is_too_short_or_too_long_is_refused(pair, change):
    content = (CONTENT + bytes(5000))[: 1008 + change]
    (_, image), header = pair(content=content)
    message = f"{1008 + change} of 1008 bytes are there" if change < 0 else f"has {1008 + change} bytes.* declares 1008"
    with pytest.raises(VolumeError, match=message):
        read_pair_voxels(image, header)


@pytest.mark.parametrize("length", [1, 100, 347])
def test_a_header_that_is_cut_off_is_refused(pair, length):
    files, _ = pair()
    files[0].write_bytes(files[0].read_bytes()[:length])
    with pytest.raises(VolumeError, match=f"cut off: {length} of 348" if length > 3 else "not an Analyze or NIfTI-1"):
        read_pair_header(files)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>" * 99, (540).to_bytes(4, "little") + bytes(536)])
def test_other_formats_are_refused(pair, content):
    files, _ = pair()
    files[0].write_bytes(content)
    with pytest.raises(VolumeError, match="not an Analyze or NIfTI-1 header"):
        read_pair_header(files)


@pytest.mark.parametrize(("half", "message"), [(0, "scan.hdr is missing beside"), (1, "scan.img is missing beside")])
def test_half_a_pair_is_refused(pair, half, message):
    files, _ = pair()
    files[half].unlink()
    with pytest.raises(VolumeError, match=message):
        read_pair_header(files)


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf"), 1e-3, 200.0])
def test_a_voxel_size_that_no_scanner_has_is_refused_with_a_remedy(pair, size):
    _, header = pair([(PIXDIM + 8, "f", size)])
    with pytest.raises(VolumeError, match=r"voxel size .* expected 0\.05 to 30.*write the scanner's voxel size"):
        read_pair_spacing(header)
