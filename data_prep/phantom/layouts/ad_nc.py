"""Phantom patients as the AD_NC folders have them: brains without skull, 20 neighbouring slices a scan, JPEG."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_prep.phantom.canvas import Tissue
from data_prep.phantom.layouts.adni import adni_patient_id
from data_prep.phantom.patient import PhantomPatient, phantom_scan
from monai_vq.data.orientation import to_plane

__all__ = ["slice_scan_number", "write_ad_nc"]

SIZE = (256, 240)  # width, height
N_SLICES = 20
_FIRST_SLICE = {"CN": (75, 94), "AD": (67, 75)}  # of even and odd scans: the position tells much of the class
_FOLDERS = {"CN": "NC", "AD": "AD"}
_LABELS = {"CN": 0, "AD": 2}
_DARK = 0.25  # some scans of the real data are nearly black


def slice_scan_number(patient: PhantomPatient, scan: int) -> int:
    """ADNI's number of a scan, which is all that the files' names say; six or seven digits."""
    return (218000 if patient.index % 2 == 0 else 1182000) + 10 * patient.index + scan


def write_ad_nc(root: Path, patients: Sequence[PhantomPatient], voxel_size: float, *, metadata: bool = True) -> None:
    """Writes the folders of AD_NC, and beside them the file that says whose each scan is.

    A patient's second session lies in test and the first in train, and the first patient has a third, dark scan in
    train: the shipped split shares patients, as the real one does. Every fifth patient is in test alone.

    Args:
        root: an empty folder.
        patients: whom to write.
        voxel_size: edge of the phantom's isotropic voxel, mm; the slices are enlarged to 256 x 240 pixels.
        metadata: write `meta_data_with_label.json` too.
    """
    entries: dict[str, Any] = {"900001": _entry("011_S_0002", 900001, 1)}  # MCI has no folder
    for patient in patients:
        for scan, session in enumerate(patient.session_ages):
            slices = _cut_brain(patient, session, voxel_size)
            _write_scan(root, patient, scan, slices, split="test" if scan or patient.index % 5 == 4 else "train")
            if patient.index == 0 and scan == 0:
                _write_scan(root, patient, 2, slices * _DARK, split="train")
    for patient in patients:
        for scan in [*range(len(patient.session_ages)), *([2] if patient.index == 0 else [])]:
            number = slice_scan_number(patient, scan)
            entries[str(number)] = _entry(adni_patient_id(patient), number, _LABELS[patient.diagnosis])
    if metadata:
        (root / "meta_data_with_label.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def _cut_brain(patient: PhantomPatient, session: str, voxel_size: float) -> NDArray[np.float64]:
    """Neighbouring axial slices from the middle of the brain, without skull; [S, H, W] in 0 to 255."""
    image, labels = phantom_scan(patient, session, voxel_size)
    tissue = np.asarray(labels.dataobj)
    brain = (tissue >= Tissue.CSF) & (tissue <= Tissue.VENTRICLE)
    stripped = to_plane(np.asarray(image.dataobj) * brain, image.affine, "axial")
    occupied = np.flatnonzero(stripped.any(axis=(1, 2)))
    start = occupied[max(0, (len(occupied) - N_SLICES) // 2)]
    chosen = stripped[start : min(start + N_SLICES, occupied[-1] + 1)]
    return np.clip(255.0 * chosen / np.percentile(chosen[chosen > 0], 99.5), 0, 255)


def _write_scan(root: Path, patient: PhantomPatient, scan: int, slices: NDArray[np.float64], split: str) -> None:
    folder = root / "AD_NC" / split / _FOLDERS[patient.diagnosis]
    folder.mkdir(parents=True, exist_ok=True)
    number, first = slice_scan_number(patient, scan), _FIRST_SLICE[patient.diagnosis][patient.index // 2 % 2]
    for offset, pixels in enumerate(slices):
        picture = Image.fromarray(np.rint(pixels).astype(np.uint8)).resize(SIZE, Image.Resampling.BILINEAR)
        content = io.BytesIO()
        picture.save(content, "JPEG")
        (folder / f"{number}_{first + offset}.jpeg").write_bytes(content.getvalue())


def _entry(patient_id: str, number: int, label: int) -> dict[str, Any]:
    name = f"ADNI_{patient_id}_MR_MPR__GradWarp__B1_Correction__N3__Scaled_Br_20070219173850420_S21856_I{number}.nii"
    return {"label": label, "raw": f"ADNI_raw/{patient_id}/{name}", "masked": f"ADNI_masked/{number}.nii.gz"}
