import numpy as np
import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.data.storage import MEMORY, Disk
from monai_vq.reconstruct.dicom_inputs import find_dicom_scans

AFFINE = np.diag([8.0, 8, 8, 1])
VOXELS = np.random.default_rng(0).integers(0, 1000, (12, 10, 9)).astype(np.int16)
DEFACED = ("DERIVED", "SECONDARY")
MAP = ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")


@pytest.fixture
def save(tmp_path):
    """Writes a series and returns its files in the order of slices."""

    def write(number=2, change=lambda dataset: None, **series):
        files = []
        for index, dataset in enumerate(make_slices(VOXELS, AFFINE, DicomSeries(number=number, **series))):
            change(dataset)
            files.append(tmp_path / f"{number}/I{index:03d}")
            save_dicom(dataset, files[-1])
        return files

    return write


@pytest.mark.parametrize("storage", [lambda folder: MEMORY, Disk])
def test_a_series_is_read_into_the_storage_that_is_given(save, tmp_path, storage):
    (scan,) = find_dicom_scans(save()).scans
    volume = scan.read(scan.files, storage(tmp_path / "disk"))
    np.testing.assert_array_equal(volume.array, VOXELS)
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-6)


def test_derived_volumes_are_taken_where_there_is_no_original(save):
    defaced, maps = save(4, image_type=DEFACED), save(5, image_type=MAP)
    found = find_dicom_scans([*defaced, *maps])
    assert [list(scan.files) for scan in found.scans] == [defaced]
    assert [one.reason for one in found.skipped] == ["9 file(s): a map computed from other images"]


def test_derived_volumes_are_left_where_there_is_an_original(save):
    original, defaced = save(), save(4, image_type=DEFACED)
    found = find_dicom_scans([*original, *defaced])
    assert [list(scan.files) for scan in found.scans] == [original]
    assert [one.reason for one in found.skipped] == ["9 file(s): derived from other images"]


def count_more(dataset):
    dataset.ImagesInAcquisition = 12


def burn_in(dataset):
    dataset.BurnedInAnnotation = "YES"


# [change of each slice, how many are given, what the reason says]
LEFT = [
    [count_more, 9, r"3 image(s) are missing"],
    [burn_in, 9, "text is burned into the pixels"],
    [lambda dataset: None, 7, "7 slice(s), expected at least 8"],
]


@pytest.mark.parametrize(("change", "number", "reason"), LEFT)
def test_what_is_no_whole_volume_is_left_out_with_a_reason(save, change, number, reason):
    found = find_dicom_scans(save(change=change)[:number])
    assert not found.scans
    assert [one.reason[: len(reason)] for one in found.skipped] == [reason]


def test_a_file_that_is_not_dicom_is_told_of_only_where_it_was_given_alone(tmp_path):
    path = tmp_path / "DOE^JANE.txt"
    path.write_text("DOE^JANE")
    assert not find_dicom_scans([path]).skipped
    (skipped,) = find_dicom_scans([path], is_alone=True).skipped
    assert skipped.reason == "not a DICOM file (no DICM at byte 128)"
    assert "DOE" not in f"{skipped.place} {skipped.remedy}"
