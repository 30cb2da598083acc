import re
import shutil

import pytest

from data_prep.sessions import choose_sessions
from data_prep.sources.bids import find_bids
from monai_vq.errors import InputError


def test_finds_subjects_sessions_and_runs_and_nothing_else(bids_tree):
    found = find_bids(bids_tree)
    assert [(scan.scan_id, scan.patient_id, scan.session_id) for scan in found.scans] == [
        ("sub-P00", "sub-P00", ""),
        ("sub-P01", "sub-P01", ""),
        ("sub-P02_ses-01", "sub-P02", "ses-01"),
        ("sub-P02_ses-02", "sub-P02", "ses-02"),
        ("sub-P03_run-1", "sub-P03", ""),
        ("sub-P03_run-2", "sub-P03", ""),
        ("sub-P04", "sub-P04", ""),
        ("sub-P05", "sub-P05", ""),
    ]
    assert found.scans[2].source == "sub-P02/ses-01/anat/sub-P02_ses-01_T1w.nii.gz"
    assert not found.rejections
    assert not found.notes


def test_sessions_are_in_the_order_of_their_numbers(bids_tree, write_head):
    for number in (2, 10):
        write_head(bids_tree / f"sub-P06/ses-{number}/anat/sub-P06_ses-{number}_T1w.nii.gz", number)
    found = find_bids(bids_tree)
    visits = [scan for scan in found.scans if scan.patient_id == "sub-P06"]
    assert sorted((scan.session_id, scan.scan_id) for scan in visits) == [
        ("ses-02", "sub-P06_ses-2"),
        ("ses-10", "sub-P06_ses-10"),
    ]
    first = [scan.scan_id for scan in choose_sessions(found, "first").scans if scan.patient_id == "sub-P06"]
    assert first == ["sub-P06_ses-2"]


def test_sessions_table_overrides_the_participants_table(bids_tree):
    (bids_tree / "sub-P02/sub-P02_sessions.tsv").write_text("session_id\tage\tdiagnosis\nses-02\t64.5\tMCI\n")
    first, second = (scan.person for scan in find_bids(bids_tree).scans if scan.patient_id == "sub-P02")
    assert (first.age, first.diagnosis, first.sex) == (62, "CN", "F")
    assert (second.age, second.diagnosis, second.sex) == (64.5, "MCI", "F")


def test_other_entities_and_uncompressed_files_are_scans(bids_tree, write_head):
    write_head(bids_tree / "sub-P00/anat/sub-P00_acq-mprage_rec-norm_run-02_T1w.nii", 33)
    assert "sub-P00_acq-mprage_rec-norm_run-02" in [scan.scan_id for scan in find_bids(bids_tree).scans]


# [name of a file in sub-P00/anat, reason]
REJECTED = [
    ["sub-P01_T1w.nii.gz", r"contradicts its folder \(sub-P00\)"],
    ["sub-P00_ses-01_T1w.nii.gz", r"contradicts its folder \(sub-P00\)"],
    ["sub-P00_T1w.nii", r"sub-P00_T1w\.nii\.gz is the same scan"],
    ["sub-P00_defaced_T1w.nii.gz", r"not of the form sub-<label>"],
    ["sub-P00_acq-a b_T1w.nii.gz", r"not of the form"],
]


@pytest.mark.parametrize(("name", "reason"), REJECTED)
def test_ambiguous_names_are_rejected_with_a_reason(bids_tree, write_head, name, reason):
    write_head(bids_tree / "sub-P00/anat" / name, 40)
    found = find_bids(bids_tree)
    (rejection,) = found.rejections
    assert rejection.source == f"sub-P00/anat/{name}"
    with pytest.raises(InputError, match=reason):
        raise InputError(rejection.reason)
    assert rejection.remedy
    assert len(found.scans) == 8


# [from, to: under the root, reason]
VANISHED = [
    ["sub-P05", "sub-CC_02", r"sub-CC_02: the label 'CC_02' must be letters and digits; rename it .* sub-CC02$"],
    ["sub-P05", "SUB-06", "SUB-06: the name must begin with sub- in small letters; .* sub-06$"],
    ["sub-P02/ses-02", "sub-P02/ses-2020-01-01", "sub-P02/ses-2020-01-01: the label .* ses-20200101$"],
    ["sub-P02/ses-02", "sub-P02/SES-02", "sub-P02/SES-02: the name must begin with ses-"],
]


@pytest.mark.parametrize(("old", "new", "message"), VANISHED)
def test_folders_with_an_invalid_name_are_rejected_once(bids_tree, old, new, message):
    (bids_tree / old).rename(bids_tree / new)
    found = find_bids(bids_tree)
    (rejection,) = found.rejections
    assert re.match(message, str(rejection))
    assert len(found.scans) == 7


def test_participants_without_a_scan_are_a_note(bids_tree):
    for index in (4, 5):
        (bids_tree / f"sub-P0{index}/anat/sub-P0{index}_T1w.nii.gz").unlink()
    assert find_bids(bids_tree).notes == ["2 participant(s) of participants.tsv have no T1w scan, first sub-P04"]


def test_ages_that_cannot_be_read_are_one_note(bids_tree):
    path = bids_tree / "participants.tsv"
    path.write_text(path.read_text().replace("\t60\t", "\tunknown\t"))
    (bids_tree / "sub-P02/sub-P02_sessions.tsv").write_text("session_id\tage\nses-02\t>89\n")
    found = find_bids(bids_tree)
    (note,) = found.notes
    assert note.startswith("2 age(s) are not years between 0 and 130 and count as unknown, first 'unknown' of sub-P00")
    assert note.endswith("'>89' of ses-02 in sub-P02_sessions.tsv")
    assert [scan.person.age for scan in found.scans[:4]] == [None, 61, 62, 62]


def test_a_link_to_a_file_that_was_not_fetched_is_rejected(bids_tree):
    (bids_tree / "sub-P00/anat/sub-P00_run-1_T1w.nii.gz").symlink_to("../../.git/annex/objects/none")
    (rejection,) = find_bids(bids_tree).rejections
    assert "datalad get" in rejection.remedy


def test_missing_root_files_are_notes(bids_tree):
    (bids_tree / "dataset_description.json").unlink()
    (bids_tree / "participants.tsv").write_text("participant_id\tage\nsub-P00\t60\n")
    notes = find_bids(bids_tree).notes
    assert "no dataset_description.json" in notes[0]
    assert "5 patient(s) are not in participants.tsv, first sub-P01" in notes[1]
    (bids_tree / "participants.tsv").unlink()
    assert "no participants.tsv" in find_bids(bids_tree).notes[1]


def test_sources_without_scans_are_errors(tmp_path, bids_tree):
    with pytest.raises(InputError, match="no folder"):
        find_bids(tmp_path / "none")
    with pytest.raises(InputError, match="no folder"):
        find_bids(bids_tree / "participants.tsv")
    for patient in bids_tree.glob("sub-*"):
        shutil.rmtree(patient)
    with pytest.raises(InputError, match=r"no sub-\*/\[ses-\*/\]anat/\*_T1w"):
        find_bids(bids_tree)


def test_if_no_name_is_valid_the_error_says_why(bids_tree):
    for patient in sorted(bids_tree.glob("sub-*")):
        patient.rename(bids_tree / patient.name.upper())
    with pytest.raises(InputError, match=r"no sub-\*.*6 were rejected, .*SUB-P00: the name must begin with sub-"):
        find_bids(bids_tree)
