import json
import re
import shutil

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.layouts.oasis3 import oasis3_day, oasis3_image, write_oasis3
from data_prep.phantom.patient import PhantomPatient, marker_position
from data_prep.sources.oasis3 import find_oasis3
from monai_vq.data import VolumeError
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

PATIENTS = [PhantomPatient.draw(0, index) for index in range(5)]  # 0 and 3 have two sessions, 2 has two runs


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    root = tmp_path_factory.mktemp("oasis3")
    write_oasis3(root, PATIENTS, 8.0)
    return root


@pytest.fixture
def tree(tmp_path, download):
    """A download to be changed."""
    return shutil.copytree(download, tmp_path / "oasis3")


def table_of(tree, name):
    (path,) = tree.rglob(f"{name}.csv")
    return path


def test_finds_the_t1w_images_of_both_shapes_and_spellings(download):
    found = find_oasis3(download)
    assert [(scan.scan_id, scan.patient_id, scan.session_id) for scan in found.scans] == [
        ("OAS30001_d0129", "OAS30001", "d0129"),
        ("OAS30001_d0859", "OAS30001", "d0859"),
        ("OAS30002_d0146", "OAS30002", "d0146"),
        ("OAS30003_d0163_run-01", "OAS30003", "d0163"),
        ("OAS30003_d0163_run-02", "OAS30003", "d0163"),
        ("OAS30004_d0180", "OAS30004", "d0180"),
        ("OAS30004_d0910", "OAS30004", "d0910"),
        ("OAS30005_d0197", "OAS30005", "d0197"),
    ]
    sources = [scan.source for scan in found.scans]
    assert sources[0] == "OAS30001_MR_d0129/anat1/sub-OAS30001_ses-d0129_T1w.nii.gz"
    assert sources[2] == "OAS30002_MR_d0146/anat4/NIFTI/sub-OAS30002_sess-d0146_T1w.nii.gz"
    assert not found.rejections


def test_other_contrasts_are_left_out_with_a_reason_and_pet_sessions_with_a_note(download):
    found = find_oasis3(download)
    assert len(found.left) == 7  # a T2w beside the scan of each session
    assert all(left.source.endswith("_acq-TSE_T2w.nii.gz") and left.reason and left.remedy for left in found.left)
    assert "sessions of another modality than MR were left out: 1 AV45" in found.notes
    assert any("do not pool" in note for note in found.notes)


@pytest.mark.parametrize("suffix", ["FLAIR", "T2star", "swi", "minIP", "dwi", "bold", "acq-TOF_angio", "asl"])
def test_the_suffix_decides_not_the_order(tree, suffix):
    folder = tree / "OAS30001_MR_d0129/anat1"
    shutil.copy(folder / "sub-OAS30001_ses-d0129_T1w.nii.gz", folder / f"sub-OAS30001_ses-d0129_{suffix}.nii.gz")
    found = find_oasis3(tree)
    assert len(found.scans) == 8
    assert f"{folder.relative_to(tree)}/sub-OAS30001_ses-d0129_{suffix}.nii.gz" in [left.source for left in found.left]


def test_a_person_is_as_the_tables_say_on_the_day_of_the_scan(download):
    people = {scan.scan_id: scan.person for scan in find_oasis3(download).scans}
    for patient in PATIENTS:
        for session, age in patient.session_ages.items():
            day = oasis3_day(patient, session)
            run = "_run-01" if patient.index == 2 else ""
            person = people[f"OAS3{patient.index + 1:04d}_d{day:04d}{run}"]
            assert person.age == pytest.approx(age, abs=0.02)
            assert person.sex == patient.sex
            assert person.diagnosis == ("" if patient.index == 4 else patient.diagnosis)  # blank is not healthy
            assert person.field_strength == "3"


def test_a_session_far_from_any_visit_has_no_diagnosis(tree):
    path = table_of(tree, "OASIS3_UDSb4_cdr")
    lines = [line for line in path.read_text().splitlines() if not line.startswith("OAS30001,0889")]
    path.write_text("\n".join([*lines, "OAS30001,1225,28,0.5,AD Dementia", ""]))  # 366 days after the second scan
    people = {scan.scan_id: scan.person for scan in find_oasis3(tree).scans}
    assert (people["OAS30001_d0129"].diagnosis, people["OAS30001_d0859"].diagnosis) == ("CN", "")
    path.write_text(path.read_text().replace(",1225,", ",1224,"))
    assert {scan.scan_id: scan.person for scan in find_oasis3(tree).scans}["OAS30001_d0859"].diagnosis == "AD"
    assert any("have no visit with a diagnosis within 365 days" in note for note in find_oasis3(tree).notes)


def test_the_sidecar_comes_before_the_table_of_field_strengths(tree):
    sidecar = tree / "OAS30001_MR_d0129/anat1/sub-OAS30001_ses-d0129_T1w.json"
    sidecar.write_text(json.dumps({"MagneticFieldStrength": 1.5, "PatientBirthDate": "ZZPHI"}))
    (tree / "OAS30002_MR_d0146/anat4/BIDS/sub-OAS30002_sess-d0146_T1w.json").write_text("{ no json")
    table = table_of(tree, "OASIS3_MR_json")
    table.write_text(
        table.read_text().replace("OAS30002_MR_d0146,T1w,simulated,3", "OAS30002_MR_d0146,T1w,simulated,7")
    )
    scans = find_oasis3(tree).scans
    assert [scan.person.field_strength for scan in scans[:3]] == ["1.5", "3", ""]  # 3 and 7 in one session: unknown
    assert "ZZPHI" not in repr(scans)


def test_missing_tables_are_notes_and_tables_may_lie_elsewhere(tree):
    elsewhere = tree.parent / "tables"
    (tree / "OASIS3_data_files").rename(elsewhere)
    found = find_oasis3(tree)
    assert {scan.person.diagnosis for scan in found.scans} == {""}
    assert sum("--tables" in note for note in found.notes) == 2
    assert {scan.person.diagnosis for scan in find_oasis3(tree, tables=elsewhere).scans} == {"CN", "AD", ""}


def test_people_of_the_tables_without_a_scan_and_the_reverse_are_notes(tree):
    for folder in tree.glob("OAS30005_MR_*"):
        shutil.rmtree(folder)
    demographics = table_of(tree, "OASIS3_demographics")
    demographics.write_text(re.sub("OAS30002,[^,]*,", "OAS30009,unknown,", demographics.read_text()))
    notes = find_oasis3(tree).notes
    assert "2 patient(s), first OAS30005, of OASIS3_demographics have no scan here" in notes
    assert "1 patient(s), first OAS30002, are not in OASIS3_demographics" in notes
    assert "1 table cell(s) are no numbers and count as unknown, first AgeatEntry 'unknown'" in notes


# [name of a file in a session of OAS30001, reason]
REJECTED = [
    ["sub-OAS30002_ses-d0129_T1w.nii.gz", r"contradicts its folder, a session of OAS30001"],
    ["sub-OAS30001_ses-d0130_T1w.nii.gz", r"contradicts its folder"],
    ["sub-OAS30001_sess-d0129_T1w.nii.gz", r"the same scan by its name as .*/sub-OAS30001_ses-d0129_T1w.nii.gz"],
    ["sub-OAS30001_ses-d0129_T1w.nii", r"the same scan by its name as .*/sub-OAS30001_ses-d0129_T1w.nii.gz"],
    ["sub-OAS30001_ses-d0129_T1w_defaced.nii.gz", r"not of the form sub-<id>_ses-<day>"],
    ["OAS30001_T1w.nii.gz", r"not of the form"],
]


@pytest.mark.parametrize(("name", "reason"), REJECTED)
def test_ambiguous_images_are_rejected_with_a_reason(tree, name, reason):
    folder = tree / "OAS30001_MR_d0129/anat1"
    (folder / name).write_bytes(b"not opened")
    found = find_oasis3(tree)
    (rejection,) = found.rejections
    assert rejection.source == f"OAS30001_MR_d0129/anat1/{name}"
    assert re.search(reason, rejection.reason)
    assert rejection.remedy
    assert len(found.scans) == 8


def test_a_renamed_session_folder_is_rejected_not_ignored(tree):
    (tree / "OAS30002_MR_d0146").rename(tree / "OAS30002_MR_146")
    found = find_oasis3(tree)
    assert [rejection.source for rejection in found.rejections] == ["OAS30002_MR_146"]
    assert len(found.scans) == 7


def test_a_session_without_a_t1w_is_a_note(tree):
    (tree / oasis3_image(PATIENTS[1], "ses-01")).unlink()
    assert "1 MR session(s) have no T1-weighted image that can be taken, first OAS30002_MR_d0146" in (
        find_oasis3(tree).notes
    )


def test_sessions_are_found_at_any_depth(tree):
    deep = tree.parent / "study"
    (deep / "unpacked").mkdir(parents=True)
    tree.rename(deep / "unpacked/oasis3")
    found = find_oasis3(deep)
    assert len(found.scans) == 8
    assert found.scans[0].source.startswith("unpacked/oasis3/OAS30001_MR_d0129/")
    assert found.scans[0].person.diagnosis == "CN"


def test_sources_of_another_kind_are_errors(tmp_path, tree):
    with pytest.raises(InputError, match="no folder"):
        find_oasis3(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no T1-weighted scan in 0 OASIS-3 session folder.*OAS3nnnn_MR_dnnnn"):
        find_oasis3(tmp_path / "empty")
    with pytest.raises(InputError, match=r"no folder .*OASIS3_UDSb4_cdr"):
        find_oasis3(tree, tables=tmp_path / "none")
    with pytest.raises(InputError, match="axes 'PSX'"):
        find_oasis3(tree, assume_orientation="PSX")


# From the stored voxel (i, j, k) of a volume to the (slice, row, column) of its axial slices: anterior is up, and the
# patient's right on the image's left.
AXIAL = {
    "PSR": lambda i, j, k, shape: (j, i, shape[2] - 1 - k),
    "LIA": lambda i, j, k, shape: (shape[1] - 1 - j, shape[2] - 1 - k, i),
}


@pytest.mark.parametrize("index", [0, 2])
def test_the_marker_is_where_the_axial_convention_says(tmp_path, index):
    patient = PATIENTS[index]
    write_oasis3(tmp_path, [patient], 4.0)
    scan = find_oasis3(tmp_path).scans[0]
    volume = scan.read(scan.files)
    assert volume.axes == patient.axes
    stored = np.rint(np.linalg.inv(nib.load(scan.path).affine) @ (*marker_position(patient), 1))[:3].astype(int)
    slice_index, row, column = AXIAL[patient.axes](*stored, volume.array.shape)
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    pixels = cut.slices[cut.slice_indices.index(slice_index)]
    assert column > pixels.shape[1] * 0.9  # the marker is at the patient's left
    assert pixels[row, column] > 0.7 * 65535
    assert pixels[row, pixels.shape[1] - 1 - column] < 0.2 * 65535


def test_a_scan_without_orientation_is_refused_unless_its_axes_are_assumed(tree):
    path = tree / oasis3_image(PATIENTS[0], "ses-01")
    image = nib.load(path)
    true = image.affine
    voxels = np.asarray(image.dataobj)
    image = nib.Nifti1Image(voxels, true, image.header)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, path)
    scan = find_oasis3(tree).scans[0]
    with pytest.raises(VolumeError, match=r"no orientation.*--assume_orientation"):
        scan.read(scan.files)
    assumed = find_oasis3(tree, assume_orientation=PATIENTS[0].axes).scans
    np.testing.assert_allclose(assumed[0].read(assumed[0].files).affine[:3, :3], true[:3, :3], atol=1e-5)
    other = assumed[2]
    np.testing.assert_allclose(other.read(other.files).affine, nib.load(other.path).affine, atol=1e-5)
