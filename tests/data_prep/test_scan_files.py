from dataclasses import replace
from functools import partial

import nibabel as nib
import numpy as np
import pytest

from data_prep.person import Person
from data_prep.scan_files import PreparedScan, cut_scan, load_prepared, save_scan
from data_prep.sources.bids import find_bids
from data_prep.sources.scan import Scan
from monai_vq.data import SliceStack, Volume, files_sha256, read_volume
from monai_vq.data.slicing import SlicingSettings


@pytest.fixture
def scan(bids_tree):
    return find_bids(bids_tree).scans[1]


@pytest.fixture
def saved(scan, tmp_path) -> PreparedScan:
    (tmp_path / "slices").mkdir()
    return save_scan(cut_scan(scan, SlicingSettings("axial", (0, 1))), tmp_path)


def test_what_was_saved_is_recognised(scan, saved, tmp_path):
    assert load_prepared(scan, tmp_path) == replace(saved, is_new=False)
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


def test_ages_over_89_are_capped(scan, tmp_path):
    ages = {89.0: 89.0, 89.5: 89.0, 104.0: 89.0, 88.9: 88.9, None: None}
    for age, expected in ages.items():
        assert cut_scan(replace(scan, person=Person(age=age)), SlicingSettings("axial", (0, 1))).record.age == expected


def read_images(files) -> SliceStack:
    """Eight 12 x 10 images in colour, from a file that may hold others."""
    pixels = np.random.default_rng(files[0].read_bytes()[0]).integers(0, 256, (8, 12, 10, 3), dtype=np.uint8)
    labels = np.arange(8 * 12 * 10).reshape(8, 12, 10).astype(np.uint8)
    mask = np.ones(pixels.shape[:3], dtype=bool)
    return SliceStack(pixels, mask, tuple(range(10, 18)), files_sha256(files), labels=labels)


def test_a_stack_is_stored_as_it_came_and_recognised(tmp_path):
    (tmp_path / "slices").mkdir()
    (tmp_path / "batch.bin").write_bytes(b"1")
    stack = Scan((tmp_path / "batch.bin",), "batch.bin", "cats-0", "", "cats-0", read=read_images)
    done = save_scan(cut_scan(stack, SlicingSettings(num_slices=3)), tmp_path)
    assert load_prepared(stack, tmp_path) == replace(done, is_new=False)
    whole = read_images(stack.files)
    kept = [0, 4, 7]
    np.testing.assert_array_equal(np.load(done.record.slices_path(tmp_path)), whole.slices[kept])
    np.testing.assert_array_equal(np.load(done.record.labels_path(tmp_path)), whole.labels[kept])
    assert (done.record.slice_indices, done.record.axes, done.record.plane) == ((10, 14, 17), "", "")
    assert done.record.foreground_box == (0, 12, 0, 10)
    assert done.contents == (done.record.slices_sha256,)  # other stacks come from the same file
    (tmp_path / "batch.bin").write_bytes(b"2")
    assert load_prepared(stack, tmp_path) is None


def test_labels_are_cut_where_the_volume_is(scan, tmp_path):
    (tmp_path / "slices").mkdir()
    with_labels = replace(scan, labels=scan.files, read_labels=partial(read_halves))
    cut = cut_scan(with_labels, SlicingSettings("axial", (0, 1)))
    done = save_scan(cut, tmp_path)
    labels = np.load(done.record.labels_path(tmp_path))
    assert labels.dtype == np.uint8
    assert labels.shape == cut.cut.slices.shape
    assert (labels[:, :, :12] == 1).all()  # the patient's right, as image left is
    assert (labels[:, :, 12:] == 2).all()
    assert load_prepared(with_labels, tmp_path) == replace(done, is_new=False)
    assert load_prepared(replace(scan, labels=()), tmp_path) is None


def read_halves(files):
    """1 on the right of the patient, 2 on the left, on the grid of the volume."""
    volume = read_volume(files[0])
    right = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
    halves = np.where(np.arange(right.shape[0])[:, None, None] < right.shape[0] // 2, 2, 1) * np.ones(right.shape)
    back = nib.orientations.ornt_transform(nib.io_orientation(right.affine), nib.io_orientation(volume.affine))
    stored = nib.orientations.apply_orientation(halves, back).astype(np.float32)
    return Volume(stored, volume.affine, volume.sha256)
