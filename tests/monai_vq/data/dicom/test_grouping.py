from dataclasses import replace

import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices
from monai_vq.data import VolumeError
from monai_vq.data.dicom import DERIVED, MIN_SLICES, find_series, grouping
from monai_vq.errors import InputError


def test_series_are_told_apart_by_their_headers_and_ordered_by_position(voxels, affines, save, tmp_path):
    first, second = (make_slices(voxels, affines["axial"], DicomSeries(number=number)) for number in (2, 3))
    mixed = [one for pair in zip(reversed(first), second, strict=True) for one in pair]
    paths = save(mixed)
    found = find_series(tmp_path)
    expected = {paths[18::-2], paths[1::2]}
    assert {series.files for series in found.series} == expected
    assert (found.left, found.damaged, found.others) == ([], [], [])


def test_echoes_orientations_and_sizes_are_parted(voxels, affines, save, tmp_path):
    echoes = [make_slices(voxels, affines["axial"], DicomSeries(echo_time=echo)) for echo in (4.6, 7.1)]
    turned = make_slices(voxels, affines["coronal"], DicomSeries(echo_time=4.6))
    smaller = make_slices(voxels[:, :5], affines["axial"], DicomSeries(echo_time=4.6))
    heap = [dataset for part in (*echoes, turned, smaller) for dataset in part]
    for number, dataset in enumerate(heap):
        dataset.SOPInstanceUID = f"1.2.{number}"
    paths = save(heap)
    assert {series.files for series in find_series(tmp_path).series} == {paths[i : i + 10] for i in range(0, 40, 10)}


def test_the_same_echo_time_in_other_digits_is_one_echo(slices, save, tmp_path):
    for index, dataset in enumerate(slices):
        dataset.EchoTime = "2.98" if index % 2 else "2.9800001"
    paths = save(slices)
    (series,) = find_series(tmp_path).series
    assert series.files == paths


def test_a_slice_with_a_damaged_orientation_stays_in_its_series(slices, save, tmp_path):
    slices[0].ImageOrientationPatient = [0, 1, 0, 0, -1, 0]
    paths = save(slices)
    (series,) = find_series(tmp_path).series
    assert set(series.files) == set(paths)


def test_copies_are_counted_and_left_out(slices, save, tmp_path):
    save(slices)
    save(slices[:4], folder="copy")
    (series,) = find_series(tmp_path).series
    assert (series.n_slices, series.n_copies) == (10, 4)


def test_localizers_and_other_files_are_kept_apart(voxels, affines, slices, save, tmp_path):
    localizer = DicomSeries(number=1, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    save(make_slices(voxels[:, :, :3], affines["axial"], localizer), folder="localizer")
    save(slices)
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "._IM000").write_text("a Mac's")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/IM000").write_text("hidden")
    found = find_series(tmp_path)
    assert [series.n_slices for series in found.series] == [10]
    assert [(len(images.headers), images.reason) for images in found.left] == [(3, "a localizer")]
    assert [unread.path.name for unread in found.others] == ["notes.txt"]
    assert [unread.path.name for unread in found.damaged] == ["empty.dcm"]


def test_time_points_of_one_series_are_left_out_with_their_number(voxels, affines, slices, save, tmp_path):
    points = [make_slices(voxels, affines["axial"], DicomSeries(number=5)) for _ in range(3)]  # as of GE and Philips
    heap = [dataset for point in points for dataset in point]
    for number, dataset in enumerate(heap):
        dataset.SOPInstanceUID = f"1.2.{number}"
    save(heap, folder="functional")
    files = save(slices)
    found = find_series(tmp_path)
    assert [series.files for series in found.series] == [files]
    (left,) = found.left
    assert (len(left.headers), left.reason[:22]) == (30, "3 images at each place")
    assert "one of them alone" in left.remedy


def test_volumes_in_one_enhanced_file_are_left_out(voxels, affines, make_enhanced, save, tmp_path):
    save([make_enhanced(voxels, affines["axial"], [*range(10), *range(10)])])
    found = find_series(tmp_path)
    assert not found.series
    assert found.left[0].reason.startswith("2 images at each place")


def test_time_points_of_which_images_are_missing_stay_in_their_series(voxels, affines, save, tmp_path):
    heap = [dataset for _ in range(2) for dataset in make_slices(voxels, affines["axial"], DicomSeries())]
    for number, dataset in enumerate(heap):
        dataset.SOPInstanceUID = f"1.2.{number}"
    save(heap[:-1])
    (series,) = find_series(tmp_path).series
    assert series.n_slices == 19


def test_derived_volumes_are_taken_where_they_are_wanted(voxels, affines, slices, save, tmp_path):
    defaced = DicomSeries(number=4, image_type=("DERIVED", "SECONDARY"))
    anisotropy = DicomSeries(number=5, image_type=("DERIVED", "PRIMARY", "DIFFUSION", "FA"))
    derived = save(make_slices(voxels, affines["axial"], defaced), folder="defaced")
    save(make_slices(voxels, affines["axial"], anisotropy), folder="anisotropy")
    original = save(slices)
    found = find_series(tmp_path)
    assert [series.files for series in found.series] == [original]
    assert {images.reason for images in found.left} == {DERIVED, "a map computed from other images"}
    found = find_series(tmp_path, take_derived=True)
    assert {series.files for series in found.series} == {original, derived}
    assert {images.reason for images in found.left} == {"a map computed from other images"}


def test_originals_and_what_is_derived_from_them_are_not_mixed(voxels, affines, save, tmp_path):
    heap = [
        dataset
        for kind in ("ORIGINAL", "DERIVED")
        for dataset in make_slices(voxels, affines["axial"], DicomSeries(image_type=(kind, "PRIMARY", "M")))
    ]
    for number, dataset in enumerate(heap):
        dataset.SOPInstanceUID = f"1.2.{number}"
    paths = save(heap)
    found = find_series(tmp_path, take_derived=True)
    assert {series.files for series in found.series} == {paths[:10], paths[10:]}


@pytest.mark.parametrize(("n_acquired", "n_missing"), [(14, 4), (10, 0), (5, 0), ("", 0)])
def test_images_that_were_not_copied_are_counted(slices, save, tmp_path, n_acquired, n_missing):
    for dataset in slices:
        dataset.ImagesInAcquisition = n_acquired  # GE writes it
    save(slices)
    (series,) = find_series(tmp_path).series
    assert series.n_missing == n_missing
    if n_missing:
        with pytest.raises(VolumeError, match=r"4 image\(s\) are missing"):
            series.check_complete()
    else:
        series.check_complete()


def test_files_can_be_given_as_such(slices, save):
    paths = save(slices)
    (series,) = find_series(paths[:MIN_SLICES]).series
    assert series.files == paths[:MIN_SLICES]


def test_an_mr_image_without_series_is_damaged_and_another_object_is_left(slices, save, tmp_path):
    for dataset in slices[:2]:
        del dataset.SeriesInstanceUID
    slices[1].Modality = "OT"
    save(slices[:2])
    found = find_series(tmp_path)
    (unread,), (images,) = found.damaged, found.left
    assert "no SeriesInstanceUID" in unread.error.reason
    assert (unread.path.name, images.headers[0].path.name) == ("IM000", "IM001")


def test_the_number_of_files_is_capped(slices, save, tmp_path, monkeypatch):
    save(slices)
    monkeypatch.setattr(grouping, "MAX_FILES", 9)
    with pytest.raises(InputError, match="more than 9 files"):
        find_series(tmp_path)


def test_a_missing_folder_is_told_without_its_name(tmp_path):
    with pytest.raises(InputError, match="the source is no folder") as caught:
        find_series(tmp_path / "ZZPHI")
    assert "ZZPHI" not in str(caught.value)


def test_the_order_of_series_does_not_depend_on_names(voxels, affines, save, tmp_path):
    series = [DicomSeries(number=number) for number in (5, 3)]
    for number, one in enumerate(series):
        save(make_slices(voxels, affines["axial"], one), folder=f"a{number}")
    first = [one.headers[0].series for one in find_series(tmp_path).series]
    (tmp_path / "a0").rename(tmp_path / "z")
    assert [one.headers[0].series for one in find_series(tmp_path).series] == first
    assert replace(series[0], number=3).uid("series", 3) in first
