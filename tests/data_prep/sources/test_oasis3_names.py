import pytest

from data_prep.sources.oasis3_names import name_scan, parse_session, resembles_session

# [folder, patient, modality, day]
SESSIONS = [
    ["OAS30001_MR_d0757", "OAS30001", "MR", 757],
    ["OAS30002_AV45_d2340", "OAS30002", "AV45", 2340],
    ["OAS30003_Freesurfer53_d0000", "OAS30003", "Freesurfer53", 0],
]


@pytest.mark.parametrize(("name", "patient", "modality", "day"), SESSIONS)
def test_session_folders_say_patient_modality_and_day(name, patient, modality, day):
    session = parse_session(name)
    assert (session.patient_id, session.modality, session.day) == (patient, modality, day)
    assert not resembles_session(name)


@pytest.mark.parametrize("name", ["OAS30001_MR_757", "OAS3001_MR_d0757", "OAS30001_MR_d0757_defaced", "OAS30001-MR"])
def test_changed_names_resemble_a_session_and_are_none(name):
    assert parse_session(name) is None
    assert resembles_session(name)


@pytest.mark.parametrize("name", ["anat1", "OAS1_0001_MR1", "OASIS3_data_files", "sub-OAS30001", "OAS30001"])
def test_other_folders_are_neither(name):
    assert parse_session(name) is None
    assert not resembles_session(name)


def test_both_spellings_of_the_session_give_one_scan_id():
    names = ["sub-OAS30001_sess-d0757_acq-MPR_run-01_T1w.nii.gz", "sub-OAS30001_ses-d0757_acq-MPR_run-01_T1w.nii"]
    assert {name_scan(name) for name in names} == {"OAS30001_d0757_acq-MPR_run-01"}
