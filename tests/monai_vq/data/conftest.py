import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monai_vq.data import Cohort, ScanRecord, make_splits, write_manifest, write_splits

RECORD = ScanRecord(
    patient_id="sub-P01",
    session_id="",
    scan_id="sub-P01",
    diagnosis="CN",
    age=61.25,
    sex="F",
    site="002",
    field_strength="1.5",
    source="sub-P01/anat/sub-P01_T1w.nii.gz",
    sha256="a",
    shape=(24, 28, 20),
    spacing=(8.0, 8.0, 7.9375),
    axes="PSR",
    affine=(0.0, 0.0, 7.9375, -80.0, -8.0, 0.0, 0.0, 96.5, 0.0, 8.0, 0.0, -60.25),
    plane="axial",
    window_low=12.517514,
    window_high=1944.1173095703125,
    slice_indices=(9, 10, 12),
    slice_spacing=(8.0, 7.9375),
    foreground_box=(1, 9, 0, 8),
    warnings="may show a face; touches the edge",
    slices_sha256="b",
    mask_sha256="c",
    labels_sha256="",
)


@pytest.fixture
def make_record():
    """Makes the record of a patient; each has content of its own."""

    def make(patient: str, scan: str = "", **changes) -> ScanRecord:
        scan_id = scan or patient
        own = {
            "patient_id": patient,
            "scan_id": scan_id,
            "sha256": f"file {scan_id}",
            "slices_sha256": f"cut {scan_id}",
        }
        return replace(RECORD, **(own | changes))

    return make


@pytest.fixture
def dataset_dir(tmp_path: Path, make_record) -> Path:
    """A prepared dataset of five patients with random 10 x 9 slices."""
    rng = np.random.default_rng(0)
    (tmp_path / "slices").mkdir()
    records = []
    for index in range(5):
        record = make_record(f"sub-P{index:02d}")
        np.save(record.slices_path(tmp_path), rng.integers(0, 65536, (3, 10, 9), dtype=np.uint16))
        np.save(record.mask_path(tmp_path), np.ones((3, 10, 9), dtype=bool))
        hashes = [hashlib.sha256(p(tmp_path).read_bytes()).hexdigest() for p in (record.slices_path, record.mask_path)]
        records.append(replace(record, slices_sha256=hashes[0], mask_sha256=hashes[1]))
    write_manifest(tmp_path / "manifest.csv", records)
    write_splits(
        tmp_path / "splits.json", make_splits(records, Cohort("bids", "the folder's name"), fractions=(0.6, 0.2, 0.2))
    )
    return tmp_path
