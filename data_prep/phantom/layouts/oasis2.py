"""Phantom patients as the OASIS-2 download: two parts, NIfTI pairs, a stray file and the demographics."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from data_prep.phantom.layouts.oasis_grid import RAW_GRID
from data_prep.phantom.layouts.workbook import write_workbook
from data_prep.phantom.patient import PhantomPatient, phantom_scan

__all__ = ["write_oasis2"]

_HEADER = (
    *("Subject ID", "MRI ID", "Group", "Visit", "MR Delay", "M/F", "Hand", "Age", "EDUC", "SES", "MMSE", "CDR"),
    *("eTIV", "nWBV", "ASF"),
)
_N_RUNS = 3
_RUN = 3  # stream of random numbers
_TABLE = "oasis_longitudinal_demographics-8d83e569fa2e2d30.xlsx"


def write_oasis2(root: Path, patients: Sequence[PhantomPatient], voxel_size: float, *, oriented: bool = True) -> None:
    """Writes the download; patient i becomes `OAS2_{i + 1}`, its sessions the visits `MR1` and `MR2`.

    As in the real one: a patient's visits may lie in different parts, one visit holds a stray copy `3906-3.nift.img`
    of an acquisition, and a patient of the Group `Converted` has a CDR of 0 at first and of 0.5 later.

    Args:
        root: an empty folder.
        patients: whom to scan, at each of their sessions.
        voxel_size: 1 gives the true grid, 256 x 256 x 128 voxels of 1 x 1 x 1.25 mm; above, the same field of view.
        oriented: whether the headers state the axes (`sform_code` and `qform_code` 1).
    """
    visits = [(patient, session) for patient in patients for session in patient.session_ages]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # numpy and scipy leave the interpreter's lock
        list(pool.map(partial(_write_visit, root, voxel_size, oriented), *zip(*visits, strict=True)))
    first = _visit_folder(root, *visits[0]) / "RAW"
    for suffix in (".hdr", ".img"):
        (first / f"3906-3.nift{suffix}").write_bytes((first / f"mpr-1.nifti{suffix}").read_bytes())
    write_workbook(root / _TABLE, [_HEADER, *(_table_row(*visit) for visit in visits)])


def _write_visit(root: Path, voxel_size: float, oriented: bool, patient: PhantomPatient, session: str) -> None:
    folder = _visit_folder(root, patient, session) / "RAW"
    folder.mkdir(parents=True)
    scan, _ = phantom_scan(patient, session, voxel_size)
    voxels = RAW_GRID.resample(scan, voxel_size)
    _, affine = RAW_GRID.place(voxel_size)
    for run in range(1, _N_RUNS + 1):
        rng = patient.rng(_RUN, _visit(session), run)
        repeat = np.maximum(voxels + rng.integers(-8, 9, voxels.shape, dtype=np.int16), 0)
        _write_nifti_pair(folder / f"mpr-{run}.nifti.img", repeat, affine, oriented)


def _write_nifti_pair(path: Path, voxels: NDArray[np.int16], affine: NDArray[np.float64], oriented: bool) -> None:
    header = nib.nifti1.Nifti1PairHeader(endianness=">")
    header.set_data_dtype(np.int16)
    image = nib.Nifti1Pair(voxels[..., None], affine, header)
    image.set_sform(affine, int(oriented))
    image.set_qform(affine, int(oriented))
    image.header.set_xyzt_units("mm")
    image.to_filename(path)


def _visit(session: str) -> int:
    return int(session.removeprefix("ses-"))


def _visit_folder(root: Path, patient: PhantomPatient, session: str) -> Path:
    part = 1 + (patient.index + _visit(session) - 1) % 2
    return root / f"OAS2_RAW_PART{part}" / f"OAS2_{patient.index + 1:04d}_MR{_visit(session)}"


def _table_row(patient: PhantomPatient, session: str) -> tuple[str | int | float, ...]:
    visit, demented = _visit(session), patient.diagnosis == "AD"
    converted = demented and len(patient.session_ages) == 2
    group = "Converted" if converted else "Demented" if demented else "Nondemented"
    cdr = 0.5 if demented and not (converted and visit == 1) else 0
    subject = f"OAS2_{patient.index + 1:04d}"
    about = (subject, f"{subject}_MR{visit}", group, visit, 730 * (visit - 1), patient.sex, "R")
    scores = (round(patient.session_ages[session]), 14, "" if patient.index % 4 == 2 else 2, 27, cdr)
    return (*about, *scores, 1450, 0.72, 1.21)
