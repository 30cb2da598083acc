import io

import numpy as np
import pytest
from PIL import Image

from data_prep.qc.strips import direction_labels, slice_strip
from monai_vq.data import PLANE_AXES

ORANGE = (255, 140, 0)
SCALE, GAP = 3, 2  # slices of 32 pixels are enlarged to 96


def draw(record, folder) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(slice_strip(record, folder))).convert("RGB")).astype(int)


def test_strip_shows_grey_values_and_the_contour_of_the_mask(save_scan, make_record):
    record = make_record(3, axes="")
    strip = draw(record, save_scan(record))
    assert strip.shape == (24 * SCALE, 8 * (32 * SCALE + GAP) - GAP, 3)
    for start in (0, 7 * (32 * SCALE + GAP)):
        tile = strip[:, start : start + 32 * SCALE]
        for row, column in ((2, 3), (11, 16)):
            assert np.abs(tile[row * SCALE, column * SCALE] - (24000 >> 8)).max() < 12  # 12: what JPEG does
        on_contour = tile[6 * SCALE, 10 * SCALE : 22 * SCALE].mean(0)
        assert on_contour[0] > on_contour[1] > on_contour[2]
        assert np.abs(on_contour - ORANGE).max() < 70


def test_an_image_that_is_all_foreground_has_no_contour(save_scan, make_record):
    record = make_record(plane="", axes="", slice_indices=(0,))
    colours = np.broadcast_to(np.array([10, 200, 60], np.uint8), (1, 32, 32, 3))
    strip = draw(record, save_scan(record, colours, np.ones((1, 32, 32), bool)))
    assert strip.shape == (96, 96, 3)
    assert np.abs(strip - (10, 200, 60)).max() < 8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_both_depths_show_the_same(save_scan, make_record, dtype):
    record = make_record(plane="", axes="", slice_indices=(0, 1))
    ramp = np.broadcast_to(np.linspace(0, np.iinfo(dtype).max, 96).astype(dtype), (2, 96, 96))
    strip = draw(record, save_scan(record, ramp, np.ones(ramp.shape, bool)))
    assert np.abs(strip[48, :96, 0] - np.linspace(0, 255, 96)).max() < 6


def test_strip_has_square_pixels(save_scan, make_record):
    record = make_record(3, slice_spacing=(3.0, 1.5))  # 24 x 3 mm high, 32 x 1.5 mm wide
    assert draw(record, save_scan(record)).shape[:2] == (96, 8 * (64 + GAP) - GAP)


def test_large_slices_are_shrunk(save_scan, make_record):
    record = make_record(3, slice_indices=(0,))
    mask = np.zeros((1, 256, 512), bool)
    mask[:, 100:200, 100:200] = True
    assert draw(record, save_scan(record, np.zeros((1, 256, 512), np.uint16), mask)).shape[:2] == (80, 160)


def test_few_slices_are_all_shown_and_none_twice(save_scan, make_record):
    record = make_record(3, slice_indices=(5, 6, 7))
    assert draw(record, save_scan(record, np.zeros((3, 24, 32), np.uint16))).shape[1] == 3 * (96 + GAP) - GAP


def test_letters_stand_at_the_edges_and_only_where_the_axes_are_known(save_scan, make_record):
    black, mask = np.zeros((10, 24, 32), np.uint16), np.zeros((10, 24, 32), bool)
    lettered = make_record(3)
    strip = draw(lettered, save_scan(lettered, black, mask)).max(axis=2) > 100
    rows, columns = np.nonzero(strip)
    middle, centre, right = abs(rows - 36) < 12, abs(columns - 48) < 12, strip.shape[1] - 16
    assert (middle & (columns < 16)).any()
    assert (middle & (columns >= right)).any()
    assert (centre & (rows < 16)).any()
    assert (centre & (rows >= 72 - 16)).any()
    assert not ((columns > 64) & (columns < right)).any()
    bare = make_record(4, axes="")
    assert draw(bare, save_scan(bare, black, mask)).max() < 20


@pytest.mark.parametrize(
    ("plane", "edges"),
    [("axial", "RLAP"), ("coronal", "RLSI"), ("sagittal", "APSI")],
)
def test_letters_are_the_ends_of_the_planes_axes(make_record, plane, edges):
    labels = direction_labels(make_record(plane=plane))
    assert [labels[edge] for edge in ("left", "right", "top", "bottom")] == list(edges)
    assert (labels["bottom"], labels["right"]) == PLANE_AXES[plane][1:]


def test_stacks_have_no_letters(make_record):
    assert direction_labels(make_record(plane="", axes="")) == {}
    assert direction_labels(make_record(plane="coronal", axes="")) == {}
