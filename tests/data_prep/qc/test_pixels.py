import numpy as np
from PIL import Image

from data_prep.qc.pixels import to_grey, to_uint8


def test_sixteen_bits_keep_their_upper_half_and_eight_bits_stay():
    assert to_uint8(np.array([0, 255, 256, 65535], np.uint16)).tolist() == [0, 0, 1, 255]
    eight = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_uint8(eight), eight)


def test_brightness_of_colours_is_pillows():
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(colours).convert("L")).astype(int)
    assert np.abs(to_grey(colours).astype(int) - expected).max() <= 1
    assert np.array_equal(to_grey(colours[..., 0]), colours[..., 0])
