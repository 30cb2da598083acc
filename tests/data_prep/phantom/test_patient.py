from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, Tissue, marker_position, phantom_labels, phantom_scan

PATIENTS = [PhantomPatient.draw(0, index) for index in range(4)]  # both stored orders and both diagnoses


def sample_world(image: nib.Nifti1Image, world: tuple[float, float, float]) -> float:
    i, j, k = np.rint(np.linalg.inv(image.affine) @ (*world, 1))[:3].astype(int)
    return float(image.dataobj[i, j, k])


def correlate(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient.axes)
def test_marker_is_bright_at_the_left_and_absent_at_the_right(patient):
    scan, labels = phantom_scan(patient, "ses-01", 4.0)
    x, y, z = marker_position(patient)
    assert x < -80
    assert sample_world(labels, (x, y, z)) == Tissue.MARKER
    assert sample_world(scan, (x, y, z)) > 400
    assert sample_world(scan, (-x, y, z)) < 150
    assert nib.aff2axcodes(scan.affine) == tuple(patient.axes)


def test_ventricles_are_wider_with_diagnosis_and_age(scan_ras):
    def ventricle_volume(**changes) -> int:
        return np.count_nonzero(scan_ras(replace(PATIENTS[1], **changes))[1] == Tissue.VENTRICLE)

    healthy = ventricle_volume(age=70.0, diagnosis="CN")
    assert ventricle_volume(age=70.0, diagnosis="AD") > 1.2 * healthy
    assert ventricle_volume(age=85.0, diagnosis="CN") > 1.1 * healthy


def test_ventricles_widen_from_the_first_session_to_the_second():
    first, second = (phantom_labels(PATIENTS[0], session) for session in ("ses-01", "ses-02"))
    volumes = [np.count_nonzero(np.asarray(image.dataobj) == Tissue.VENTRICLE) for image in (first, second)]
    assert volumes[0] < volumes[1] < 1.3 * volumes[0]


def test_sessions_of_a_patient_are_more_alike_than_patients(scan_ras):
    first, second = (scan_ras(PATIENTS[0], session)[0] for session in ("ses-01", "ses-02"))
    assert not np.array_equal(first, second)
    others = [correlate(first, scan_ras(patient)[0]) for patient in PATIENTS[1:]]
    assert correlate(first, second) > max(others)


@pytest.mark.parametrize(("axis", "name"), [(0, "left-right"), (1, "front-back")])
def test_asymmetry_is_far_above_noise(scan_ras, axis, name):
    scan, labels = scan_ras(PATIENTS[0])
    noise = scan[labels == Tissue.AIR].std()
    difference = np.abs(scan - np.flip(scan, axis))[labels != Tissue.AIR]
    assert difference.mean() > 3 * noise, name


def test_any_twelve_patients_in_a_row_are_balanced():
    cohort = [PhantomPatient.draw(7, index) for index in range(5, 17)]
    cells = [(patient.diagnosis, patient.axes) for patient in cohort]
    assert {cells.count(cell) for cell in cells} == {3}
    assert sum(len(patient.session_ages) == 2 for patient in cohort) == 4
