from dataclasses import replace

import pytest

from monai_vq.data import read_manifest, slice_items, write_manifest
from monai_vq.data.condition_rows import CONDITION_COLUMNS, condition_rows


def test_a_row_a_slice_in_the_order_of_the_items(dataset_dir):
    for split in ("train", "val", "test"):
        items, rows = slice_items(dataset_dir, split), condition_rows(dataset_dir, split)
        records = {record.scan_id: record for record in read_manifest(dataset_dir)}
        assert len(rows) == len(items)
        for item, row in zip(items, rows, strict=True):
            indices = records[item["scan_id"]].slice_indices
            expected = (item["slice_index"] - indices[0]) / (indices[-1] - indices[0])
            assert row["slice_position"] == pytest.approx(expected)


def test_positions_run_from_the_first_slice_to_the_last_whatever_lies_between(dataset_dir):
    manifest = dataset_dir / "manifest.csv"
    before = read_manifest(dataset_dir)
    write_manifest(manifest, [replace(record, slice_indices=(10, 11, 20)) for record in before])
    positions = [row["slice_position"] for row in condition_rows(dataset_dir, "train")]
    assert positions[:3] == pytest.approx([0, 0.1, 1])
    write_manifest(manifest, [replace(record, slice_indices=(7,)) for record in before])
    assert {row["slice_position"] for row in condition_rows(dataset_dir, "train")} == {0.5}


def test_what_the_manifest_does_not_know_is_none(dataset_dir):
    before = read_manifest(dataset_dir)
    known = [replace(record, diagnosis="AD", age=70.5, sex="") for record in before]
    write_manifest(dataset_dir / "manifest.csv", known)
    row = condition_rows(dataset_dir, "val")[0]
    assert (row["diagnosis"], row["age"], row["sex"]) == ("AD", 70.5, None)
    assert row.keys() == {*CONDITION_COLUMNS, "slice_position"}
