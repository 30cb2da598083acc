"""The phantom cohort: simulated patients, written as a BIDS tree and prepared like any other source."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.phantom.patient import PhantomPatient, phantom_scan
from data_prep.prepare import PrepareSummary, prepare_bids
from monai_vq import __version__
from monai_vq.errors import InputError

__all__ = ["prepare_phantom", "write_phantom_bids"]

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


def write_phantom_bids(
    root: Path | str, *, num_patients: int = 24, seed: int = 0, voxel_size: float = 2.0, progress: bool = True
) -> Path:
    """Writes the cohort as a BIDS tree, atomically; a tree that an equal call wrote is left as it is.

    Args:
        root: folder to make.
        num_patients: patients; every third has two sessions.
        seed: of the cohort; equal seeds give equal bytes, and patient i does not depend on `num_patients`.
        voxel_size: edge of the isotropic voxel, mm.
        progress: show a progress bar.

    Returns:
        `root`.

    Raises:
        InputError: a setting is out of range, or `root` holds something else.
    """
    root = Path(root)
    if num_patients < 1 or seed < 0 or not 1 <= voxel_size <= 8:
        raise InputError(
            f"num_patients {num_patients}, seed {seed}, voxel_size {voxel_size}: "
            "expected at least 1 patient, a seed of 0 or more and voxels of 1 to 8 mm"
        )
    description = _describe(num_patients, seed, voxel_size)
    patients = [PhantomPatient.draw(seed, index) for index in range(num_patients)]
    if root.exists():
        _check_complete(root, description, patients)
        return root
    part = root.with_name(f".{root.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    part.mkdir(parents=True)
    try:
        _write_tables(part, description, patients)
        _write_scans(part, patients, voxel_size, progress)
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


def prepare_phantom(
    output_dir: Path | str, *, seed: int = 0, num_patients: int = 24, progress: bool = True, **options: Any
) -> PrepareSummary:
    """Writes the cohort to `<output_dir>_bids` and prepares it like a download.

    Args:
        output_dir: the prepared dataset.
        seed: of the cohort and of the split.
        num_patients: see `write_phantom_bids`.
        progress: show progress bars.
        options: any other argument of `prepare_bids`.

    Raises:
        InputError: as `write_phantom_bids` and `prepare_bids`.
    """
    output_dir = Path(output_dir)
    source = output_dir.with_name(f"{output_dir.name}_bids")
    write_phantom_bids(source, num_patients=num_patients, seed=seed, progress=progress)
    return prepare_bids(source, output_dir, seed=seed, progress=progress, **options)


def _describe(num_patients: int, seed: int, voxel_size: float) -> str:
    made = f"num_patients {num_patients}, seed {seed}, voxel_size {voxel_size:g} mm"
    return _to_json(
        {
            "Name": "Phantom cohort of simulated T1-weighted heads",
            "BIDSVersion": "1.10.0",
            "DatasetType": "raw",
            "License": "CC0",
            "GeneratedBy": [{"Name": "data_prep.phantom", "Version": __version__, "Description": made}],
        }
    )


def _check_complete(root: Path, description: str, patients: list[PhantomPatient]) -> None:
    path = root / "dataset_description.json"
    if not path.is_file() or path.read_text(encoding="utf-8") != description:
        raise InputError(f"{root} exists and is not the phantom cohort asked for; remove it or choose another folder")
    missing = [stem for patient in patients for stem in _stems(patient) if not (root / f"{stem}.nii.gz").is_file()]
    if missing:
        raise InputError(
            f"{root} lacks {len(missing)} scan(s), first {missing[0]}.nii.gz; remove the folder to make it again"
        )


def _stems(patient: PhantomPatient) -> Iterator[str]:
    """Path of each session's scan relative to the root, without suffix."""
    for session in patient.session_ages:
        yield f"{patient.patient_id}/{session}/anat/{patient.patient_id}_{session}_T1w"


def _write_tables(root: Path, description: str, patients: list[PhantomPatient]) -> None:
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


def _write_scans(root: Path, patients: list[PhantomPatient], voxel_size: float, progress: bool) -> None:
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
