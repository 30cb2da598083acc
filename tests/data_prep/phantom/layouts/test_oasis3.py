import hashlib
import json
import re

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.layouts.oasis3 import oasis3_image, write_oasis3
from data_prep.phantom.patient import PhantomPatient, phantom_scan

PATIENTS = [PhantomPatient.draw(0, index) for index in range(5)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oasis3")
    write_oasis3(folder, PATIENTS, 8.0)
    return folder


def hashes(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_equal_calls_give_equal_bytes(root, tmp_path):
    write_oasis3(tmp_path, PATIENTS, 8.0)
    assert hashes(tmp_path) == hashes(root)


def test_every_scan_is_there_with_its_sidecar_and_is_the_phantom_s(root):
    for patient in PATIENTS:
        for session in patient.session_ages:
            path = root / oasis3_image(patient, session)
            image, (scan, _) = nib.load(path), phantom_scan(patient, session, 8.0)
            np.testing.assert_array_equal(image.dataobj, scan.dataobj)
            np.testing.assert_allclose(image.affine, scan.affine)
            folder = path.parent.with_name("BIDS") if path.parent.name == "NIFTI" else path.parent
            sidecar = json.loads((folder / path.name.replace(".nii.gz", ".json")).read_text())
            assert sidecar["MagneticFieldStrength"] == 3


def test_both_shapes_spellings_and_the_traps_are_there(root):
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    for pattern in (
        r"OAS3\d{4}_MR_d\d{4}/anat1/sub-OAS3\d{4}_ses-d\d{4}_T1w\.nii\.gz",
        r"OAS3\d{4}_MR_d\d{4}/anat4/NIFTI/sub-OAS3\d{4}_sess-d\d{4}_T1w\.nii\.gz",
        r"OAS3\d{4}_MR_d\d{4}/anat4/BIDS/sub-OAS3\d{4}_sess-d\d{4}_T1w\.json",
        r".*_run-02_T1w\.nii\.gz",
        r".*_acq-TSE_T2w\.nii\.gz",
        r"OAS3\d{4}_AV45_d2340/.*_pet\.nii\.gz",
        r".*/\._sub-.*",
        r"OASIS3_data_files/.*/OASIS3_UDSb4_cdr\.csv",
    ):
        assert any(re.fullmatch(pattern, name) for name in names), pattern


def test_a_second_run_is_the_same_head_with_other_noise(root):
    first = np.asarray(nib.load(root / oasis3_image(PATIENTS[2], "ses-01")).dataobj, float)
    second = np.asarray(nib.load(next(root.rglob("*_run-02_T1w.nii.gz"))).dataobj, float)
    assert not np.array_equal(first, second)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.99


def test_the_cdr_table_has_blank_cells(root):
    lines = next(root.rglob("OASIS3_UDSb4_cdr.csv")).read_text().splitlines()
    assert lines[0] == "OASISID,days_to_visit,MMSE,CDRTOT,dx1"
    assert "OAS30005,0000,,,." in lines
    assert "OAS30001,0000,28,0,Cognitively normal" in lines
