"""Every imitated download goes the whole way: found, prepared, verified, trained on for a step or two, scored."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_prep.phantom import LAYOUTS, PhantomPatient, write_layout
from data_prep.phantom.layouts.ad_nc import slice_scan_number, write_ad_nc
from data_prep.phantom.layouts.adni import adni_patient_id
from data_prep.prepare import prepare_source
from data_prep.private.check import check_private
from monai_vq.data import read_manifest, read_splits, slice_items, verify_dataset
from monai_vq.data.splits import SPLIT_NAMES

PATIENTS, VOXEL_MM = 8, 8.0
WITH_DIAGNOSIS = {"adni", "bids", "oasis1", "oasis2", "oasis3"}  # the others ship no table
OWN = {  # options without which a source refuses its download
    "adni": {},
    "dicom": {},
    "nifti": {"patient_regex": r"(?P<patient>P\d+)"},
    "oasis2": {"assume_orientation": "ASL"},
}
FRACTIONS = (0.5, 0.25, 0.25)
CASES = {"train": (1, 2, 3, 4), "validate": (402, 403), "test": (441, 442)}  # of PNG slices
CASE_SLICES = 6


@pytest.fixture(scope="module", params=sorted({*LAYOUTS} - {"ad_nc"}))  # which has a walk of its own below
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
        fractions=FRACTIONS,
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


def write_ad_nc_folders(root: Path, *, metadata: bool) -> dict[str, int]:
    """Folders of AD_NC; gives the number of slices of each patient, or without the metadata of each scan."""
    patients = [PhantomPatient.draw(0, index) for index in range(PATIENTS)]
    write_ad_nc(root, patients, VOXEL_MM, metadata=metadata)
    patient_of = {
        slice_scan_number(patient, scan): adni_patient_id(patient) for patient in patients for scan in range(3)
    }
    numbers = [int(path.stem.partition("_")[0]) for path in root.rglob("*.jpeg")]
    return Counter(patient_of[number] if metadata else f"I{number:08d}" for number in numbers)


def write_png_cases(root: Path, write_png_slices: Callable[..., None]) -> dict[str, int]:
    """The cases of `CASES` with segmentations; gives the number of slices of each."""
    rng = np.random.default_rng(0)
    for split, cases in CASES.items():
        for case in cases:
            tissue = np.zeros((CASE_SLICES, 32, 32), np.uint8)
            tissue[:, 4:28, 6:26] = np.kron(rng.integers(1, 4, (CASE_SLICES, 6, 5)), np.ones((1, 4, 4)))
            write_png_slices(root / f"keras_png_slices_{split}", case, 70 * tissue)
            write_png_slices(root / f"keras_png_slices_seg_{split}", case, 85 * tissue, "seg")
    return {f"case_{case:03d}": CASE_SLICES for cases in CASES.values() for case in cases}


# name: (source, unit of the split, units in train, val and test, scans)
SLICES = {
    "ad_nc": ("ad_nc", "patient", {"train": 4, "val": 2, "test": 2}, 12),
    "ad_nc_without_metadata": ("ad_nc", "scan", {"train": 6, "val": 3, "test": 3}, 12),
    "png_slices": (
        "png_slices",
        "patient",
        {split: len(CASES[own]) for split, own in zip(SPLIT_NAMES, CASES, strict=True)},
        8,
    ),
}


SPACINGS = {"ad_nc": [8.0, 8.0], "png_slices": [1.0, 1.0]}  # bring the slices to 32 x 32 pixels at most


@pytest.fixture(scope="module", params=SLICES)
def sliced(request, tmp_path_factory, write_png_slices, run_bundle) -> SimpleNamespace:
    """A download of slices, prepared, and a run of two steps on it."""
    source, unit, n_units, n_scans = SLICES[request.param]
    root = tmp_path_factory.mktemp(request.param)
    (root / "download").mkdir()
    if source == "png_slices":
        n_slices, split = write_png_cases(root / "download", write_png_slices), {}
    else:
        n_slices = write_ad_nc_folders(root / "download", metadata=unit == "patient")
        split = {"fractions": FRACTIONS, "stratify": ()}
    summary = prepare_source(source, root / "download", root / "prepared", progress=False, **split)
    n_train = len(slice_items(root / "prepared", "train"))
    run = run_bundle(
        "projected",
        root / "run",
        dataset_dir=str(root / "prepared"),
        image_size=[32, 32],
        spacing=SPACINGS[source],
        batch_size=-(-n_train // 2),
        max_epochs=1,
        val_interval=1,
    )
    return SimpleNamespace(
        dataset_dir=root / "prepared",
        run_dir=run,
        notes=summary.notes,
        unit=unit,
        n_units=n_units,
        n_scans=n_scans,
        n_slices=n_slices,
    )


def test_slices_are_prepared_whole_and_split_by_what_is_known_of_them(sliced):
    assert verify_dataset(sliced.dataset_dir) == []
    assert check_private(sliced.dataset_dir) == []
    records, splits = read_manifest(sliced.dataset_dir), read_splits(sliced.dataset_dir)
    assert splits.unit == sliced.unit
    assert {name: len(members) for name, members in splits.splits.items()} == sliced.n_units
    assert len(records) == sliced.n_scans
    kept: Counter[str] = Counter()
    for record in records:
        kept[record.patient_id] += len(record.slice_indices)
    assert kept == sliced.n_slices


def test_two_steps_on_slices_end_in_a_score_of_every_unit_over_all_its_slices(sliced):
    assert pd.read_csv(sliced.run_dir / "metrics.csv")["iteration"].tolist() == [2]
    assert json.loads((sliced.run_dir / "config.json").read_text())["in_channels"] == 1
    rows = pd.read_csv(sliced.run_dir / "report/ssim_patients.csv")
    splits = read_splits(sliced.dataset_dir).splits
    assert {split: sorted(own["patient_id"]) for split, own in rows.groupby("split")} == splits
    assert dict(zip(rows["patient_id"], rows["n_slices"], strict=True)) == sliced.n_slices
    assert np.isfinite(rows[["ssim", "ssim_foreground", "psnr", "mse", "mae"]]).all(axis=None)
    assert rows["ssim"].between(-1, 1).all()


def test_the_report_claims_no_patients_where_only_scans_are_known(sliced):
    page = (sliced.run_dir / "report/index.html").read_text(encoding="utf-8")
    claimed = sliced.unit == "patient"
    assert f"split by {sliced.unit}." in page
    assert ("Separation of patients cannot be claimed" in page) != claimed
    assert any("that no patient is in two splits cannot be claimed" in note for note in sliced.notes) != claimed
