"""An OASIS-3 download of phantom patients, every second in the unsimplified shape, with its tables."""

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from data_prep.phantom.patient import PhantomPatient, phantom_scan

__all__ = ["oasis3_day", "oasis3_id", "oasis3_image", "write_oasis3"]

_TABLES = "OASIS3_data_files/scans"
_BETWEEN_SCANS = 730  # days; the phantom ages two years from one session to the next
_VISIT_DELAY = 30  # days from a scan to the visit that diagnoses it
_CDR = {"CN": ("0", "Cognitively normal"), "AD": ("0.5", "AD Dementia")}


def oasis3_id(patient: PhantomPatient) -> str:
    """The patient's number in the download."""
    return f"OAS3{patient.index + 1:04d}"


def oasis3_day(patient: PhantomPatient, session: str) -> int:
    """Days from entry to a session of the patient."""
    return 129 + 17 * (patient.index % 9) + _BETWEEN_SCANS * list(patient.session_ages).index(session)


def oasis3_image(patient: PhantomPatient, session: str) -> Path:
    """Path of a session's T1-weighted image relative to the root."""
    day = f"d{oasis3_day(patient, session):04d}"
    spelling = "sess" if patient.index % 3 == 1 else "ses"
    run = "_run-01" if patient.index % 4 == 2 else ""
    name = f"sub-{oasis3_id(patient)}_{spelling}-{day}{run}_T1w.nii.gz"
    inner = Path("anat4/NIFTI") if patient.index % 2 else Path("anat1")
    return Path(f"{oasis3_id(patient)}_MR_{day}") / inner / name


def write_oasis3(root: Path, patients: Sequence[PhantomPatient], voxel_size: float) -> None:
    """Writes the download.

    Every second patient is stored in the unsimplified shape, every third name says `sess-`, every fourth has a second
    run. T2-weighted siblings, a PET session and the files that a Mac leaves are there too. Every fifth patient's
    visits have blank cells for the diagnosis.

    Args:
        root: an empty folder.
        patients: whom to scan, at each of their sessions.
        voxel_size: edge of a voxel, mm.
    """
    for patient in patients:
        for session in patient.session_ages:
            _write_session(root, patient, session, voxel_size)
    _write_pet(root, patients[0], voxel_size)
    demographics = "demo-demographics/resources/csv/files/OASIS3_demographics.csv"
    _write_table(root / _TABLES / demographics, [_demographics(patient) for patient in patients])
    visits = "UDSb4-Form_B4__Global_Staging__CDR__Standard_and_Supplemental/resources/csv/files/OASIS3_UDSb4_cdr.csv"
    _write_table(root / _TABLES / visits, [row for patient in patients for row in _visits(patient)])
    images = "MRI-json-MRI_json_information/resources/csv/files/OASIS3_MR_json.csv"
    _write_table(root / _TABLES / images, [row for patient in patients for row in _images(patient)])


def _write_session(root: Path, patient: PhantomPatient, session: str, voxel_size: float) -> None:
    image, _ = phantom_scan(patient, session, voxel_size)
    path = root / oasis3_image(patient, session)
    _write_image(path, image)
    _write_image(path.with_name(path.name.replace("_T1w", "_acq-TSE_T2w")), _negative(image))
    if "_run-01" in path.name:
        _write_image(path.with_name(path.name.replace("_run-01", "_run-02")), _rescan(image, patient))
    path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7Mac OS X")
    (root / path.parts[0] / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


def _write_image(path: Path, image: nib.Nifti1Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=3, mtime=0))
    sidecar = path.parent.parent / "BIDS" / path.name if path.parent.name == "NIFTI" else path
    sidecar.parent.mkdir(exist_ok=True)
    content = {"Modality": "MR", "MagneticFieldStrength": 3, "Manufacturer": "simulated by data_prep.phantom"}
    sidecar.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(content) + "\n", encoding="utf-8")


def _negative(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Dark where T1 is bright, as fluid and white matter are in T2."""
    voxels = np.asarray(image.dataobj)
    return nib.Nifti1Image(
        np.where(voxels > voxels.mean() / 2, voxels.max() - voxels, np.int16(0)), image.affine, image.header
    )


def _rescan(image: nib.Nifti1Image, patient: PhantomPatient) -> nib.Nifti1Image:
    """The same head with other noise."""
    voxels = np.asarray(image.dataobj)
    noise = patient.rng(3).normal(0, 10, voxels.shape)
    return nib.Nifti1Image((voxels + noise).clip(0).astype(voxels.dtype), image.affine, image.header)


def _write_pet(root: Path, patient: PhantomPatient, voxel_size: float) -> None:
    image, _ = phantom_scan(patient, "ses-01", voxel_size)
    path = root / f"{oasis3_id(patient)}_AV45_d2340/pet1/sub-{oasis3_id(patient)}_ses-d2340_acq-AV45_pet.nii.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(_negative(image).to_bytes(), compresslevel=3, mtime=0))


def _demographics(patient: PhantomPatient) -> dict[str, Any]:
    entry = round(patient.age - oasis3_day(patient, "ses-01") / 365.25, 2)
    sex = {"M": 1, "F": 2}[patient.sex]
    return {"OASISID": oasis3_id(patient), "AgeatEntry": entry, "GENDER": sex, "HAND": "R", "EDUC": 16, "APOE": ""}


def _visits(patient: PhantomPatient) -> Iterator[dict[str, Any]]:
    """A first visit without impairment, and one after each scan."""
    blank = patient.index % 5 == 4
    normal, diagnosed = _CDR["CN"], _CDR[patient.diagnosis]
    days = {0: normal} | {oasis3_day(patient, s) + _VISIT_DELAY: diagnosed for s in patient.session_ages}
    for day, (cdr, dx1) in days.items():
        known = {"MMSE": "", "CDRTOT": "", "dx1": "."} if blank else {"MMSE": 28, "CDRTOT": cdr, "dx1": dx1}
        yield {"OASISID": oasis3_id(patient), "days_to_visit": f"{day:04d}", **known}


def _images(patient: PhantomPatient) -> Iterator[dict[str, Any]]:
    for session in patient.session_ages:
        label = f"{oasis3_id(patient)}_MR_d{oasis3_day(patient, session):04d}"
        for category in ("T1w", "T2w"):
            yield {
                "subject_id": oasis3_id(patient),
                "label": label,
                "scan category": category,
                "Manufacturer": "simulated",
                "MagneticFieldStrength": 3,
            }


def _write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
