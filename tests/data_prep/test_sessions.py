from pathlib import Path

import pytest

from data_prep.sessions import choose_sessions
from data_prep.sources.scan import Found, Scan
from monai_vq.errors import InputError


@pytest.fixture
def found() -> Found:
    visits = [("A", "ses-02"), ("A", "ses-01"), ("A", "ses-01"), ("B", "ses-03"), ("C", "")]
    scans = [
        Scan((Path(f"{index}.nii"),), f"{index}.nii", patient, session, f"{patient}{index}")
        for index, (patient, session) in enumerate(visits)
    ]
    return Found("the name", scans)


def test_all_sessions_are_left_as_they_are(found):
    assert len(choose_sessions(found, "all").scans) == 5
    assert found.left == []


def test_the_first_session_of_each_patient_stays_with_all_its_scans(found):
    chosen = choose_sessions(found, "first")
    assert [(scan.patient_id, scan.session_id) for scan in chosen.scans] == [
        ("A", "ses-01"),
        ("A", "ses-01"),
        ("B", "ses-03"),
        ("C", ""),
    ]
    (left,) = chosen.left
    assert (left.source, left.reason) == ("0.nii", "a later session of its patient")


def test_an_unknown_choice(found):
    with pytest.raises(InputError, match="unknown choice of sessions 'last'; expected one of all, first"):
        choose_sessions(found, "last")


def test_the_first_of_several_scans_without_sessions_is_not_guessed(found):
    found.has_sessions = False
    with pytest.raises(InputError, match="which scan of A is the first, of 1 patients with several, is not known"):
        choose_sessions(found, "first")
