"""A folder of NIfTI files as a research group keeps them: `P001/2021-03-05/t1.nii.gz` and a table of who is who."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from data_prep.phantom.patient import PhantomPatient, phantom_scan

__all__ = ["NIFTI_TABLE", "nifti_file", "write_nifti"]

NIFTI_TABLE = "patients.csv"
_ISOTROPIC_LOSS = 2  # the phantom's voxels are cubes: where the affine is lost, it says half of the header's size


def nifti_file(patient: PhantomPatient, session: str) -> str:
    """Path of a session's scan relative to the root; every fourth patient's files are not compressed."""
    year = 2021 + 2 * list(patient.session_ages).index(session)
    ending = ".nii" if patient.index % 4 == 3 else ".nii.gz"
    return f"P{patient.index + 1:03d}/{year}-03-{patient.index % 28 + 1:02d}/t1{ending}"


def write_nifti(
    root: Path, patients: Sequence[PhantomPatient], voxel_size: float, lost_affines: Sequence[int] = ()
) -> None:
    """Writes the folder; the regular expression `^(?P<patient>P[0-9]+)/(?P<session>[^/]+)/` tells patients and visits.

    Args:
        root: an empty folder.
        patients: whom to scan, at each of their sessions.
        voxel_size: edge of a voxel, mm.
        lost_affines: indices of patients whose scans have, as some conversions leave it, an affine without axes whose
            voxel size contradicts the header's.
    """
    rows = []
    for patient in patients:
        for session, age in patient.session_ages.items():
            file = nifti_file(patient, session)
            image, _ = phantom_scan(patient, session, voxel_size)
            _write(root / file, _lose_affine(image) if patient.index in lost_affines else image)
            diagnosis = "" if patient.index % 5 == 4 else patient.diagnosis
            rows.append([file, f"P{patient.index + 1:03d}", file.split("/")[1], diagnosis, str(age), patient.sex])
    with (root / NIFTI_TABLE).open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerows([["file", "patient_id", "session_id", "diagnosis", "age", "sex"], *rows])
    (root / "notes.txt").write_text("simulated heads, made by data_prep.phantom: no person was scanned\n")


def _write(path: Path, image: nib.Nifti1Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = image.to_bytes()
    path.write_bytes(gzip.compress(content, compresslevel=3, mtime=0) if path.suffix == ".gz" else content)
    path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7Mac OS X")


def _lose_affine(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """The image with a plain diagonal in place of its affine, and its true voxel size in the header alone."""
    zooms = image.header.get_zooms()
    lost = nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    lost.set_sform(np.diag([*np.divide(zooms, _ISOTROPIC_LOSS), 1.0]), 2)
    lost.set_qform(None, 0)
    lost.header.set_zooms(zooms)
    return lost
