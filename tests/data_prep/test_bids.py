import shutil

import pytest

from data_prep.bids import find_scans
from monai_vq.errors import InputError


def test_finds_subjects_sessions_and_runs_and_nothing_else(bids_tree):
    found = find_scans(bids_tree)
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


def test_sessions_table_overrides_the_participants_table(bids_tree):
    (bids_tree / "sub-P02/sub-P02_sessions.tsv").write_text("session_id\tage\tdiagnosis\nses-02\t64.5\tMCI\n")
    first, second = (scan.person for scan in find_scans(bids_tree).scans if scan.patient_id == "sub-P02")
    assert (first.age, first.diagnosis, first.sex) == (62, "CN", "F")
    assert (second.age, second.diagnosis, second.sex) == (64.5, "MCI", "F")


def test_other_entities_and_uncompressed_files_are_scans(bids_tree, write_head):
    write_head(bids_tree / "sub-P00/anat/sub-P00_acq-mprage_rec-norm_run-02_T1w.nii", 33)
    assert "sub-P00_acq-mprage_rec-norm_run-02" in [scan.scan_id for scan in find_scans(bids_tree).scans]


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
    found = find_scans(bids_tree)
    (rejection,) = found.rejections
    assert rejection.source == f"sub-P00/anat/{name}"
    with pytest.raises(InputError, match=reason):
        raise InputError(rejection.reason)
    assert rejection.remedy
    assert len(found.scans) == 8


def test_a_link_to_a_file_that_was_not_fetched_is_rejected(bids_tree):
    (bids_tree / "sub-P00/anat/sub-P00_run-1_T1w.nii.gz").symlink_to("../../.git/annex/objects/none")
    (rejection,) = find_scans(bids_tree).rejections
    assert "datalad get" in rejection.remedy


def test_missing_root_files_are_notes(bids_tree):
    (bids_tree / "dataset_description.json").unlink()
    (bids_tree / "participants.tsv").write_text("participant_id\tage\nsub-P00\t60\n")
    notes = find_scans(bids_tree).notes
    assert "no dataset_description.json" in notes[0]
    assert "5 patient(s) are not in participants.tsv, first sub-P01" in notes[1]
    (bids_tree / "participants.tsv").unlink()
    assert "no participants.tsv" in find_scans(bids_tree).notes[1]


def test_sources_without_scans_are_errors(tmp_path, bids_tree):
    with pytest.raises(InputError, match="no folder"):
        find_scans(tmp_path / "none")
    with pytest.raises(InputError, match="no folder"):
        find_scans(bids_tree / "participants.tsv")
    for patient in bids_tree.glob("sub-*"):
        shutil.rmtree(patient)
    with pytest.raises(InputError, match=r"no sub-\*/\[ses-\*/\]anat/\*_T1w"):
        find_scans(bids_tree)
