from dataclasses import replace

import numpy as np
import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices
from monai_vq.data import VolumeError
from monai_vq.data.dicom.frames import Frame, read_frames
from monai_vq.data.dicom.geometry import count_repeats, find_grid, slice_order

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)  # normal to the right: -x


def frame_at(x: float, y: float = 0.0, z: float = 0.0, **changes) -> Frame:
    """A sagittal slice."""
    return replace(Frame((x, y, z), SAGITTAL, (1.1, 0.9), 1.0, 0.0, None), **changes)


def series(*distances: float) -> list[Frame]:
    """Slices at distances along the normal."""
    return [frame_at(-distance) for distance in distances]


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial", "oblique"])
def test_the_affine_is_that_from_which_the_slices_were_made(voxels, affines, plane):
    frames = [read_frames(dataset)[0] for dataset in make_slices(voxels, affines[plane], DicomSeries())]
    shuffled = [frames[index] for index in (3, 9, 0, 1, 8, 2, 7, 4, 6, 5)]
    grid = find_grid(shuffled)
    np.testing.assert_allclose(grid.affine, affines[plane], atol=1e-6)
    assert [shuffled[index] for index in grid.order] == frames


def test_slices_are_ordered_along_the_normal_and_not_by_coordinate():
    assert slice_order(series(3, 1, 2)) == (1, 2, 0)  # x falls


def test_a_voxel_of_known_place():
    frames = [frame_at(10.0, -20, 30), frame_at(8.0, -20, 30)]
    affine = find_grid(frames).affine  # LPS (10, -20, 30) is RAS (-10, 20, 30)
    np.testing.assert_allclose(affine @ (0, 0, 0, 1), (-10, 20, 30, 1))
    np.testing.assert_allclose(affine @ (1, 2, 1, 1), (-8, 20 - 0.9, 30 - 2 * 1.1, 1))


def test_positions_rounded_to_hundredths_pass():
    exact = np.arange(160) * 1.2037
    rounded = find_grid(series(*exact.round(2))).affine
    np.testing.assert_allclose(rounded[:3, :3], find_grid(series(*exact)).affine[:3, :3], atol=1e-4)


# [frames, how many at each height]
REPEATS = [
    [series(0, 1, 2, 3), 1],
    [series(0, 1, 0, 1, 0, 1), 3],
    [series(0, 1, 2, 0.01, 1.02, 2), 2],  # as positions written with other digits
    [series(0, 1, 2, 2), 1],
    [series(0, 1, 2, 0, 1), 1],
    [series(0), 1],
]


@pytest.mark.parametrize(("frames", "expected"), REPEATS)
def test_repeats_are_counted_where_all_places_have_as_many(frames, expected):
    assert count_repeats(frames) == expected


# [frames, what the message says]
BAD = [
    [series(0), "1 slice, expected at least 2"],
    [series(0, 1, 2, 4, 5), r"1 slice\(s\) are missing"],
    [series(0, 1, 4, 5, 6, 7, 9), r"3 slice\(s\) are missing"],
    [series(0, 1, 2, 2, 3), "1 of 5 slices lie where another lies"],
    [series(0, 1, 2, 0, 1, 2), "3 of 6 slices lie where another lies"],
    [series(0, 1, 2.3, 3, 4), "distance of slices varies from 0.7 to 1.3 mm"],
    [series(0, 1.2, 2.4, 3.4, 4.4, 5.4, 6.6), "distance of slices varies from 1 to 1.2 mm"],
    [[frame_at(-i, 0.3 * i) for i in range(5)], r"shifted by 0\.3 mm against the one before, as under a tilted gantry"],
    [[frame_at(-i, 0.4 * (i == 2)) for i in range(5)], r"off a straight line"],
    [[frame_at(-i * (1 + 0.01 * i)) for i in range(20)], "varies|off a straight line"],
    [[*series(0, 1, 2), frame_at(-3, position=None)], "1 of 4 slices have no readable ImagePositionPatient"],
    [[*series(0, 1, 2), frame_at(-3, orientation=None)], "1 of 4 slices have no readable ImageOrientationPatient"],
    [[*series(0, 1, 2), frame_at(-3, spacing=None)], "1 of 4 slices have no readable PixelSpacing"],
    [[*series(0, 1, 2), frame_at(-3, spacing=(1.1, 0.8))], "1 of 4 slices differ in PixelSpacing"],
    [[*series(0, 1, 2), frame_at(-3, orientation=(0, 1, 0, 1, 0, 0))], "1 of 4 slices differ in ImageOrientation"],
    [[frame_at(-i, orientation=(0, 1, 0, 0, 0, -2)) for i in range(5)], "not two unit vectors at a right angle"],
    [[frame_at(-i, orientation=(0, 1, 0, 0, 0.1, -1)) for i in range(5)], "not two unit vectors at a right angle"],
    [[frame_at(-i, spacing=(0.0, 0.0)) for i in range(5)], "pixel spacing"],
    [[frame_at(-i, spacing=(-1.0, 1.0)) for i in range(5)], "pixel spacing"],
    [[frame_at(-i, spacing=(1.0, 300.0)) for i in range(5)], "voxel size"],
]


# [distance of slices, what the header says of it, thickness, how many of how many are missing]
SAID = [
    [4.8, 4.8, 4.0, ""],
    [9.6, 4.8, 4.0, "1 of 2 are missing"],
    [14.41, 4.8, 4.8, "2 of 3 are missing"],
    [1.0, 1.0, 2.0, ""],  # slices that overlap
    [4.8, 0.8, 4.0, ""],  # the gap
    [5.0, 1.0, 9.0, ""],  # neither is true
    [7.0, 4.8, 4.0, ""],
    [9.6, 0.0, 4.0, ""],
    [9.6, None, 4.0, ""],
    [9.6, 4.8, None, ""],
]


@pytest.mark.parametrize(("step", "said", "thickness", "message"), SAID)
def test_a_header_that_says_a_shorter_distance_shows_that_slices_are_missing(step, said, thickness, message):
    frames = [replace(frame, distance=said, thickness=thickness) for frame in series(*np.arange(10) * step)]
    if message:
        with pytest.raises(VolumeError, match=message):
            find_grid(frames)
    else:
        assert find_grid(frames).affine[0, 2] == pytest.approx(step)


@pytest.mark.parametrize(("frames", "message"), BAD)
def test_slices_that_are_no_grid_are_refused(frames, message):
    with pytest.raises(VolumeError, match=message):
        find_grid(frames)
