from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_prep.rejections import Rejection, write_rejections
from monai_vq.data import Cohort, ScanRecord, make_splits, write_manifest, write_splits

SHAPE = (10, 24, 32)


def record_of(number: int) -> ScanRecord:
    patient = f"sub-P{number:02d}"
    return ScanRecord(
        patient_id=patient,
        session_id="ses-01",
        scan_id=f"{patient}_ses-01",
        diagnosis="AD" if number % 2 else "CN",
        age=60.0 + number,
        sex="F",
        site="",
        field_strength="",
        source=f"{patient}/scan.nii.gz",
        sha256=f"{number:064x}",
        shape=(32, 24, 10),
        spacing=(2.0, 2.0, 4.0),
        axes="LPS",
        affine=(-2.0, 0.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0),
        plane="axial",
        window_low=3.0,
        window_high=900.0,
        slice_indices=tuple(range(5, 15)),
        slice_spacing=(2.0, 2.0),
        foreground_box=(6, 18, 8, 24),
        warnings="",
        slices_sha256=f"{number + 99:064x}",
        mask_sha256="0" * 64,
        labels_sha256="",
    )


@pytest.fixture
def make_record() -> Callable[..., ScanRecord]:
    """A record of patient `number` with some values changed."""
    return lambda number=0, **changes: replace(record_of(number), **changes)


@pytest.fixture
def save_scan(tmp_path: Path) -> Callable[..., Path]:
    """Writes slices of one grey value, or those given, with a box as foreground, or the masks given."""

    def save(record: ScanRecord, slices: np.ndarray | None = None, mask: np.ndarray | None = None) -> Path:
        (tmp_path / "slices").mkdir(exist_ok=True)
        number = int(record.sha256, 16)
        slices = np.full(SHAPE, 6000 * (number + 1), np.uint16) if slices is None else slices
        if mask is None:
            mask = np.zeros(slices.shape[:3], bool)
            mask[:, 6:18, 8:24] = True
        np.save(record.slices_path(tmp_path), slices)
        np.save(record.mask_path(tmp_path), mask)
        return tmp_path

    return save


@pytest.fixture
def write_dataset(save_scan: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Writes a dataset of some records; slices that are not there yet are made."""

    def write(
        records: Sequence[ScanRecord], rejections: Sequence[Rejection] = (), cohort: Cohort | None = None
    ) -> Path:
        for record in records:
            if not record.slices_path(tmp_path).exists():
                save_scan(record)
        write_manifest(tmp_path / "manifest.csv", records)
        splits = make_splits(
            records, cohort or Cohort("bids", "folder names"), fractions=(0.5, 0.25, 0.25), stratify=[], seed=0
        )
        write_splits(tmp_path / "splits.json", splits)
        write_rejections(tmp_path / "rejected.csv", rejections)
        return tmp_path

    return write
