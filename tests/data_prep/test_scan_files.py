from dataclasses import replace

import numpy as np
import pytest

from data_prep.bids import find_scans
from data_prep.participants import Person
from data_prep.scan_files import PreparedScan, cut_scan, load_prepared, save_scan
from data_prep.slicing import SlicingSettings


@pytest.fixture
def scan(bids_tree):
    return find_scans(bids_tree).scans[1]


@pytest.fixture
def saved(scan, tmp_path) -> PreparedScan:
    (tmp_path / "slices").mkdir()
    return save_scan(cut_scan(scan, SlicingSettings("axial", (0, 1))), tmp_path)


def test_what_was_saved_is_recognised(scan, saved, tmp_path):
    assert load_prepared(scan, tmp_path) == saved
    slices = np.load(saved.record.slices_path(tmp_path), mmap_mode="r")
    np.testing.assert_array_equal(slices, cut_scan(scan, SlicingSettings("axial", (0, 1))).cut.slices)


def test_edited_tables_reach_the_record_without_another_cut(scan, saved, tmp_path):
    loaded = load_prepared(replace(scan, person=Person("MCI", 71.0, "M")), tmp_path)
    assert loaded.record == replace(saved.record, diagnosis="MCI", age=71.0, sex="M")


@pytest.mark.parametrize("name", ["sub-P01.npy", "sub-P01_mask.npy", "sub-P01.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_a_missing_or_damaged_file_means_not_prepared(scan, saved, tmp_path, name, content):
    path = tmp_path / "slices" / name
    path.unlink() if content is None else path.write_bytes(content)
    assert load_prepared(scan, tmp_path) is None


def test_a_changed_source_means_not_prepared(scan, saved, tmp_path, write_head):
    write_head(scan.path, seed=50)
    assert load_prepared(scan, tmp_path) is None
