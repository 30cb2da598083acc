import nibabel as nib
import numpy as np
import pydicom
import pytest

from data_prep.phantom import PhantomPatient, phantom_scan
from data_prep.phantom.layouts.dicom import write_dicom
from monai_vq.data.dicom import read_series

PATIENTS = [PhantomPatient.draw(0, index) for index in range(2)]


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    root = tmp_path_factory.mktemp("ward")
    write_dicom(root, PATIENTS, 8.0)
    return root


def test_the_tree_has_names_dates_and_series(ward):
    folders = sorted(path.relative_to(ward).as_posix() for path in ward.glob("*/*/*"))
    assert folders == [
        f"PHANTOM_{name}/{date}/{series}"
        for name, date in (("P001", "20100315"), ("P001", "20120315"), ("P002", "20100315"))
        for series in ("0001_localizer", "0002_t1_mprage_sag")
    ]
    meta = pydicom.filereader.read_file_meta_info(ward / "DICOMDIR")
    assert meta.MediaStorageSOPClassUID.name == "Media Storage Directory Storage"


def test_the_series_holds_the_phantom_as_it_was_scanned(ward):
    for patient in PATIENTS:
        folder = ward / f"PHANTOM_P{patient.index + 1:03d}" / "20100315" / "0002_t1_mprage_sag"
        volume = read_series(tuple(sorted(folder.iterdir())))
        truth = nib.as_closest_canonical(phantom_scan(patient, "ses-01", 8.0)[0])
        ours = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
        np.testing.assert_array_equal(ours.get_fdata(), truth.get_fdata())
        np.testing.assert_allclose(ours.affine, truth.affine, atol=1e-4)


def test_neither_names_nor_numbers_follow_the_positions(ward):
    orders = {}
    for patient in PATIENTS:
        folder = ward / f"PHANTOM_P{patient.index + 1:03d}" / "20100315" / "0002_t1_mprage_sag"
        images = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.iterdir())]
        positions = [-float(image.ImagePositionPatient[0]) for image in images]  # along the normal
        by_number = sorted(images, key=lambda image: image.InstanceNumber)
        orders[patient.index] = np.sign(np.diff([-float(image.ImagePositionPatient[0]) for image in by_number]))
        assert positions != sorted(positions)
    assert (orders[0] == 1).all()
    assert (orders[1] == -1).all()


def test_the_localizer_has_three_planes(ward):
    folder = ward / "PHANTOM_P001/20100315/0001_localizer"
    images = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert len({tuple(image.ImageOrientationPatient) for image in images}) == 3
    assert all("LOCALIZER" in image.ImageType for image in images)
    assert len({image.SOPInstanceUID for image in images}) == 3


def test_equal_wards_are_equal_bytes(ward, tmp_path):
    write_dicom(tmp_path, PATIENTS, 8.0)
    files = sorted(path.relative_to(ward) for path in ward.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert all((ward / name).read_bytes() == (tmp_path / name).read_bytes() for name in files)
