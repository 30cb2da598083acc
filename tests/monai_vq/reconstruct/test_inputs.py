import errno
import gzip
import os

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.data import VolumeError
from monai_vq.data.storage import MEMORY
from monai_vq.errors import InputError
from monai_vq.reconstruct.inputs import find_inputs


@pytest.fixture
def mixed(tmp_path, write_head):
    """A folder of all formats at several depths, with what does not belong to them."""
    root = tmp_path / "mixed"
    for place in ("a/t1.nii.gz", "b/t1.nii.gz", "sub-07/ses-02/anat/sub-07_ses-02_T1w.nii.gz", ".hidden/x.nii.gz"):
        write_head(root / place, seed=len(place))
    array = np.asarray(nib.load(root / "a/t1.nii.gz").dataobj).astype(np.int16)
    (root / "old").mkdir()
    nib.AnalyzeImage(array, np.diag([8.0, 8, 8, 1])).to_filename(root / "old/head.img")
    nib.Nifti1Pair(array, nib.load(root / "a/t1.nii.gz").affine).to_filename(root / "old/pair.hdr")
    (root / "old/lonely.img").write_bytes(b"\0" * 100)
    for name, date in (("DOE^JANE", "20200101"), ("DOE^JANE", "20210101"), ("ROE^RICHARD", "20200101")):
        series = DicomSeries(patient_id=name[:3] + "-ID", patient_name=name, date=date)
        for number, dataset in enumerate(make_slices(array, np.diag([8.0, 8, 8, 1]), series)):
            save_dicom(dataset, root / f"PACS/{name}/{date}/I{number:04d}")
    (root / "README.txt").write_text("a study\n")
    return root


def test_every_format_is_found_at_any_depth_once(mixed):
    found = find_inputs(mixed, assume_axes="LAS")
    kinds = sorted(scan.kind for scan in found.scans)
    assert kinds == ["DICOM"] * 3 + ["NIfTI"] * 3 + ["image pair"] * 2
    assert len({scan.scan_id for scan in found.scans}) == 8
    assert all(scan.read(scan.files, MEMORY).array.ndim == 3 for scan in found.scans)
    assert [(one.place, one.reason) for one in found.skipped] == [("old/lonely.img", "lonely.hdr is missing beside it")]


def test_files_of_one_name_are_called_after_their_folders(mixed):
    by_place = {scan.place: scan.scan_id for scan in find_inputs(mixed).scans if scan.kind == "NIfTI"}
    assert by_place["a/t1.nii.gz"] == "a-t1"
    assert by_place["b/t1.nii.gz"] == "b-t1"
    assert by_place["sub-07/ses-02/anat/sub-07_ses-02_T1w.nii.gz"] == "sub-07_ses-02_T1w"


def test_names_that_differ_in_capitals_alone_are_not_one_file(tmp_path, write_head):
    for place in ("x/Head.nii.gz", "y/head.nii.gz"):
        write_head(tmp_path / place)
    names = [scan.scan_id for scan in find_inputs(tmp_path).scans]
    assert len({name.casefold() for name in names}) == 2


def test_bids_names_say_whose_a_scan_is_and_others_do_not(mixed):
    scans = {scan.scan_id: scan for scan in find_inputs(mixed).scans}
    bids, other = scans["sub-07_ses-02_T1w"], scans["a-t1"]
    assert (bids.patient_id, bids.session_id, bids.known) == ("sub-07", "ses-02", True)
    assert (other.patient_id, other.session_id, other.known) == ("a-t1", "", False)


def test_a_regular_expression_says_whose_a_scan_is(mixed):
    found = find_inputs(mixed, patient_regex=r"^(?P<patient>[ab])/(?P<session>t\d)")
    ids = {scan.scan_id: (scan.patient_id, scan.session_id) for scan in found.scans}
    assert (ids["a-t1"], ids["b-t1"]) == (("a", "t1"), ("b", "t1"))


def test_dicom_is_called_after_nothing_of_a_person(mixed):
    scans = [scan for scan in find_inputs(mixed).scans if scan.kind == "DICOM"]
    said = " ".join(f"{scan.scan_id} {scan.patient_id} {scan.session_id} {scan.place}" for scan in scans)
    assert not any(word in said for word in ("DOE", "JANE", "ROE", "-ID", "2020", "I0"))
    assert len({scan.scan_id for scan in scans}) == 3
    assert len({scan.patient_id for scan in scans}) == 2  # two series are of one patient
    assert [scan.scan_id for scan in find_inputs(mixed).scans] == [scan.scan_id for scan in find_inputs(mixed).scans]


def test_analyze_without_axes_is_no_guess(mixed):
    pair = next(scan for scan in find_inputs(mixed).scans if scan.place == "old/head.hdr")
    with pytest.raises(VolumeError, match="--assume_orientation"):
        pair.read(pair.files, MEMORY)


@pytest.mark.parametrize("ending", [".hdr", ".img"])
def test_a_pair_may_be_named_by_either_file(mixed, ending):
    (scan,) = find_inputs((mixed / "old/pair").with_suffix(ending)).scans
    assert [path.suffix for path in scan.files] == [".hdr", ".img"]


def test_a_slice_missing_series_and_a_damaged_file_are_told(mixed):
    for path in sorted((mixed / "PACS/ROE^RICHARD/20200101").iterdir())[5:]:
        path.unlink()
    damaged = sorted((mixed / "PACS/DOE^JANE/20210101").iterdir())[3]
    damaged.write_bytes(damaged.read_bytes()[:300])
    found = find_inputs(mixed / "PACS")
    assert len(found.scans) == 2
    reasons = " ".join(one.reason for one in found.skipped)
    assert "5 slice(s), expected at least 8" in reasons
    assert not any(word in str(found.skipped) for word in ("DOE", "ROE", "I0"))


def test_a_file_that_is_no_scan_is_told_only_where_it_was_given(tmp_path):
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"x" * 500))
    assert find_inputs(tmp_path).skipped == []
    assert len(find_inputs(tmp_path / "notes.gz").skipped) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patient_regex": "("}, "is no regular expression"),
        ({"patient_regex": "P[0-9]+"}, "has no group"),
        ({"assume_axes": "XYZ"}, "axes 'XYZ'"),
    ],
)
def test_impossible_options_are_refused(tmp_path, settings, message):
    with pytest.raises(InputError, match=message):
        find_inputs(tmp_path, **settings)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no such file or folder"):
        find_inputs(tmp_path / "nowhere")


def test_links_to_nowhere_are_told_of_scans_and_passed_over_elsewhere(tmp_path):
    for name in ("gone.nii.gz", "gone.txt"):
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
    (scan,) = find_inputs(tmp_path).scans
    with pytest.raises(VolumeError, match="a link to a file that is not here"):
        scan.read(scan.files, MEMORY)


def test_folders_that_are_not_looked_into_are_told_by_their_number(tmp_path, write_head, monkeypatch):
    write_head(tmp_path / "in/head.nii.gz")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may open every folder
    found = find_inputs(tmp_path / "in")
    assert [one.scan_id for one in found.scans] == ["head"]
    reasons = [one.reason for one in found.skipped]
    assert reasons == ["1 link(s) to folders, which are not followed", "1 folder(s) cannot be opened"]
