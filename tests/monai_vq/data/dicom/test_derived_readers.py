"""Derived series before those who did not write them: dicom3tools' validator and dcm2niix."""

import shutil
import subprocess
from collections.abc import Callable

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGLosslessSV1, RLELossless

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.data.dicom import read_series, write_derived_series
from monai_vq.data.dicom.items import make_code, make_item

VALIDATOR, CONVERTER = shutil.which("dciodvfy"), shutil.which("dcm2niix")
needs_validator = pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy is not installed (Debian: dicom3tools)")
needs_converter = pytest.mark.skipif(CONVERTER is None, reason="dcm2niix is not installed")
SOURCES = ["axial", "coronal", "sagittal", "oblique", "signed", "rescaled", "rle", "jpeg", "enhanced"]


@pytest.fixture
def make_source(voxels, affines, large_slices, make_enhanced, compress, save) -> Callable:
    """Writes a series of a kind, complete where the phantom's images are not; returns its files."""

    def make(kind):
        syntax = {"rle": RLELossless, "jpeg": JPEGLosslessSV1}.get(kind)
        if syntax:
            return save([compress(complete(dataset), syntax) for dataset in large_slices], syntax=syntax)
        if kind == "enhanced":
            return save([complete_enhanced(make_enhanced(voxels, affines["oblique"]))])
        stored = (voxels - 500).astype(np.int16) if kind == "signed" else voxels
        datasets = make_slices(stored, affines.get(kind, affines["coronal"]), DicomSeries())
        for dataset in map(complete, datasets):
            if kind == "rescaled":
                dataset.RescaleSlope, dataset.RescaleIntercept = "2.5", "-7"
        return save(datasets)

    return make


def complete(dataset):
    dataset.BodyPartExamined = "BRAIN"
    return dataset


def complete_enhanced(dataset):
    """Adds what the standard wants of every enhanced MR image, and a derived one can only take over."""
    brain = make_item(FrameLaterality="U", AnatomicRegionSequence=[make_code("12738006", "SCT", "Brain")])
    dataset.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [brain]
    dataset.SharedFunctionalGroupsSequence[0].MRTimingAndRelatedParametersSequence = [make_timing()]
    dataset.ApplicableSafetyStandardAgency = "IEC"
    return complete(dataset)


def make_timing():
    """As Siemens and Philips write it: where a time is said, the energy must be."""
    absorption = make_item(SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=0.05)
    mode = make_item(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL")
    return make_item(
        RepetitionTime=2300.0,
        FlipAngle=9.0,
        EchoTrainLength=1,
        RFEchoTrainLength=0,
        GradientEchoTrainLength=1,
        SpecificAbsorptionRateSequence=[absorption],
        GradientOutputType="",
        OperatingModeSequence=[mode],
    )


def derive(files, tmp_path, compression_ratio=21.3):
    volume = read_series(files)
    array = (0.83 * volume.array + 3).astype(np.float32)
    return array, write_derived_series(
        files, array, tmp_path / "out", "reconstruction", compression_ratio=compression_ratio
    )


def find_errors(path):
    """What dciodvfy calls an error; its warnings are of values that are rare or longer than usual."""
    result = subprocess.run([VALIDATOR, "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).splitlines()
    assert {line for line in lines if not line.startswith(("Error", "Warning"))} <= {"MRImage", "EnhancedMRImage"}
    return [line for line in lines if line.startswith("Error")]


@needs_validator
@pytest.mark.parametrize("kind", SOURCES)
def test_derived_image_has_no_error_of_the_standard(make_source, tmp_path, kind):
    _, paths = derive(make_source(kind), tmp_path)
    assert [find_errors(path) for path in (paths[0], paths[-1])] == [[], []]


@needs_validator
@pytest.mark.parametrize("kind", ["axial", "enhanced"])
def test_incomplete_source_is_answered_with_no_error_beyond_its_own(make_source, tmp_path, kind):
    files = make_source(kind)
    for path in files:
        dataset = pydicom.dcmread(path)
        for keyword in ("BodyPartExamined", "StudyID", "ApplicableSafetyStandardAgency", "MRAcquisitionType"):
            dataset.pop(keyword, None)
        save_dicom(dataset, path)
    _, paths = derive(files, tmp_path)
    assert set(find_errors(paths[0])) < set(find_errors(files[0]))


@needs_converter
@pytest.mark.parametrize("kind", SOURCES)
def test_dcm2niix_finds_the_geometry_of_the_source_and_the_new_voxels(make_source, tmp_path, kind):
    files = make_source(kind)
    array, paths = derive(files, tmp_path)
    ours = nib.as_closest_canonical(nib.Nifti1Image(array, read_series(files).affine))
    theirs = convert(paths[0].parent, tmp_path / "nifti")
    np.testing.assert_allclose(theirs.affine, ours.affine, atol=1e-3)
    np.testing.assert_allclose(theirs.affine, convert(files[0].parent, tmp_path / "source").affine, atol=1e-3)
    step = 2.5 if kind == "rescaled" else 1
    np.testing.assert_allclose(theirs.get_fdata(), ours.get_fdata(), rtol=0, atol=0.5 * step + 1e-3)


def convert(folder, out):
    """What dcm2niix makes of a folder, in RAS order; derived images are not ignored (-i n)."""
    out.mkdir()
    command = [CONVERTER, "-z", "n", "-b", "n", "-i", "n", "-f", "scan", "-o", str(out), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.nii")
    return nib.as_closest_canonical(nib.load(path))
