import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices
from monai_vq.data.dicom import find_series, read_series

CONVERTER = shutil.which("dcm2niix")
COMPRESSED = [RLELossless, JPEGLosslessSV1, JPEG2000Lossless]

pytestmark = pytest.mark.skipif(CONVERTER is None, reason="dcm2niix is not installed")


def convert(folder, tmp_path):
    """What dcm2niix makes of a folder: (voxels, affine) each, in RAS order."""
    out = tmp_path / "nifti"
    out.mkdir()
    command = [CONVERTER, "-z", "n", "-b", "n", "-f", "%e_%s", "-o", str(out), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return [to_ras(nib.load(path)) for path in sorted(out.glob("*.nii"))]


def to_ras(image):
    canonical = nib.as_closest_canonical(image)
    return canonical.get_fdata(), canonical.affine


def assert_equal_to_dcm2niix(files, tmp_path):
    volume = read_series(files)
    voxels, affine = to_ras(nib.Nifti1Image(volume.array, volume.affine))
    ((expected_voxels, expected_affine),) = convert(files[0].parent, tmp_path)
    np.testing.assert_array_equal(voxels, expected_voxels)
    np.testing.assert_allclose(affine, expected_affine, atol=1e-3)


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial", "oblique"])
def test_planes(voxels, affines, save, tmp_path, plane):
    assert_equal_to_dcm2niix(save(make_slices(voxels, affines[plane], DicomSeries())), tmp_path)


@pytest.mark.parametrize("kind", ["2D", "3D"])
def test_reversed_instance_numbers_and_shuffled_names(slices, save, tmp_path, kind):
    for number, dataset in enumerate(slices):
        dataset.InstanceNumber, dataset.MRAcquisitionType = 10 - number, kind
    assert_equal_to_dcm2niix(save([slices[index] for index in (3, 9, 0, 1, 8, 2, 7, 4, 6, 5)]), tmp_path)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, *COMPRESSED])
def test_transfer_syntaxes(large_slices, compress, save, tmp_path, syntax):
    for dataset in large_slices:
        if syntax in COMPRESSED:
            compress(dataset, syntax)
    assert_equal_to_dcm2niix(save(large_slices, syntax=syntax), tmp_path)


def test_rescaled_and_signed(voxels, affines, save, tmp_path):
    datasets = make_slices((voxels - 500).astype(np.int16), affines["coronal"], DicomSeries())
    for dataset in datasets:
        dataset.RescaleSlope, dataset.RescaleIntercept = "2.5", "-7"
    assert_equal_to_dcm2niix(save(datasets), tmp_path)


@pytest.mark.parametrize("plane", ["sagittal", "axial", "oblique"])
def test_enhanced(voxels, affines, make_enhanced, save, tmp_path, plane):
    assert_equal_to_dcm2niix(save([make_enhanced(voxels, affines[plane])]), tmp_path)


def test_echoes_are_parted_as_dcm2niix_parts_them(voxels, affines, save, tmp_path):
    heap = []
    for number, echo in enumerate((4.6, 7.1), start=1):
        part = make_slices(voxels + np.int16(100 * number), affines["axial"], DicomSeries(echo_time=echo))
        for index, dataset in enumerate(part):
            dataset.EchoNumbers = number
            dataset.SOPInstanceUID = f"1.2.{number}.{index}"
            dataset.InstanceNumber = 10 * (number - 1) + index + 1
        heap += part
    folder = save(heap)[0].parent
    volumes = [read_series(series.files) for series in find_series(folder).series]
    ours = [to_ras(nib.Nifti1Image(volume.array, volume.affine)) for volume in volumes]
    theirs = convert(folder, tmp_path)
    assert len(ours) == len(theirs) == 2
    for (voxels_a, affine_a), (voxels_b, affine_b) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(voxels_a, voxels_b)
        np.testing.assert_allclose(affine_a, affine_b, atol=1e-3)


def test_the_one_difference_is_that_dark_is_turned_to_bright(voxels, slices, save, tmp_path):
    for dataset in slices:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    files = save(slices)
    volume = read_series(files)
    turned, affine = to_ras(nib.Nifti1Image(volume.array, volume.affine))
    ((stored, expected_affine),) = convert(files[0].parent, tmp_path)
    np.testing.assert_array_equal(turned, float(voxels.min()) + float(voxels.max()) - stored)
    np.testing.assert_allclose(affine, expected_affine, atol=1e-3)
