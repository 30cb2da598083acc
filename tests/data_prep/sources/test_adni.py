import argparse
import pickle
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, marker_position
from data_prep.phantom.layouts.adni import ORIGINAL, SCALED, adni_patient_id, write_adni
from data_prep.sources.adni import ADNI, find_adni
from monai_vq.data import VolumeError, files_sha256, to_plane
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

VOXEL_MM = 8.0
PATIENTS = [PhantomPatient.draw(seed=0, index=index) for index in range(4)]


@pytest.fixture(scope="module")
def download(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("loni")
    write_adni(root, PATIENTS, VOXEL_MM)
    return root


@pytest.fixture
def copy(download, tmp_path) -> Path:
    return shutil.copytree(download, tmp_path / "loni")


def read(scan):
    return scan.read(scan.files)


def test_one_scan_of_each_visit_is_taken(download):
    found = find_adni(download)
    assert [scan.scan_id for scan in found.scans] == [
        "002_S_0295_d0000_I40000",
        "002_S_0295_d0731_I40004",
        "011_S_0296_d0000_I40013",
        "023_S_0297_d0000_I40020",
        "941_S_10003_d0000_I40030",
        "941_S_10003_d0731_I40034",
    ]
    assert {scan.patient_id for scan in found.scans} == {adni_patient_id(patient) for patient in PATIENTS}
    assert [scan.session_id for scan in found.scans[:2]] == ["d0000", "d0731"]
    assert all(scan.path.is_relative_to(*download.glob(scan.source)) for scan in found.scans)  # a pattern of one file
    assert found.unit == "patient"
    assert not found.rejections


def test_what_is_left_says_why(download):
    left = find_adni(download).left
    other = [one for one in left if one.reason == "no T1-weighted head, by the name of the series"]
    assert len(other) == 4 * len(PATIENTS)
    reasons = {one.reason.partition(";")[0] for one in left if one not in other}
    assert reasons == {"a scan with the preprocessing n3", "a repeated scan"}
    assert len(left) - len(other) == 3 + 1  # one patient has DICOM, which ships once


def test_people_at_each_visit(download):
    scans = find_adni(download).scans
    first, later = scans[0].person, scans[1].person
    assert (first.diagnosis, later.diagnosis) == ("CN", "MCI")  # DX of the visit; DX_bl is CN at both
    assert first.age == pytest.approx(PATIENTS[0].age, abs=0.11)
    assert later.age == pytest.approx(PATIENTS[0].age + 2, abs=0.11)  # AGE is that of the baseline in both rows
    assert (first.field_strength, later.field_strength) == ("1.5", "3")
    assert [scan.person.diagnosis for scan in scans[2:]] == ["Dementia", "CN", "Dementia", "Dementia"]
    assert [scan.person.site for scan in scans] == ["002", "002", "011", "023", "941", "941"]
    sexes = {adni_patient_id(patient): patient.sex for patient in PATIENTS}
    assert all(scan.person.sex == sexes[scan.patient_id] for scan in scans)


def test_diagnosis_at_enrolment(download):
    scans = find_adni(download, diagnosis="baseline").scans
    assert [scan.person.diagnosis for scan in scans] == ["CN", "CN", "AD", "CN", "AD", "AD"]


def test_notes_tell_of_the_join(download):
    assert find_adni(download).notes == [
        "1 participant(s) of ADNIMERGE have no scan here",
        "the diagnosis is that of the visit nearest to the scan (ADNIMERGE's DX), at most 9 days from it",
        "the preprocessing differs between scans: 5 scaled, 1 original; --preference takes one level alone",
    ]


def test_tables_are_optional_and_may_lie_elsewhere(copy, tmp_path):
    table = (copy / "ADNIMERGE_20Oct2024.csv").rename(tmp_path / "merge.csv")
    by_group = find_adni(copy)
    assert [scan.person.diagnosis for scan in by_group.scans[:2]] == ["CN", "CN"]
    assert "no ADNIMERGE table: the diagnosis is the collection's group" in by_group.notes[0]
    given = find_adni(copy, table=table)
    assert [scan.person.diagnosis for scan in given.scans[:2]] == ["CN", "MCI"]
    collection = (copy / "phantom_11_02_2024.csv").rename(tmp_path / "collection.csv")
    without = find_adni(copy)
    assert {(scan.person.diagnosis, scan.person.age, scan.person.sex) for scan in without.scans} == {("", None, "")}
    assert "diagnosis is unknown" in without.notes[0]
    given = find_adni(copy, collection=[collection])
    assert [scan.person for scan in given.scans] == [scan.person for scan in by_group.scans]


def test_the_source_may_be_the_folder_of_the_patients_itself(download):
    inner, outer = find_adni(download / "ADNI"), find_adni(download)
    assert [scan.scan_id for scan in inner.scans] == [scan.scan_id for scan in outer.scans]
    assert [scan.person for scan in inner.scans] == [scan.person for scan in outer.scans]  # the tables lie above


def test_a_preference_takes_other_levels(download):
    found = find_adni(download, preference=["n3", "scaled"])
    assert [scan.scan_id[-6:] for scan in found.scans] == ["I40001", "I40004", "I40021", "I40031", "I40034"]
    assert found.notes[-1].startswith("the preprocessing differs between scans: 2 scaled, 3 n3")
    assert "its preprocessing, original, is not among --preference" in {one.reason for one in found.left}


def test_a_damaged_image_s_remedy_takes_the_other_one(copy):
    scan = find_adni(copy).scans[0]
    scan.path.write_bytes(scan.path.read_bytes()[:-100])
    with pytest.raises(VolumeError, match=r"cut off") as refusal:
        scan.read(scan.files)
    other = re.search(r"of the visit (\S+) \((\w+)\) is there too: .*--preference (\w+)", refusal.value.remedy)
    assert find_adni(copy, preference=[other[3]]).scans[0].source == other[1]
    scan.path.unlink()
    shutil.rmtree(scan.path.parent)
    assert find_adni(copy).scans[0].source == other[1]


def test_only_a_repeat_is_taken_and_noted(copy):
    shutil.rmtree(copy / "ADNI/002_S_0295" / SCALED / "2006-11-02_08_16_44.0")
    found = find_adni(copy, preference=["scaled"])
    assert found.scans[0].scan_id == "002_S_0295_d0000_I40002"
    assert "1 visit(s) have only a repeated scan, which is taken" in found.notes


# [patient, stored axes, place (slice, row, column) of stored voxel (i, j, k) in a volume of (I, J, K) voxels]
STORED = [
    [1, "PIR", lambda ijk, shape: (shape[1] - 1 - ijk[1], ijk[0], shape[2] - 1 - ijk[2])],  # DICOM
    [0, "PSR", lambda ijk, shape: (ijk[1], ijk[0], shape[2] - 1 - ijk[2])],
    [2, "LIA", lambda ijk, shape: (shape[1] - 1 - ijk[1], shape[2] - 1 - ijk[2], ijk[0])],
]


@pytest.mark.parametrize(("index", "axes", "place"), STORED)
def test_the_marker_at_the_patient_s_left_is_at_the_right_of_the_axial_slice(download, index, axes, place):
    scan = next(one for one in find_adni(download).scans if one.patient_id == adni_patient_id(PATIENTS[index]))
    volume = read(scan)
    assert volume.axes == axes
    centre = np.linalg.solve(volume.affine, [*marker_position(PATIENTS[index]), 1])[:3].round().astype(int)
    around = tuple(slice(max(0, c - 1), c + 2) for c in centre)
    offset = np.unravel_index(volume.array[around].argmax(), volume.array[around].shape)
    marker = [part.start + step for part, step in zip(around, offset, strict=True)]
    index_s, row, column = place(marker, volume.array.shape)
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    picture = cut.slices[cut.slice_indices.index(index_s)]
    n_rows, n_columns = picture.shape
    assert picture[row, column] > 0.2 * 65535
    assert picture[row, n_columns - 1 - column] < 0.1 * 65535  # nothing is taped to the other side
    assert column > 0.8 * n_columns
    assert abs(row - n_rows / 2) < 0.15 * n_rows
    face = np.flatnonzero(to_plane(volume.array, volume.affine, "axial")[: index_s + 1].max(axis=(0, 2)) > 200)
    assert face[0] < n_rows - 1 - face[-1] + 3  # anterior is up: the nose reaches the upper rows


def test_scans_travel_to_other_processes_and_hash_like_their_file(download):
    scan = pickle.loads(pickle.dumps(find_adni(download).scans[0]))
    assert read(scan).sha256 == files_sha256(scan.files)


def test_a_lost_orientation_is_refused_unless_it_is_given(tmp_path):
    write_adni(tmp_path, PATIENTS[:3:2], VOXEL_MM, degenerate=True)
    first, *others = find_adni(tmp_path).scans
    with pytest.raises(VolumeError, match=r"its orientation was lost.*--assume_orientation"):
        read(first)
    first, *others = find_adni(tmp_path, assume_orientation="PSR").scans
    assert (read(first).axes, read(first).spacing) == ("PSR", pytest.approx((9.6, 7.52, 7.52)))
    assert read(others[-1]).axes == "LIA"  # a header that knows its axes keeps them


@pytest.mark.parametrize("shape", [(24, 28, 201), (24, 28, 9)])
def test_volumes_that_are_no_head_are_refused(copy, shape):
    path = find_adni(copy).scans[0].path
    voxels = np.random.default_rng(0).uniform(0, 900, shape).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, np.diag([VOXEL_MM] * 3 + [1])), path)
    with pytest.raises(VolumeError, match=rf"cover 192 x 224 x {shape[2] * 8} mm, expected a head"):
        read(find_adni(copy).scans[0])


def test_empty_and_renamed_folders_are_rejections(copy):
    (copy / "ADNI/005_S_0221/MP-RAGE/2007-01-01_08_16_44.0/I50000").mkdir(parents=True)
    (copy / "ADNI/011_S_0296").rename(copy / "ADNI/011_S_296")
    found = find_adni(copy)
    assert [one.source for one in found.rejections] == [
        "ADNI/005_S_0221/MP-RAGE/*/I50000",
        "ADNI/011_S_296",
    ]
    assert len(found.scans) == 5


def test_slices_of_a_dicom_series_are_one_scan_named_by_their_folder(download):
    scan = next(scan for scan in find_adni(download).scans if scan.patient_id == "011_S_0296")
    assert scan.source == f"ADNI/011_S_0296/{ORIGINAL}/*/S20013"
    assert len(scan.files) == read(scan).array.shape[2] == 24
    assert read(scan).sha256 == files_sha256(scan.files)


# [options, message]
BAD = [
    [{"diagnosis": "best"}, "unknown diagnosis 'best'; expected one of visit, baseline"],
    [{"preference": ["best"]}, "the preference best: expected some of scaled"],
    [{"assume_orientation": "XYZ"}, "axes 'XYZ'"],
    [{"preference": ["n3m"]}, "no T1-weighted image"],
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(download, options, message):
    with pytest.raises(InputError, match=message):
        find_adni(download, **options)


def test_folders_of_another_kind(tmp_path):
    with pytest.raises(InputError, match=r"no folder .*give the folder that holds the patients'"):
        find_adni(tmp_path / "none")
    (tmp_path / "ADNI_002_S_0295_MR_MP-RAGE_br_raw_1_S1_I1.nii").touch()
    with pytest.raises(InputError, match=r"no T1-weighted image in a tree .*the source nifti with --patient_regex"):
        find_adni(tmp_path)
    (tmp_path / "002_S_295").mkdir()
    with pytest.raises(InputError, match=r"1 were rejected.*002_S_295"):
        find_adni(tmp_path)


def test_the_command_line_has_the_options_that_find_takes(download):
    parser = argparse.ArgumentParser()
    ADNI.add_arguments(parser)
    options = parser.parse_args(["--preference", "n3", "scaled", "--diagnosis", "baseline"])
    own = {name: getattr(options, name) for name in ADNI.options}
    by_hand = find_adni(download, preference=["n3", "scaled"], diagnosis="baseline")
    assert [(scan.scan_id, scan.person) for scan in ADNI.find(download, **own).scans] == [
        (scan.scan_id, scan.person) for scan in by_hand.scans
    ]
    assert set(vars(options)) == set(ADNI.options)
