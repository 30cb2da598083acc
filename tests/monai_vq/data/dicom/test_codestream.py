import numpy as np
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from monai_vq.data.dicom.codestream import declared_size


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEG2000Lossless])
def test_the_size_is_that_of_the_picture(large_slices, compress, syntax):
    (frame,) = generate_frames(compress(large_slices[0], syntax).PixelData, number_of_frames=1)
    assert declared_size(frame) == (36, 40)


def test_a_jpeg_ls_frame_is_known():
    assert declared_size(b"\xff\xd8\xff\xf7\x00\x0b\x10\x01\x00\x00\xf0\x01\x01\x11\x00") == (256, 240)


def test_segments_before_the_frame_are_passed_over():
    comment, tables = b"\xff\xfe\x00\x04ab", b"\xff\xc4\x00\x03\x00"
    frame = b"\xff\xc0\x00\x0b\x08\x00\x06\x00\x08\x01\x01\x11\x00"
    assert declared_size(b"\xff\xd8" + comment + tables + frame) == (6, 8)


def test_other_or_truncated_streams_say_nothing(large_slices, compress):
    (frame,) = generate_frames(compress(large_slices[0], RLELossless).PixelData, number_of_frames=1)
    assert declared_size(frame) is None
    (frame,) = generate_frames(compress(large_slices[1], JPEG2000Lossless).PixelData, number_of_frames=1)
    assert declared_size(frame[:20]) is None
    noise = np.random.default_rng(0).integers(0, 256, (50, 64), dtype=np.uint8)
    assert all(declared_size(b"\xff\xd8" + bytes(row)) is None for row in noise[:, :3])
