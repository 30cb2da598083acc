import csv
import hashlib

import nibabel as nib
import numpy as np

from data_prep.phantom.layouts.nifti import NIFTI_TABLE, nifti_file, write_nifti
from data_prep.phantom.patient import PhantomPatient, phantom_scan

PATIENTS = [PhantomPatient.draw(0, index) for index in range(4)]


def hashes(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_equal_calls_give_equal_bytes(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_nifti(tmp_path / name, PATIENTS, 8.0)
    assert hashes(tmp_path / "first") == hashes(tmp_path / "second")


def test_the_table_lists_every_scan_and_every_scan_is_the_phantom_s(tmp_path):
    write_nifti(tmp_path, PATIENTS, 8.0)
    with (tmp_path / NIFTI_TABLE).open(newline="") as table:
        rows = {row["file"]: row for row in csv.DictReader(table)}
    images = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("[!.]*.nii*")}
    assert images == set(rows)
    for patient in PATIENTS:
        for session, age in patient.session_ages.items():
            file = nifti_file(patient, session)
            image, (scan, _) = nib.load(tmp_path / file), phantom_scan(patient, session, 8.0)
            np.testing.assert_array_equal(image.dataobj, scan.dataobj)
            np.testing.assert_allclose(image.affine, scan.affine)
            assert float(rows[file]["age"]) == age


def test_a_lost_affine_has_no_axes_and_contradicts_the_header(tmp_path):
    write_nifti(tmp_path, PATIENTS[:2], 8.0, lost_affines=[1])
    lost, kept = (nib.load(tmp_path / nifti_file(PATIENTS[index], "ses-01")) for index in (1, 0))
    np.testing.assert_array_equal(lost.affine, np.diag([4.0, 4, 4, 1]))
    assert (int(lost.header["sform_code"]), int(lost.header["qform_code"])) == (2, 0)
    assert lost.header.get_zooms() == (8, 8, 8)
    np.testing.assert_allclose(nib.affines.voxel_sizes(kept.affine), 8)
