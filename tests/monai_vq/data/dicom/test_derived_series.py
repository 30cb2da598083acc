import re

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    LegacyConvertedEnhancedMRImageStorage,
    RLELossless,
)

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices
from monai_vq.data.dicom import find_series, read_series
from monai_vq.data.dicom.derived_series import write_derived_series
from monai_vq.data.dicom.items import make_item
from monai_vq.data.nifti import VolumeError
from monai_vq.data.storage import Disk
from monai_vq.errors import InputError

COMPRESSED = [RLELossless, JPEGLosslessSV1, JPEG2000Lossless]
PLANES = ["axial", "coronal", "sagittal", "oblique"]


def changed(volume):
    """Other intensities within the volume's range, none of them a whole number."""
    middle = volume.array.mean()
    return (0.83 * (volume.array - middle) + middle).astype(np.float32)


def derive(files, folder, array=None, **options):
    """(array written, volume of the source, volume read back, paths)."""
    volume = read_series(tuple(files))
    array = changed(volume) if array is None else array
    paths = write_derived_series(files, array, folder, "reconstruction", **options)
    return array, volume, read_series(tuple(paths)), paths


def assert_comes_back(files, folder, step=1.0, **options):
    array, volume, back, paths = derive(files, folder, **options)
    np.testing.assert_allclose(back.affine, volume.affine, atol=1e-6)
    np.testing.assert_allclose(back.array, array, rtol=0, atol=0.5 * step * (1 + 1e-3))
    return paths


@pytest.mark.parametrize("plane", PLANES)
def test_geometry_and_intensities_come_back(voxels, affines, save, tmp_path, plane):
    paths = assert_comes_back(save(make_slices(voxels, affines[plane], DicomSeries())), tmp_path / "out")
    assert [path.name for path in paths] == [f"IM{number:05d}.dcm" for number in range(1, 11)]


@pytest.mark.parametrize("plane", PLANES)
def test_enhanced(voxels, affines, make_enhanced, save, tmp_path, plane):
    source = make_enhanced(voxels, affines[plane], order=[3, 9, 0, 1, 8, 2, 7, 4, 6, 5])
    (path,) = assert_comes_back(save([source]), tmp_path / "out")
    assert pydicom.dcmread(path).NumberOfFrames == 10


def test_legacy_converted(voxels, affines, make_enhanced, save, tmp_path):
    source = make_enhanced(voxels, affines["axial"])
    source.SOPClassUID = LegacyConvertedEnhancedMRImageStorage
    assert_comes_back(save([source]), tmp_path / "out")


def test_several_multi_frame_files_of_one_volume(voxels, affines, make_enhanced, save, tmp_path):
    parts = [make_enhanced(voxels, affines["axial"], order=order) for order in ([7, 9, 8, 6, 5], [0, 1, 2, 3, 4])]
    for number, part in enumerate(parts):
        part.SOPInstanceUID = f"1.2.{number}"
    paths = assert_comes_back(save(parts), tmp_path / "out")
    references = [pydicom.dcmread(path).SourceImageEvidenceSequence[0].ReferencedSeriesSequence[0] for path in paths]
    uids = [reference.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for reference in references]
    assert uids == ["1.2.1", "1.2.0"]  # in the order of slices


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, *COMPRESSED])
def test_compressed_source_is_answered_uncompressed(large_slices, compress, save, tmp_path, syntax):
    for dataset in large_slices:
        if syntax in COMPRESSED:
            compress(dataset, syntax)
    paths = assert_comes_back(save(large_slices, syntax=syntax), tmp_path / "out")
    assert {pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in paths} == {ExplicitVRLittleEndian}


def test_signed(voxels, affines, save, tmp_path):
    files = save(make_slices((voxels - 500).astype(np.int16), affines["coronal"], DicomSeries()))
    paths = assert_comes_back(files, tmp_path / "out")
    assert pydicom.dcmread(paths[0]).PixelRepresentation == 1
    assert "RescaleSlope" not in pydicom.dcmread(paths[0])


@pytest.mark.parametrize(("slope", "intercept"), [("2.5", "-7"), ("0.01", "0")])
def test_rescaled(slices, save, tmp_path, slope, intercept):
    for dataset in slices:
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
    assert_comes_back(save(slices), tmp_path / "out", step=float(slope))


def test_slices_with_scales_of_their_own(slices, save, tmp_path):
    for number, dataset in enumerate(slices):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(0.5 + number / 8), str(number)
    assert_comes_back(save(slices), tmp_path / "out", step=0.5)


def test_what_was_read_is_written_exactly(slices, save, tmp_path):
    files = save(slices)
    mapped = read_series(files, Disk(tmp_path / "disk")).array
    _, volume, back, _ = derive(files, tmp_path / "out", mapped)
    np.testing.assert_array_equal(back.array, volume.array)


def test_intensities_of_a_far_wider_range_come_back_to_half_a_step(slices, save, tmp_path):
    files = save(slices)
    array = read_series(files).array * np.float32(1000) - 3
    _, _, back, _ = derive(files, tmp_path / "out", array)
    np.testing.assert_allclose(back.array, array, rtol=0, atol=0.5 * np.ptp(array) / 65535 * 1.01)


def test_dark_as_large_is_written_as_bright_as_large(slices, save, tmp_path):
    for dataset in slices:
        dataset.PhotometricInterpretation = "MONOCHROME1"
    paths = assert_comes_back(save(slices), tmp_path / "out")
    assert pydicom.dcmread(paths[0]).PhotometricInterpretation == "MONOCHROME2"


def test_order_of_the_files_means_nothing(slices, save, tmp_path):
    files = save(slices)
    array = changed(read_series(files))
    for name, order in (("a", files), ("b", files[::-1])):
        write_derived_series(order, array, tmp_path / name, "reconstruction")
    pair = [[pydicom.dcmread(path).PixelData for path in sorted((tmp_path / name).iterdir())] for name in "ab"]
    assert pair[0] == pair[1]


def test_each_slice_refers_to_the_one_in_its_place(slices, save, tmp_path):
    *_, paths = derive(save(slices[::-1]), tmp_path / "out")
    for path, source in zip(paths, slices, strict=True):
        image = pydicom.dcmread(path)
        assert image.ImagePositionPatient == source.ImagePositionPatient
        assert image.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID


def read_texts(folder):
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def test_series_is_new_and_its_study_is_the_source_s(slices, save, tmp_path):
    derive(save(slices), tmp_path / "out")
    images = read_texts(tmp_path / "out")
    (series,) = {image.SeriesInstanceUID for image in images}
    assert series != slices[0].SeriesInstanceUID
    assert len({image.SOPInstanceUID for image in images} - {source.SOPInstanceUID for source in slices}) == 10
    assert {image.StudyInstanceUID for image in images} == {slices[0].StudyInstanceUID}
    assert {image.FrameOfReferenceUID for image in images} == {slices[0].FrameOfReferenceUID}
    assert {image.SeriesNumber for image in images} == {1002}
    assert all(image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID for image in images)


def test_seed_gives_the_same_uids_for_the_same_voxels_only(slices, save, tmp_path):
    files = save(slices)
    array = changed(read_series(files))
    cases = {"a": (array, 1), "b": (array, 1), "c": (array, 2), "d": (array + 1, 1), "e": (array, None)}
    for name, (voxels, seed) in cases.items():
        write_derived_series(files, voxels, tmp_path / name, "reconstruction", seed=seed)
    uids = {
        name: [(image.SeriesInstanceUID, image.SOPInstanceUID) for image in read_texts(tmp_path / name)]
        for name in cases
    }
    assert uids["a"] == uids["b"]
    assert len({pair for name in "acde" for pair in uids[name]}) == 40


def test_derived_series_is_never_taken_for_an_original(slices, save, tmp_path):
    files = save(slices)
    derive(files, files[0].parent / "out")
    found = find_series(files[0].parent)
    assert [series.n_slices for series in found.series] == [10]
    assert [(left.reason, len(left.headers)) for left in found.left] == [("derived from other images", 10)]


def test_other_series_and_echoes_are_left_alone(voxels, affines, save, tmp_path):
    heap = []
    for number, echo in enumerate((4.6, 7.1), start=1):
        part = make_slices(voxels + np.int16(100 * number), affines["axial"], DicomSeries(echo_time=echo))
        for index, dataset in enumerate(part):
            dataset.SOPInstanceUID = f"1.2.{number}.{index}"
        heap += part
    first, second = find_series(save(heap)[0].parent).series
    before = [path.read_bytes() for path in first.files + second.files]
    for number, series in enumerate((first, second)):
        paths = assert_comes_back(series.files, tmp_path / f"out{number}", seed=0)
        assert {pydicom.dcmread(path).EchoTime for path in paths} == {(4.6, 7.1)[number]}
    assert [path.read_bytes() for path in first.files + second.files] == before
    images = [image for number in range(2) for image in read_texts(tmp_path / f"out{number}")]
    assert len({image.SeriesInstanceUID for image in images}) == 2  # of one series of two echoes


SECRET = "SECRET"


def hide_secrets(dataset):
    for keyword in ("InstitutionName", "OperatorsName", "PatientComments", "OtherPatientIDs", "DeviceSerialNumber"):
        setattr(dataset, keyword, SECRET)
    dataset.ImageComments = dataset.ProtocolName = dataset.SeriesDescription = SECRET
    dataset.private_block(0x0029, SECRET, create=True).add_new(0x10, "LO", SECRET)
    dataset.RequestAttributesSequence = [make_item(RequestedProcedureID=SECRET, StudyInstanceUID="1.2.999")]
    dataset.ReferencedImageSequence = [make_item(ReferencedSOPInstanceUID="1.2.999")]


@pytest.mark.parametrize("kind", ["classic", "enhanced"])
def test_nothing_private_is_taken_over(slices, voxels, affines, make_enhanced, save, tmp_path, kind):
    datasets = slices if kind == "classic" else [make_enhanced(voxels, affines["axial"])]
    for dataset in datasets:
        hide_secrets(dataset)
        for group in dataset.get("PerFrameFunctionalGroupsSequence", []):
            hide_secrets(group)
            hide_secrets(group.FrameContentSequence[0])
    *_, paths = derive(save(datasets, folder=SECRET), tmp_path / "out")
    for path in paths:
        content = path.read_bytes()
        assert SECRET.encode() not in content
        assert b"1.2.999" not in content
        assert str(slices[0].SeriesInstanceUID).encode() not in content or kind == "enhanced"
        assert content[:128] == bytes(128)
        image = pydicom.dcmread(path)
        assert not any(element.tag.is_private for element in image.iterall())
        assert image.PatientID == "P001"


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Ζήσης^Νίκος"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_names_keep_their_writing(slices, save, tmp_path, charset, name):
    for dataset in slices:
        dataset.SpecificCharacterSet, dataset.PatientName = charset, name
    *_, paths = derive(save(slices), tmp_path / "out")
    assert {str(pydicom.dcmread(path).PatientName) for path in paths} == {name}


def test_a_source_that_lacks_what_is_not_needed_is_answered(slices, save, tmp_path):
    for dataset in slices:
        for keyword in ("FrameOfReferenceUID", "PatientName", "StudyDate", "SeriesNumber", "EchoTime", "Manufacturer"):
            delattr(dataset, keyword)
    assert_comes_back(save(slices), tmp_path / "out")
    images = read_texts(tmp_path / "out")
    assert len({image.FrameOfReferenceUID for image in images}) == 1
    assert {str(image.PatientName) for image in images} == {""}
    assert {image.SeriesNumber for image in images} == {1000}


def test_a_copy_among_the_files_does_no_harm(slices, save, tmp_path):
    files = [*save(slices), *save(slices[:1], folder="copy")]
    assert len(assert_comes_back(files, tmp_path / "out")) == 10


@pytest.mark.parametrize("description", ["", "   ", "a" * 65, "a\\b", "a\nb", "Größe"])
def test_refuses_descriptions_that_dicom_cannot_hold(slices, save, tmp_path, description):
    files = save(slices)
    with pytest.raises(InputError, match="expected 1 to 64 printable ASCII"):
        write_derived_series(files, read_series(files).array, tmp_path / "out", description)


@pytest.mark.parametrize("ratio", [0, -1, float("nan"), float("inf")])
def test_refuses_impossible_ratios(slices, save, tmp_path, ratio):
    with pytest.raises(InputError, match="compression ratio"):
        derive(save(slices), tmp_path / "out", compression_ratio=ratio)


def test_refuses_an_array_of_another_series(slices, save, tmp_path):
    files = save(slices)
    array = read_series(files).array
    wrong = {"[8, 6, 9]": array[:, :, :9], "[6, 8, 10]": array.transpose(1, 0, 2)}
    for shape, other in wrong.items():
        with pytest.raises(InputError, match=re.escape(f"shape {shape} for a series of [8, 6, 10]")):
            write_derived_series(files, other, tmp_path / "out", "reconstruction")
    with pytest.raises(InputError, match=re.escape("shape [8, 6, 10] for a series of [8, 6, 9]")):
        write_derived_series(files[:9], array, tmp_path / "out", "reconstruction")
    array[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        write_derived_series(files, array, tmp_path / "out", "reconstruction")
    assert not (tmp_path / "out").exists()


def test_refuses_what_is_no_mr_image_and_no_series(slices, save, tmp_path):
    for dataset in slices:
        dataset.SOPClassUID = CTImageStorage
    with pytest.raises(VolumeError, match=r"not an MR image.*write NIfTI"):
        derive(save(slices), tmp_path / "out")
    with pytest.raises(VolumeError, match="no file"):
        write_derived_series([], np.zeros((1, 1, 1), np.float32), tmp_path / "out", "reconstruction")
