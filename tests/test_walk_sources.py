"""Every imitated download goes the whole way: found, prepared, verified, trained on for a step or two, scored."""

import csv

import numpy as np
import pytest

from data_prep.phantom import LAYOUTS, write_layout
from data_prep.prepare import prepare_source
from data_prep.private.check import check_private
from monai_vq.data import read_manifest, read_splits, verify_dataset

PATIENTS, VOXEL_MM = 8, 8.0
WITH_DIAGNOSIS = {"adni", "bids", "oasis1", "oasis2", "oasis3"}  # the others ship no table
OWN = {  # options without which a source refuses its download
    "adni": {},
    "dicom": {},
    "nifti": {"patient_regex": r"(?P<patient>P\d+)"},
    "oasis2": {"assume_orientation": "ASL"},
}


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def prepared(request, tmp_path_factory):
    layout = request.param
    root = tmp_path_factory.mktemp(layout)
    source = write_layout(layout, root / "download", num_patients=PATIENTS, voxel_size=VOXEL_MM)
    own = OWN.get(layout, {}) | ({"key_file": root / "key.json"} if layout == "dicom" else {})
    key_file = root / "key.json" if layout == "nifti" else None  # its folders are called by dates
    prepare_source(
        layout,
        source,
        root / "prepared",
        own,
        key_file=key_file,
        num_slices=3,
        fractions=(0.5, 0.25, 0.25),
        stratify=(),
        progress=False,
    )
    return layout, root / "prepared"


def test_the_prepared_download_verifies_and_is_split_by_patient(prepared):
    layout, dataset_dir = prepared
    assert verify_dataset(dataset_dir) == []
    records, splits = read_manifest(dataset_dir), read_splits(dataset_dir)
    assert len({record.patient_id for record in records}) == PATIENTS == sum(map(len, splits.splits.values()))
    assert splits.unit == "patient"
    assert bool({record.diagnosis for record in records} - {""}) == (layout in WITH_DIAGNOSIS)


def test_a_slice_shown_as_axial_shows_the_head_longer_than_wide(prepared):
    """Another plane would show it round or high; left and right, front and back are tested at the marker of each."""
    _, dataset_dir = prepared
    for record in read_manifest(dataset_dir):
        masks = np.load(record.mask_path(dataset_dir))
        assert record.plane == "axial"
        assert masks.mean() > 0.15
        rows = np.flatnonzero(masks.any(axis=(0, 2)))
        columns = np.flatnonzero(masks.any(axis=(0, 1)))
        height = (rows[-1] - rows[0]) * record.slice_spacing[0]
        width = (columns[-1] - columns[0]) * record.slice_spacing[1]
        assert height > 1.05 * width


def test_nothing_private_is_left_in_it(prepared):
    _, dataset_dir = prepared
    key_file = dataset_dir.parent / "key.json"
    assert check_private(dataset_dir, key_file=key_file if key_file.exists() else None) == []


def test_two_training_steps_end_in_scores_of_every_patient(prepared, tmp_path, run_bundle):
    _, dataset_dir = prepared
    run_bundle(
        "projected",
        tmp_path / "run",
        dataset_dir=str(dataset_dir),
        image_size=[32, 32],
        batch_size=8,
        max_epochs=1,
        val_interval=1,
    )
    with (tmp_path / "run/report/ssim_patients.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["patient_id"] for row in rows} == {record.patient_id for record in read_manifest(dataset_dir)}
    assert all(-1 <= float(row["ssim"]) <= 1 for row in rows)
