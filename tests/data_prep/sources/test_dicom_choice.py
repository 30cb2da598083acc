import re

import numpy as np
import pytest
from pydicom.uid import LegacyConvertedEnhancedMRImageStorage

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from data_prep.sources.dicom_choice import choose_series
from monai_vq.data.dicom import find_series

AFFINE = np.diag([1.0, 1, 2, 1])
VOXELS = np.random.default_rng(0).integers(0, 1000, (8, 6, 10)).astype(np.int16)


@pytest.fixture
def choose(tmp_path):
    """Writes a series after a change of each slice, and decides on it."""

    def write(change=lambda dataset, index: None, pattern=None, mixed=False):
        for index, dataset in enumerate(make_slices(VOXELS, AFFINE, DicomSeries(description="t1 mprage"))):
            change(dataset, index)
            save_dicom(dataset, tmp_path / f"I{index:03d}")
        return choose_series(find_series(tmp_path), pattern and re.compile(pattern, re.IGNORECASE), mixed)

    return write


def setting(**elements):
    def change(dataset, index):
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)

    return change


def export_twice(dataset, index):
    if index == 9:
        dataset.SOPClassUID = LegacyConvertedEnhancedMRImageStorage


def space_wider(dataset, index):
    dataset.SliceThickness, dataset.SpacingBetweenSlices = "1", "1"


# [change, reason]
REFUSED = [
    [setting(ImagesInAcquisition=14), r"4 image\(s\) are missing"],
    [setting(PatientID=""), "no PatientID"],
    [setting(BurnedInAnnotation="YES"), "burned into the pixels"],
    [setting(PixelSpacing=None), "no readable PixelSpacing"],
    [setting(SamplesPerPixel=3), "colour or unknown pixels"],
    [space_wider, "1 of 2 are missing"],
    [export_twice, "files of 2 kinds of objects"],
]


def test_a_whole_volume_is_a_scan(choose):
    choice = choose(setting(ImagesInAcquisition=10))
    assert [series.n_slices for series in choice.scans] == [10]
    assert (choice.refused, choice.left) == ([], [])


@pytest.mark.parametrize(("change", "reason"), REFUSED)
def test_what_looks_like_a_volume_and_is_none_is_refused(choose, change, reason):
    choice = choose(change)
    assert (choice.scans, choice.left) == ([], [])
    ((_, error),) = choice.refused
    assert re.search(reason, error.reason)


def test_a_name_that_does_not_fit_is_left_before_anything_is_checked(choose):
    choice = choose(setting(ImagesInAcquisition=14), pattern="flair")
    assert (choice.scans, choice.refused) == ([], [])
    assert "--series_regex" in choice.left[0][1].reason
    assert len(choose(pattern="MPRAGE").scans) == 1


def test_series_of_a_folder_of_several_patients_are_refused_until_trusted(choose):
    def mix(dataset, index):
        dataset.PatientID, dataset.SeriesInstanceUID = ("A", "1.2.1") if index < 9 else ("B", "1.2.2")

    choice = choose(mix)
    assert "several patients" in choice.refused[0][1].reason
    assert [series.n_slices for series in choose(mix, mixed=True).scans] == [9]
