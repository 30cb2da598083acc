import numpy as np
import pydicom
import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, plane_elements, save_dicom

AFFINE = np.array([[0, 0, 1.2, -7], [-0.9, 0, 0, 12], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])
VOXELS = np.random.default_rng(0).integers(-500, 500, (8, 6, 10)).astype(np.int16)


def test_pydicom_reads_the_voxels_back(tmp_path):
    for index, dataset in enumerate(make_slices(VOXELS, AFFINE, DicomSeries())):
        save_dicom(dataset, tmp_path / "a" / "IM")
        np.testing.assert_array_equal(pydicom.dcmread(tmp_path / "a" / "IM").pixel_array, VOXELS[:, :, index].T)


def test_a_slice_says_where_it_lies_in_left_posterior_superior():
    plane = plane_elements(AFFINE, 3)
    assert plane["ImageOrientationPatient"] == ["0.0", "1.0", "0.0", "0.0", "0.0", "-1.0"]
    np.testing.assert_allclose(np.array(plane["ImagePositionPatient"], float), (7 - 3.6, -12, 30))
    assert [float(size) for size in plane["PixelSpacing"]] == pytest.approx([1.1, 0.9])


def test_equal_series_are_equal_bytes(tmp_path):
    for name in "ab":
        save_dicom(make_slices(VOXELS, AFFINE, DicomSeries())[0], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_uids_are_of_the_patient_the_date_and_the_thing():
    series = DicomSeries()
    assert series.uid("study") == DicomSeries(number=3).uid("study") != DicomSeries(patient_id="P002").uid("study")
    assert series.uid("study") != DicomSeries(date="20200316").uid("study")
    assert len({dataset.SOPInstanceUID for dataset in make_slices(VOXELS, AFFINE, series)}) == 10
