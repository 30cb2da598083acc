import numpy as np
from pydicom.dataset import Dataset

from monai_vq.data.dicom.frames import Frame, read_frames


def test_a_classic_image_has_one_frame(slices):
    slices[3].RescaleSlope, slices[3].RescaleIntercept = "2.5", "-7"
    (frame,) = read_frames(slices[3])
    np.testing.assert_allclose(frame.position, (7.5 - 3 * 1.2, -12.25, 30), atol=1e-9)  # LPS
    assert frame.orientation == (0, 1, 0, 0, 0, -1)
    assert frame.spacing == (1.1, 0.9)  # rows first
    assert (frame.slope, frame.intercept, frame.echo_time) == (2.5, -7, 2.98)


def test_thickness_and_distance_are_those_of_the_header(slices, voxels, affines, make_enhanced):
    slices[0].SliceThickness, slices[0].SpacingBetweenSlices = "4", "4.8"
    (frame,) = read_frames(slices[0])
    assert (frame.thickness, frame.distance) == (4, 4.8)
    first = read_frames(make_enhanced(voxels, affines["sagittal"]))[0]
    assert (first.thickness, first.distance) == (1.2, None)


def test_an_image_that_says_nothing_is_not_rescaled():
    assert read_frames(Dataset()) == (Frame(None, None, None, 1.0, 0.0, None),)


def test_an_unreadable_slope_is_none_and_not_one(slices):
    slices[0].RescaleSlope = "1.5"
    slices[0]["RescaleSlope"]._value = "1..5"
    assert read_frames(slices[0])[0].slope is None


def test_enhanced_frames_take_what_they_lack_from_the_shared_groups(voxels, affines, slices, make_enhanced):
    enhanced = make_enhanced(voxels, affines["sagittal"], order=(3, 1, 2))
    own = enhanced.PerFrameFunctionalGroupsSequence[1]
    own.PixelValueTransformationSequence = [Dataset()]
    own.PixelValueTransformationSequence[0].RescaleSlope = "4"
    frames = read_frames(enhanced)
    assert [frame.position for frame in frames] == [read_frames(slices[index])[0].position for index in (3, 1, 2)]
    assert [frame.slope for frame in frames] == [1, 4, 1]
    assert {frame.echo_time for frame in frames} == {2.98}
    assert {frame.orientation for frame in frames} == {read_frames(slices[0])[0].orientation}
