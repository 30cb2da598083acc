import numpy as np
import pytest

from data_prep.qc.histogram import BINS, encode_heights, foreground_histogram


def test_only_the_foreground_counts_in_the_bin_of_its_intensity(save_scan, make_record):
    record = make_record(3)  # 24000 of 65535, in a box of 12 x 16 pixels of 10 slices
    counts = foreground_histogram(record, save_scan(record))
    assert counts.shape == (BINS,)
    assert np.flatnonzero(counts).tolist() == [24000 * BINS // 65536]
    assert counts.sum() == 10 * 12 * 16


@pytest.mark.parametrize(("pixel", "expected"), [((255,), BINS - 1), ((0,), 0), ((0, 255, 0), 150 * BINS // 256)])
def test_every_kind_of_slices_is_counted(save_scan, make_record, pixel, expected):
    slices = np.full((2, 24, 32, *(() if len(pixel) == 1 else (3,))), pixel, np.uint8)
    record = make_record(slice_indices=(0, 1))
    counts = foreground_histogram(record, save_scan(record, slices))
    assert np.flatnonzero(counts).tolist() == [expected]


def test_the_highest_bar_between_the_ends_is_full_and_the_rest_in_proportion():
    counts = np.zeros(BINS, np.int64)
    counts[[0, 10, 20, -1]] = 1_000_000, 350, 70, 7
    heights = [int(character, 36) for character in encode_heights(counts)]
    assert [heights[place] for place in (0, 10, 20, -1)] == [35, 35, 7, 1]


def test_an_image_of_two_values_has_its_two_bars():
    counts = np.array([7, *[0] * (BINS - 2), 7])
    assert encode_heights(counts) == "z" + "0" * (BINS - 2) + "z"
