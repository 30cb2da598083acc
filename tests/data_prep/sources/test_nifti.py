import re
import shutil

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.layouts.nifti import NIFTI_TABLE, nifti_file, write_nifti
from data_prep.phantom.patient import PhantomPatient, marker_position
from data_prep.sessions import choose_sessions
from data_prep.sources.nifti import find_nifti
from data_prep.sources.nifti_ids import RegexIds
from monai_vq.data import VolumeError
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

PATIENTS = [PhantomPatient.draw(0, index) for index in range(5)]  # 0 and 3 have two sessions; 3 is not compressed
REGEX = r"^(?P<patient>P\d+)/(?P<session>[^/]+)/"
SCAN_IDS = [
    "P001_2021-03-01",
    "P001_2023-03-01",
    "P002_2021-03-02",
    "P003_2021-03-03",
    "P004_2021-03-04",
    "P004_2023-03-04",
    "P005_2021-03-05",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    write_nifti(root, PATIENTS, 8.0)
    return root


@pytest.fixture
def tree(tmp_path, study):
    """A study to be changed."""
    return shutil.copytree(study, tmp_path / "study")


def test_a_regular_expression_tells_patients_and_visits(study):
    found = find_nifti(study, patient_regex=REGEX)
    assert [scan.scan_id for scan in found.scans] == SCAN_IDS
    assert [(scan.patient_id, scan.session_id) for scan in found.scans[:2]] == [
        ("P001", "2021-03-01"),
        ("P001", "2023-03-01"),
    ]
    assert found.scans[4].source == "P004/2021-03-04/t1.nii"
    assert not found.rejections
    assert "regular expression" in found.id_rule
    assert "P\\\\d+" in found.id_rule


def test_a_table_tells_them_too_and_who_they_are(study):
    found = find_nifti(study, patient_table=study / NIFTI_TABLE)
    assert [scan.scan_id for scan in found.scans] == SCAN_IDS
    people = {scan.scan_id: scan.person for scan in found.scans}
    assert (people["P002_2021-03-02"].age, people["P002_2021-03-02"].sex) == (PATIENTS[1].age, PATIENTS[1].sex)
    assert people["P001_2023-03-01"].age == PATIENTS[0].age + 2
    assert [people[scan_id].diagnosis for scan_id in ("P001_2021-03-01", "P002_2021-03-02")] == ["CN", "AD"]
    assert people["P005_2021-03-05"].diagnosis == ""  # blank is unknown, not healthy
    assert f"'{NIFTI_TABLE}' (SHA-256 " in found.id_rule


def test_without_ids_it_refuses_with_names_and_an_expression_that_fits(study):
    with pytest.raises(InputError, match=r"nothing says whose the 7 image\(s\) are, such as P001/2021") as refusal:
        find_nifti(study)
    message = str(refusal.value)
    assert message.count("/t1.nii.gz") == 3
    example = RegexIds(re.search(r"as in '(.*?)'", message)[1]).identify("P01_V2.nii")
    assert (example.patient_id, example.session_id) == ("P01", "V2")
    assert "if P001, P002, P003 are patients" in message
    suggested = re.search(r"--patient_regex '(.*)'$", message)[1]
    assert {scan.patient_id for scan in find_nifti(study, patient_regex=suggested).scans} == {
        f"P{number:03d}" for number in range(1, 6)
    }


def test_both_ways_at_once_are_refused(study):
    with pytest.raises(InputError, match="give one of them"):
        find_nifti(study, patient_regex=REGEX, patient_table=study / NIFTI_TABLE)


def test_a_glob_takes_what_it_matches(study, monkeypatch):
    found = find_nifti(study / "*/2021-*/*.nii.gz", patient_regex=REGEX)
    assert [scan.scan_id for scan in found.scans] == [SCAN_IDS[index] for index in (0, 2, 3, 6)]
    assert found.scans[0].source == "P001/2021-03-01/t1.nii.gz"  # relative to the folder before the first wildcard
    monkeypatch.chdir(study)
    assert len(find_nifti(type(study)("**/t1.nii*"), patient_regex=REGEX).scans) == 7


def test_the_first_session_is_refused_where_no_session_is_known(study):
    assert find_nifti(study, patient_regex=REGEX).has_sessions
    without = find_nifti(study, patient_regex=r"(P\d+)")
    assert not without.has_sessions
    with pytest.raises(InputError, match="--patient_regex a group named session"):
        choose_sessions(without, "first")


def test_two_spellings_of_one_id_are_refused(tree):
    (tree / "P002").rename(tree / "p_01")
    with pytest.raises(InputError, match="'P001' and 'p_01' count as two patients and may be one"):
        find_nifti(tree, patient_regex="^([^/]+)/")


def test_a_file_that_does_not_match_is_rejected_not_guessed(tree):
    shutil.copy(tree / nifti_file(PATIENTS[0], "ses-01"), tree / "extra.nii.gz")
    for options in ({"patient_regex": REGEX}, {"patient_table": tree / NIFTI_TABLE}):
        found = find_nifti(tree, **options)
        assert [rejection.source for rejection in found.rejections] == ["extra.nii.gz"]
        assert len(found.scans) == 7
    with pytest.raises(InputError, match=r"no patient of any file is known; 8 were rejected"):
        find_nifti(tree, patient_regex="subject_([0-9]+)")


def test_two_files_of_one_visit_have_two_scan_ids(tree):
    first = tree / nifti_file(PATIENTS[1], "ses-01")
    shutil.copy(first, first.with_name("t1_repeat.nii.gz"))
    found = find_nifti(tree, patient_regex=REGEX)
    twins = [scan for scan in found.scans if scan.patient_id == "P002"]
    assert [(scan.scan_id, scan.path.name) for scan in twins] == [
        ("P002_2021-03-02", "t1.nii.gz"),
        ("P002_2021-03-02_2", "t1_repeat.nii.gz"),
    ]
    assert len({scan.session_id for scan in twins}) == 1


def test_hidden_files_and_other_formats_are_no_scans_but_pairs_are_rejected(tree):
    (tree / ".cache").mkdir()
    shutil.copy(tree / nifti_file(PATIENTS[0], "ses-01"), tree / ".cache/P009.nii.gz")
    for name in ("P001/scan.hdr", "P001/scan.img", "P001/scan.json", "P001/scan.dcm"):
        (tree / name).write_bytes(b"not opened")
    found = find_nifti(tree, patient_regex=REGEX)
    assert len(found.scans) == 7
    (rejection,) = found.rejections
    assert rejection.source == "P001/scan.img"
    assert "convert it to .nii.gz" in rejection.remedy


def test_files_named_like_labels_are_a_note(tree):
    folder = tree / "P001/2021-03-01"
    for name in ("t1_mask.nii.gz", "P001_dseg.nii.gz", "masked_t1.nii.gz"):
        shutil.copy(folder / "t1.nii.gz", folder / name)
    notes = find_nifti(tree, patient_regex=REGEX).notes
    assert any(
        note.startswith("2 file(s) are named like masks or label maps, first P001/2021-03-01/P") for note in notes
    )


def test_a_link_to_a_file_that_was_not_fetched_is_rejected(tree):
    (tree / "P001/2021-03-01/t2.nii.gz").symlink_to("../../.git/annex/objects/none")
    (rejection,) = find_nifti(tree, patient_regex=REGEX).rejections
    assert "datalad get" in rejection.remedy


def test_sources_without_images_are_errors(tmp_path, study):
    with pytest.raises(InputError, match="no folder"):
        find_nifti(tmp_path / "none", patient_regex=REGEX)
    with pytest.raises(InputError, match="no folder"):
        find_nifti(study / NIFTI_TABLE, patient_regex=REGEX)
    for empty in (tmp_path, study / "**/*_T1w.nii.gz"):
        with pytest.raises(InputError, match=r"no \.nii or \.nii\.gz file in"):
            find_nifti(empty, patient_regex=REGEX)
    with pytest.raises(InputError, match="axes 'PAS'"):
        find_nifti(study, patient_regex=REGEX, assume_orientation="PAS")


# From the stored voxel (i, j, k) of a volume to the (slice, row, column) of its axial slices: anterior is up, and the
# patient's right on the image's left.
AXIAL = {
    "PSR": lambda i, j, k, shape: (j, i, shape[2] - 1 - k),
    "LIA": lambda i, j, k, shape: (shape[1] - 1 - j, shape[2] - 1 - k, i),
}


@pytest.mark.parametrize("index", [0, 2])
@pytest.mark.parametrize("lost", [False, True])
def test_the_marker_is_where_the_axial_convention_says(tmp_path, index, lost):
    patient = PATIENTS[index]
    (tmp_path / "true").mkdir()
    (tmp_path / "given").mkdir()
    write_nifti(tmp_path / "true", [patient], 4.0)
    write_nifti(tmp_path / "given", [patient], 4.0, lost_affines=[index] if lost else [])
    file = nifti_file(patient, "ses-01")
    true = nib.load(tmp_path / "true" / file).affine
    stored = np.rint(np.linalg.inv(true) @ (*marker_position(patient), 1))[:3].astype(int)
    options = {"assume_orientation": patient.axes} if lost else {}
    scan = find_nifti(tmp_path / "given", patient_regex=REGEX, **options).scans[0]
    volume = scan.read(scan.files)
    slice_index, row, column = AXIAL[patient.axes](*stored, volume.array.shape)
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    pixels = cut.slices[cut.slice_indices.index(slice_index)]
    assert column > pixels.shape[1] * 0.9  # the marker is at the patient's left
    assert pixels[row, column] > 0.7 * 65535
    assert pixels[row, pixels.shape[1] - 1 - column] < 0.2 * 65535
    assert cut.slice_spacing == (4.0, 4.0)


def test_a_lost_affine_is_refused_without_the_option(tmp_path):
    write_nifti(tmp_path, PATIENTS[:2], 8.0, lost_affines=[1])
    lost = find_nifti(tmp_path, patient_regex=REGEX).scans[-1]
    with pytest.raises(VolumeError, match=r"\[4\.0, 4\.0, 4\.0\] mm contradicts .*--assume_orientation"):
        lost.read(lost.files)
