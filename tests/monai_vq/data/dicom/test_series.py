import hashlib
import pickle

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices
from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_series
from monai_vq.data.storage import Disk

SHUFFLED = (3, 9, 0, 1, 8, 2, 7, 4, 6, 5)


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial", "oblique"])
def test_voxels_and_affine_are_those_that_were_written(voxels, affines, save, plane):
    volume = read_series(save(make_slices(voxels, affines[plane], DicomSeries())))
    np.testing.assert_array_equal(volume.array, voxels)
    np.testing.assert_allclose(volume.affine, affines[plane], atol=1e-6)
    assert (volume.array.dtype, volume.affine.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(volume.spacing, (0.9, 1.1, 1.2), atol=1e-6)


def test_a_landmark_is_where_the_standard_says(save, affines):
    voxels = np.zeros((8, 6, 10), np.int16)
    voxels[7, 5, 9] = 1000  # last column, row and slice of a sagittal series: posterior, inferior, right
    volume = read_series(save(make_slices(voxels, affines["sagittal"], DicomSeries())))
    assert volume.axes == "PIR"
    canonical = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
    assert canonical.get_fdata()[9, 0, 0] == 1000  # right end, posterior, inferior


def test_names_order_and_instance_numbers_mean_nothing(voxels, slices, save):
    for number, dataset in enumerate(slices):
        dataset.InstanceNumber = 100 - number
    paths = save([slices[index] for index in SHUFFLED])
    np.testing.assert_array_equal(read_series(paths[::-1]).array, voxels)


def test_the_hash_is_that_of_the_files_in_the_order_given(slices, save):
    paths = save(slices)
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in paths)
    assert read_series(paths).sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_each_slice_is_rescaled_by_its_own_numbers(voxels, slices, save):
    for index, dataset in enumerate(slices):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(1 + index / 4), str(-10 * index)
    expected = voxels * (1 + np.arange(10) / 4) - 10 * np.arange(10)
    np.testing.assert_array_equal(read_series(save(slices)).array, expected)


def test_dark_is_turned_to_bright(voxels, slices, save):
    for dataset in slices:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    array = read_series(save(slices)).array
    np.testing.assert_array_equal(array, float(voxels.min()) + float(voxels.max()) - voxels)


def test_signed_numbers_stay_negative(voxels, affines, save):
    volume = read_series(save(make_slices((voxels - 500).astype(np.int16), affines["axial"], DicomSeries())))
    np.testing.assert_array_equal(volume.array, voxels - 500.0)


def test_an_enhanced_file_is_a_volume_whatever_the_order_of_its_frames(voxels, affines, make_enhanced, save):
    for plane, affine in affines.items():
        volume = read_series(save([make_enhanced(voxels, affine, SHUFFLED)], folder=plane))
        np.testing.assert_array_equal(volume.array, voxels)
        np.testing.assert_allclose(volume.affine, affine, atol=1e-6)


def test_echoes_in_one_enhanced_file_are_refused(voxels, affines, make_enhanced, save):
    enhanced = make_enhanced(voxels, affines["axial"])
    echo = enhanced.SharedFunctionalGroupsSequence[0].MREchoSequence[0]
    other = type(echo)()
    other.EffectiveEchoTime = 5.0
    for group in enhanced.PerFrameFunctionalGroupsSequence[5:]:
        group.MREchoSequence = [other]
    with pytest.raises(VolumeError, match="different echo times"):
        read_series(save([enhanced]))


def test_a_copy_of_a_slice_does_no_harm(voxels, slices, save):
    np.testing.assert_array_equal(read_series(save([*slices, slices[3]])).array, voxels)


@pytest.mark.parametrize("kind", ["classic", "enhanced", "compressed"])
def test_a_volume_on_disk_is_the_same_to_the_bit(large_voxels, affines, make_enhanced, compress, save, tmp_path, kind):
    datasets = make_slices(large_voxels, affines["oblique"], DicomSeries())
    if kind == "enhanced":
        datasets = [make_enhanced(large_voxels, affines["oblique"])]
    if kind == "compressed":
        datasets = [compress(dataset, RLELossless) for dataset in datasets]
    files = save(datasets, syntax=RLELossless if kind == "compressed" else ExplicitVRLittleEndian)
    volume, mapped = read_series(files), read_series(files, Disk(tmp_path / "disk"))
    assert isinstance(mapped.array, np.memmap)
    np.testing.assert_array_equal(mapped.array, volume.array)
    np.testing.assert_array_equal(mapped.affine, volume.affine)
    assert mapped.sha256 == volume.sha256


def test_the_storage_caps_the_volume(slices, save, tmp_path):
    files, disk = save(slices), Disk(tmp_path / "disk")
    disk.max_bytes = 10 * 6 * 8 * 4 - 1
    with pytest.raises(VolumeError, match="10 slices of 1920 bytes as float32, expected at most 4096 and 1919"):
        read_series(files, disk)


def test_a_constant_volume_is_refused(affines, save):
    constant = np.full((8, 6, 10), 7, np.int16)
    with pytest.raises(VolumeError, match="every voxel has the value 7"):
        read_series(save(make_slices(constant, affines["axial"], DicomSeries())))


def test_no_file_is_refused():
    with pytest.raises(VolumeError, match="no file"):
        read_series(())


def test_the_reader_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(read_series)) is read_series
