"""A BIDS tree of phantom patients: `sub-*/ses-*/anat/*_T1w.nii.gz` with its tables."""

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.phantom.patient import PhantomPatient, phantom_scan
from monai_vq import __version__

__all__ = ["bids_stems", "describe_bids", "write_bids"]

_README = """\
Simulated T1-weighted heads, made by data_prep.phantom: no person was scanned.

The left of each head carries a bright ball outside the scalp; right frontal and left occipital lobes protrude.
Ventricles and sulci widen with age and with the simulated diagnosis (CN: cognitively normal, AD: Alzheimer's disease).
"""
_COLUMNS = {
    "age": {"Description": "age at the first session", "Units": "year"},
    "sex": {"Description": "sex", "Levels": {"F": "female", "M": "male"}},
    "diagnosis": {"Description": "simulated", "Levels": {"CN": "cognitively normal", "AD": "Alzheimer's disease"}},
}


def write_bids(
    root: Path, patients: Sequence[PhantomPatient], voxel_size: float, description: str = "", progress: bool = False
) -> None:
    """Writes the tree.

    Args:
        root: an empty folder.
        patients: whom to scan, at each of their sessions.
        voxel_size: edge of a voxel, mm.
        description: text of `dataset_description.json`; by default one that says what was made.
        progress: show a progress bar.
    """
    made = f"{len(patients)} patients, voxel_size {voxel_size:g} mm"
    _write_tables(root, description or describe_bids(made), patients)
    _write_scans(root, patients, voxel_size, progress)


def describe_bids(made: str) -> str:
    """The text of `dataset_description.json`, with how the tree was made."""
    return _to_json(
        {
            "Name": "Phantom cohort of simulated T1-weighted heads",
            "BIDSVersion": "1.10.0",
            "DatasetType": "raw",
            "License": "CC0",
            "GeneratedBy": [{"Name": "data_prep.phantom", "Version": __version__, "Description": made}],
        }
    )


def bids_stems(patient: PhantomPatient) -> Iterator[str]:
    """Path of each session's scan relative to the root, without suffix."""
    for session in patient.session_ages:
        yield f"{patient.patient_id}/{session}/anat/{patient.patient_id}_{session}_T1w"


def _write_tables(root: Path, description: str, patients: Sequence[PhantomPatient]) -> None:
    rows = [f"{patient.patient_id}\t{patient.age}\t{patient.sex}\t{patient.diagnosis}" for patient in patients]
    _write_text(root / "dataset_description.json", description)
    _write_text(root / "README", _README)
    _write_text(root / "participants.tsv", "\n".join(["participant_id\tage\tsex\tdiagnosis", *rows, ""]))
    _write_text(root / "participants.json", _to_json(_COLUMNS))
    for patient in patients:
        ages = [f"{session}\t{age}" for session, age in patient.session_ages.items()]
        folder = root / patient.patient_id
        folder.mkdir()
        _write_text(folder / f"{patient.patient_id}_sessions.tsv", "\n".join(["session_id\tage", *ages, ""]))


def _write_scans(root: Path, patients: Sequence[PhantomPatient], voxel_size: float, progress: bool) -> None:
    scans = [(patient, session) for patient in patients for session in patient.session_ages]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # numpy and zlib leave the interpreter's lock
        written = pool.map(partial(_write_scan, root, voxel_size), scans)
        for _ in tqdm(written, "phantom cohort", total=len(scans), unit="scan", disable=not progress):
            pass


def _write_scan(root: Path, voxel_size: float, scan: tuple[PhantomPatient, str]) -> None:
    patient, session = scan
    image, _ = phantom_scan(patient, session, voxel_size)
    stem = root / patient.patient_id / session / "anat" / f"{patient.patient_id}_{session}_T1w"
    stem.parent.mkdir(parents=True)
    stem.with_suffix(".nii.gz").write_bytes(gzip.compress(image.to_bytes(), compresslevel=3, mtime=0))
    _write_text(
        stem.with_suffix(".json"), _to_json({"Modality": "MR", "Manufacturer": "simulated by data_prep.phantom"})
    )


def _to_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
