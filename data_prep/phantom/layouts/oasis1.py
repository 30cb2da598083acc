"""Phantom patients as the OASIS-1 download: discs, sessions with five versions of each scan, table and strays."""

import csv
import io
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from data_prep.phantom.canvas import Tissue
from data_prep.phantom.layouts.oasis_grid import RAW_GRID, SUBJECT_GRID, T88_GRID, OasisGrid
from data_prep.phantom.layouts.workbook import write_workbook
from data_prep.phantom.patient import PhantomPatient, phantom_scan

__all__ = ["IMAGES", "write_oasis1"]

_FOLDERS = {
    "masked_t88": "PROCESSED/MPRAGE/T88_111",
    "t88": "PROCESSED/MPRAGE/T88_111",
    "subj111": "PROCESSED/MPRAGE/SUBJ_111",
    "raw": "RAW",
    "fsl_seg": "FSL_SEG",
}
IMAGES = tuple(_FOLDERS)
_HEADER = ("ID", "M/F", "Hand", "Age", "Educ", "SES", "MMSE", "CDR", "eTIV", "nWBV", "ASF", "Delay")
_SESSIONS = {"ses-01": "MR1", "ses-02": "MR2"}
_SESSIONS_PER_DISC, _MAX_DISCS = 39, 12
_RUN = 3  # stream of random numbers
_TISSUES = {Tissue.CSF: 1, Tissue.VENTRICLE: 1, Tissue.GREY: 2, Tissue.WHITE: 3}  # labels of FSL_SEG
_GIF = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


def write_oasis1(
    root: Path, patients: Sequence[PhantomPatient], voxel_size: float, *, images: Collection[str] = IMAGES
) -> None:
    """Writes the download; patient i becomes `OAS1_{i + 1}`, its second session a rescan `MR2` 40 days later.

    As in the real one: Analyze 7.5, big-endian, 4-D, with names `n3` and `n4`; a CDR is blank for every fifth patient
    and for rescans; the table is there as CSV and as XLSX.

    Args:
        root: an empty folder.
        patients: whom to scan, at each of their sessions.
        voxel_size: 1 gives the true grids, such as 176 x 208 x 176 of `masked_t88`; above, the same field of view.
        images: which of `IMAGES` to write.
    """
    scans = [(patient, session) for patient in patients for session in patient.session_ages]
    n_discs = min(_MAX_DISCS, max(2, -(-len(scans) // _SESSIONS_PER_DISC)))
    placed = [(*scan, root / f"disc{1 + place * n_discs // len(scans)}") for place, scan in enumerate(scans)]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # numpy and scipy leave the interpreter's lock
        list(pool.map(partial(_write_session, voxel_size, images), *zip(*placed, strict=True)))
    _write_tables(root, scans)


def _write_session(
    voxel_size: float, images: Collection[str], patient: PhantomPatient, session: str, disc: Path
) -> None:
    name, n_runs = _session_name(patient, session), _count_runs(patient)
    folder, stem = disc / name, f"{name}_mpr_n{n_runs}_anon"
    for subfolder in (*_FOLDERS.values(), f"{_FOLDERS['t88']}/t4_files"):
        (folder / subfolder).mkdir(parents=True, exist_ok=True)
    scan, labels = phantom_scan(patient, session, voxel_size)
    write = partial(_write_analyze, voxel_size=voxel_size)
    head, tissue = T88_GRID.resample(scan, voxel_size), T88_GRID.resample(labels, voxel_size, labels=True)
    if "masked_t88" in images:
        brain = np.where(np.isin(tissue, list(_TISSUES)), head, 0)
        write(folder / _FOLDERS["masked_t88"] / f"{stem}_111_t88_masked_gfc", brain, T88_GRID)
    if "t88" in images:
        write(folder / _FOLDERS["t88"] / f"{stem}_111_t88_gfc", head, T88_GRID)
    if "fsl_seg" in images:
        write(folder / _FOLDERS["fsl_seg"] / f"{stem}_111_t88_masked_gfc_fseg", _segment(tissue), T88_GRID)
    if "subj111" in images:
        average = SUBJECT_GRID.resample(scan, voxel_size)
        write(folder / _FOLDERS["subj111"] / f"{stem}_sbj_111", average, SUBJECT_GRID)
    if "raw" in images:
        raw = RAW_GRID.resample(scan, voxel_size)
        for run in range(1, n_runs + 1):
            repeat = _repeat(raw, patient, session, run)
            write(folder / _FOLDERS["raw"] / f"{name}_mpr-{run}_anon", repeat, RAW_GRID)
    _write_strays(folder, stem)
    _write_text(folder / f"{name}.txt", _describe_session(name, _table_row(patient, session)))


def _segment(tissue: NDArray[np.uint8]) -> NDArray[np.uint8]:
    table = np.zeros(len(Tissue), np.uint8)
    for label, value in _TISSUES.items():
        table[label] = value
    return table[tissue]


def _repeat(raw: NDArray[np.int16], patient: PhantomPatient, session: str, run: int) -> NDArray[np.int16]:
    """Another acquisition of the same head: other noise."""
    rng = patient.rng(_RUN, list(_SESSIONS).index(session), run)
    return np.maximum(raw + rng.integers(-8, 9, raw.shape, dtype=np.int16), 0)


def _write_analyze(stem: Path, voxels: NDArray[Any], grid: OasisGrid, voxel_size: float) -> None:
    header = nib.AnalyzeHeader(endianness=">")
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape((*voxels.shape, 1))
    header.set_zooms([*(size * voxel_size for size in grid.spacing), 1])
    header["extents"], header["regular"] = 16384, b"r"
    nib.AnalyzeImage(voxels[..., None], None, header).to_filename(stem.with_name(f"{stem.name}.img"))


def _write_strays(folder: Path, stem: str) -> None:
    """What lies beside the images and is none."""
    masked = folder / _FOLDERS["masked_t88"] / f"{stem}_111_t88_masked_gfc"
    for view in ("tra_90", "cor_110", "sag_95"):
        masked.with_name(f"{masked.name}_{view}.gif").write_bytes(_GIF)
    masked.with_name(f"._{masked.name}.img").write_bytes(_APPLE_DOUBLE)
    masked.with_name(f"._{masked.name}.hdr").write_bytes(_APPLE_DOUBLE)
    _write_text(masked.parent / "t4_files" / f"{folder.name}_mpr-1_anon_to_711-2B_t4", "1.0 0.0 0.0 0.0\n")
    (folder / "RAW" / f"{folder.name}_mpr-1_anon_sag_66.gif").write_bytes(_GIF)
    (folder / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    _write_text(folder / "FSL_SEG" / f"{masked.name}_fseg.txt", "CSF\tGM\tWM\n")
    _write_text(folder / f"{folder.name}.xml", f'<?xml version="1.0"?>\n<xnat:MRSession label="{folder.name}"/>\n')


def _session_name(patient: PhantomPatient, session: str) -> str:
    return f"OAS1_{patient.index + 1:04d}_{_SESSIONS[session]}"


def _count_runs(patient: PhantomPatient) -> int:
    return 4 - patient.index % 2


def _table_row(patient: PhantomPatient, session: str) -> dict[str, str | int | float]:
    rescan, unrated = session == "ses-02", patient.index % 5 == 4
    rated = not (rescan or unrated)
    cdr = 0 if patient.diagnosis == "CN" else 0.5 if patient.index % 4 == 1 else 1
    volume = 1350 + 7 * (patient.index % 40)
    return {
        "ID": _session_name(patient, session),
        "M/F": patient.sex,
        "Hand": "R",
        "Age": round(patient.age),
        "Educ": 1 + patient.index % 5 if rated else "",
        "SES": 1 + patient.index % 4 if rated else "",
        "MMSE": 29 if rated else "",
        "CDR": cdr if rated else "",
        "eTIV": volume,
        "nWBV": 0.75,
        "ASF": round(1755 / volume, 3),
        "Delay": 40 if rescan else "N/A",
    }


def _describe_session(name: str, row: dict[str, str | int | float]) -> str:
    sex = {"F": "Female", "M": "Male"}[str(row["M/F"])]
    lines = [("SESSION ID", name), ("", ""), ("AGE", row["Age"]), ("M/F", sex), ("HAND", "Right")]
    lines += [(key.upper(), row[key]) for key in ("Educ", "SES", "CDR", "MMSE")]
    lines += [(key, row[key]) for key in ("eTIV", "ASF", "nWBV")]
    lines += [("", ""), ("SCAN NUMBER", "mpr-1"), ("TYPE", "MPRAGE"), ("Orientation", "Sag")]
    return "".join(f"{key + ':':14}{value}\n" if key else "\n" for key, value in lines)


def _write_tables(root: Path, scans: Sequence[tuple[PhantomPatient, str]]) -> None:
    rows = [list(_table_row(patient, session).values()) for patient, session in scans]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_HEADER, *rows])
    (root / "oasis_cross-sectional.csv").write_bytes(text.getvalue().encode())
    write_workbook(root / "oasis_cross-sectional-5708aa0a98d82080.xlsx", [_HEADER, *rows])
    write_workbook(root / "oasis_cross-sectional-reliability-063c8642b909ee76.xlsx", [("ID", "Session 1", "Session 2")])


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
