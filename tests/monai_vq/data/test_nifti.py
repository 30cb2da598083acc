import gzip
import io
import pickle
import struct

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError
from monai_vq.data.nifti import MAX_DIM, decode_nifti

VOXELS = np.random.default_rng(0).integers(0, 1000, (7, 8, 9)).astype(np.int16)
PLAIN = nib.Nifti1Image(VOXELS, np.eye(4)).to_bytes()
ZIPPED = gzip.compress(PLAIN, mtime=0)


def with_header(offset: int, form: str, *values: int) -> bytes:
    """The plain file with some of its header's bytes replaced."""
    content = bytearray(PLAIN)
    struct.pack_into(form, content, offset, *values)
    return bytes(content)


@pytest.mark.parametrize(("name", "content"), [("a.nii", PLAIN), ("a.nii.gz", ZIPPED), ("A.NII.GZ", ZIPPED)])
def test_good_files_decode_to_their_voxels(name, content):
    np.testing.assert_array_equal(decode_nifti(name, io.BytesIO(content)).dataobj, VOXELS)


def test_nifti2_and_big_endian_files_decode():
    second = nib.Nifti2Image(VOXELS, np.eye(4)).to_bytes()
    swapped = nib.Nifti1Image(VOXELS.astype(">i2"), np.eye(4), nib.Nifti1Header(endianness=">")).to_bytes()
    for content in (second, swapped):
        np.testing.assert_array_equal(decode_nifti("a.nii", io.BytesIO(content)).dataobj, VOXELS)


def test_trailing_singleton_dimensions_pass():
    content = nib.Nifti1Image(VOXELS[..., None], np.eye(4)).to_bytes()
    assert decode_nifti("a.nii", io.BytesIO(content)).shape == (7, 8, 9, 1)


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_of_a_gzip_stream_changes_a_voxel_unnoticed(bit):
    refused = 0
    for position in range(len(ZIPPED)):
        content = bytearray(ZIPPED)
        content[position] ^= 1 << bit
        try:
            image = decode_nifti("a.nii.gz", io.BytesIO(bytes(content)))
        except VolumeError:
            refused += 1
        else:  # padding, and the date in the first bytes
            np.testing.assert_array_equal(image.dataobj, VOXELS)
    assert refused >= len(ZIPPED) - 10


@pytest.mark.parametrize("missing", [1, 4, 8, 100, len(ZIPPED) - 30])
def test_every_cut_of_a_gzip_stream_is_found_even_within_its_trailer(missing):
    with pytest.raises(VolumeError, match="damaged or cut off"):
        decode_nifti("a.nii.gz", io.BytesIO(ZIPPED[:-missing]))


DIM, DATATYPE, VOX_OFFSET, MAGIC = 40, 70, 108, 344  # byte offsets in a NIfTI-1 header
# [name, content, what the message says]
BAD = [
    ["a.nii.gz", b"", "empty"],
    ["a.nii.gz", b"<!DOCTYPE html><html>Please log in</html>", "not a gzip stream but a web page; download"],
    ["a.nii.gz", gzip.compress(b"<!DOCTYPE html>" * 99), "not a NIfTI file but a web page"],
    ["a.nii", b"<!DOCTYPE html><html>Please log in</html>" * 20, "not a NIfTI file"],
    ["a.nii", PLAIN[:200], "the header is cut off: 200 of 348 bytes"],
    ["a.nii.gz", PLAIN, r"not a gzip stream.*rename it to end in \.nii"],
    ["a.nii", ZIPPED, r"rename the file to end in \.nii\.gz"],
    ["a.nii", PLAIN[:-1], "cut off"],
    ["a.nii.gz", gzip.compress(PLAIN[:-50]), "cut off"],
    ["a.nii", with_header(DIM, "<4h", 3, 32767, 32767, 32767), "impossible dimensions"],
    ["a.nii", with_header(DIM, "<4h", 3, -16, 8, 9), "impossible dimensions|invalid"],
    ["a.nii", with_header(DIM, "<4h", 3, 7, 0, 9), "impossible dimensions"],
    ["a.nii", with_header(DIM, "<4h", 3, MAX_DIM + 1, 1, 1), rf"expected 1 to {MAX_DIM} each"],
    ["a.nii", with_header(DIM, "<4h", 3, 4096, 4096, 4096), "expected at most"],
    ["a.nii", with_header(DIM, "<5h", 4, 7, 8, 3, 3), "expected one 3-D volume"],
    ["a.nii", with_header(DIM, "<3h", 2, 7, 72), "expected one 3-D volume"],
    ["a.nii", with_header(DATATYPE, "<h", 999), "header is invalid"],
    ["a.nii", with_header(MAGIC, "<4s", b"Jane"), "magic is none of the format's"],
    ["a.nii", with_header(DATATYPE, "<h", 32), "complex64, expected real numbers"],
    ["a.nii", with_header(DATATYPE, "<h", 128), "expected real numbers"],
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_bad_files_are_refused_by_what_is_wrong_with_them(name, content, message):
    with pytest.raises(VolumeError, match=message):
        decode_nifti(name, io.BytesIO(content))


def test_a_decompression_bomb_is_not_inflated():
    bomb = gzip.compress(PLAIN + bytes(50 << 20))
    assert len(bomb) < 100_000
    with pytest.raises(VolumeError, match="goes on beyond"):
        decode_nifti("a.nii.gz", io.BytesIO(bomb))


def test_error_keeps_reason_and_remedy_apart():
    error = VolumeError("too large", "crop it")
    assert (error.reason, error.remedy, str(error)) == ("too large", "crop it", "too large; crop it")


def test_an_error_of_another_process_keeps_reason_and_remedy():
    error = pickle.loads(pickle.dumps(VolumeError("cut off", "copy it again")))
    assert (error.reason, error.remedy, str(error)) == ("cut off", "copy it again", "cut off; copy it again")
