import argparse
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.sources.png_slices import PNG_SLICES, find_png_slices
from monai_vq.data import VolumeError, files_sha256
from monai_vq.errors import InputError

SHIPPED = {"train": (1, 2, 3), "validate": (402, 403), "test": (441, 442)}  # numbers as in the published folders
SLICES = 12  # more than ten: as text, slice_10 comes before slice_2
SIDE = 32
LEVELS = np.array([0, 85, 170, 255], np.uint8)


def draw_slice(case: int, number: int) -> np.ndarray:
    """A brain in black, its grey level that of case and slice; brighter at one place than anywhere else."""
    rows, columns = np.indices((SIDE, SIDE))
    brain = (np.hypot(rows - 15, columns - 16) < 11) * np.uint8(40 + 3 * number + case % 17)
    brain[10:13, 20:23] = 240
    return brain.astype(np.uint8)


def draw_tissue(case: int, number: int) -> np.ndarray:
    """Tissue labels 0 to 3 on the brain."""
    tissue = np.random.default_rng([case, number]).integers(1, 4, (SIDE, SIDE), dtype=np.uint8)
    return np.where(draw_slice(case, number) > 0, tissue, 0).astype(np.uint8)


@pytest.fixture
def write_case(write_png_slices) -> Callable[..., None]:
    """Writes the drawn slices of a case, and their segmentations where these have a folder."""

    def write(images: Path, segments: Path | None, case: int, suffix: str = ".nii.png") -> None:
        write_png_slices(images, case, [draw_slice(case, number) for number in range(SLICES)], suffix=suffix)
        if segments is not None:
            drawn = [LEVELS[draw_tissue(case, number)] for number in range(SLICES)]
            write_png_slices(segments, case, drawn, "seg", suffix)

    return write


@pytest.fixture
def tree(tmp_path, write_case) -> Path:
    """keras_png_slices_data with three cases to train on, two to validate, two to test."""
    root = tmp_path / "keras_png_slices_data"
    for split, cases in SHIPPED.items():
        for case in cases:
            write_case(root / f"keras_png_slices_{split}", root / f"keras_png_slices_seg_{split}", case)
    (root / ".DS_Store").write_bytes(b"finder")
    (root / "keras_png_slices_train/._case_001_slice_0.nii.png").write_bytes(b"finder")
    (root / "keras_png_slices_train/overview.png").write_bytes(b"another picture")
    return root


def by_id(found) -> dict:
    return {scan.scan_id: scan for scan in found.scans}


def test_cases_are_patients_in_the_shipped_split(tree):
    found = find_png_slices(tree)
    words = {"train": "train", "validate": "val", "test": "test"}
    expected = {f"case_{case:03d}": words[split] for split, cases in SHIPPED.items() for case in cases}
    assert {scan.scan_id: scan.split for scan in found.scans} == expected
    assert all(scan.patient_id == scan.scan_id for scan in found.scans)
    assert found.unit == "patient"
    assert not found.rejections
    assert not found.left
    assert {scan.split for scan in find_png_slices(tree, resplit=True).scans} == {""}


def test_slices_are_in_numeric_order_with_their_segmentations(tree):
    scan = by_id(find_png_slices(tree))["case_402"]
    assert scan.source == "keras_png_slices_validate/case_402_slice_0.nii.png"
    stack = pickle.loads(pickle.dumps(scan)).read(scan.files)
    assert stack.slice_indices == tuple(range(SLICES))
    assert stack.sha256 == files_sha256(scan.files)
    for number in range(SLICES):
        assert np.array_equal(stack.slices[number], draw_slice(402, number))
        assert np.array_equal(stack.labels[number], draw_tissue(402, number))
        assert np.array_equal(stack.mask[number], draw_slice(402, number) > 0)
        assert np.argwhere(stack.slices[number] == 240).min(axis=0).tolist() == [10, 20]  # row and column as stored


@pytest.mark.parametrize("suffix", [".nii.png", ".png"])
@pytest.mark.parametrize("nesting", ["{0}", "{0}/{0}", "keras_png_slices_{0}/{0}", "OASIS/keras_png_slices_{0}"])
def test_copies_with_other_folders_and_names_are_read(tmp_path, write_case, nesting, suffix):
    for split, cases in SHIPPED.items():
        write_case(tmp_path / nesting.format(split), tmp_path / nesting.format(f"seg_{split}"), cases[0], suffix)
    found = by_id(find_png_slices(tmp_path))
    assert {scan_id: scan.split for scan_id, scan in found.items()} == {
        "case_001": "train",
        "case_402": "val",
        "case_441": "test",
    }
    assert found["case_001"].read(found["case_001"].files).labels is not None


def test_slices_without_foreground_are_left_out_and_keep_their_numbers(tree):
    path = tree / "keras_png_slices_test/case_441_slice_10.nii.png"
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(path)
    scan = by_id(find_png_slices(tree))["case_441"]
    stack = scan.read(scan.files)
    assert stack.slice_indices == (*range(10), 11)
    assert len(stack.slices) == len(stack.mask) == len(stack.labels) == SLICES - 1
    assert np.array_equal(stack.labels[10], draw_tissue(441, 11))


def test_a_case_in_two_splits_is_rejected_unless_it_is_split_again(tree):
    shutil.copy(
        tree / "keras_png_slices_train/case_002_slice_3.nii.png",
        tree / "keras_png_slices_test/case_002_slice_12.nii.png",
    )
    found = find_png_slices(tree)
    (rejection,) = found.rejections
    assert rejection.reason == "case_002 is in test and train"
    assert "--resplit" in rejection.remedy
    assert "case_002" not in by_id(found)
    scan = by_id(find_png_slices(tree, resplit=True))["case_002"]
    assert scan.split == ""
    assert len([path for path in scan.files if path.name.startswith("case")]) == SLICES + 1


def test_a_slice_that_is_there_twice_is_taken_once_if_both_are_equal(tree):
    first = tree / "keras_png_slices_train/case_001_slice_5.nii.png"
    nested = tree / "keras_png_slices_train/train/case_001_slice_5.nii.png"
    nested.parent.mkdir()
    shutil.copy(first, nested)
    found = find_png_slices(tree)
    (left,) = found.left
    assert not found.rejections
    assert left.source == "keras_png_slices_train/train/case_001_slice_5.nii.png"
    assert len(by_id(found)["case_001"].files) == 2 * SLICES
    Image.fromarray(draw_slice(3, 3)).save(nested)
    found = find_png_slices(tree)
    (rejection,) = found.rejections
    assert "differs from keras_png_slices_train/case_001_slice_5.nii.png" in rejection.reason
    assert "case_001" not in by_id(found)


def test_missing_partners_are_said(tree):
    (tree / "keras_png_slices_seg_train/seg_001_slice_4.nii.png").unlink()
    (tree / "keras_png_slices_train/case_002_slice_7.nii.png").unlink()
    found = find_png_slices(tree)
    (rejection,) = found.rejections
    assert rejection.source == "keras_png_slices_seg_train/seg_002_slice_7.nii.png"
    assert f"case_001: 1 of {SLICES} slices have no segmentation; its labels are left out" in found.notes
    scans = by_id(found)
    assert scans["case_001"].read(scans["case_001"].files).labels is None
    stack = scans["case_002"].read(scans["case_002"].files)
    assert stack.slice_indices == (*range(7), *range(8, SLICES))
    assert np.array_equal(stack.labels[7], draw_tissue(2, 8))


def test_a_case_outside_the_split_is_rejected_where_others_are_in_one(tree, write_case):
    write_case(tree / "extra", None, 77)
    (rejection,) = find_png_slices(tree).rejections
    assert "case_077 is in no train, validate or test folder" in rejection.reason
    assert find_png_slices(tree / "extra").scans[0].split == ""


# [file of case 1, what it becomes, message]
BROKEN = [
    ("case_001_slice_3", lambda content: content[:-20], r"case_001_slice_3\.nii\.png is cut off"),
    ("case_001_slice_3", lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:], "checksum"),
    ("case_001_slice_3", lambda content: b"", "is empty"),
    ("seg_001_slice_3", lambda content: content[:-20], r"seg_001_slice_3\.nii\.png is cut off"),
]


@pytest.mark.parametrize(("name", "change", "message"), BROKEN)
def test_damaged_slices_refuse_their_case(tree, name, change, message):
    (path,) = tree.rglob(f"{name}.nii.png")
    path.write_bytes(change(path.read_bytes()))
    scan = by_id(find_png_slices(tree))["case_001"]
    with pytest.raises(VolumeError, match=message):
        scan.read(scan.files)


# [file of case 1, pixels, message]
WRONG = [
    ("case_001_slice_3", np.zeros((SIDE, SIDE + 1), np.uint8), r"has \[32, 33\] pixels, .* \[32, 32\]"),
    ("case_001_slice_3", np.zeros((SIDE, SIDE, 3), np.uint8), "is a colour picture, expected a grey one"),
    ("seg_001_slice_3", np.full((SIDE, SIDE), 86, np.uint8), "seg_001_slice_3.* has the grey level 86, expected 0, 85"),
    ("seg_001_slice_3", np.zeros((SIDE, SIDE + 1), np.uint8), r"has \[32, 33\] pixels"),
]


@pytest.mark.parametrize(("name", "pixels", "message"), WRONG)
def test_slices_of_another_kind_refuse_their_case(tree, name, pixels, message):
    (path,) = tree.rglob(f"{name}.nii.png")
    Image.fromarray(pixels).save(path)
    scan = by_id(find_png_slices(tree))["case_001"]
    with pytest.raises(VolumeError, match=message):
        scan.read(scan.files)


def test_a_case_that_is_black_throughout_is_refused(tree):
    for path in tree.rglob("case_001_*"):
        Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(path)
    scan = by_id(find_png_slices(tree))["case_001"]
    with pytest.raises(VolumeError, match="no slice has anything brighter than black"):
        scan.read(scan.files)


def test_sixteen_bit_slices_and_palettes_become_eight_bits(tree):
    wide = draw_slice(1, 3).astype(np.uint16) * 257
    Image.fromarray(wide).save(tree / "keras_png_slices_train/case_001_slice_3.nii.png")
    indexed = Image.fromarray(draw_tissue(1, 3), "P")
    indexed.putpalette(np.repeat(LEVELS, 3).tobytes())
    indexed.save(tree / "keras_png_slices_seg_train/seg_001_slice_3.nii.png")
    scan = by_id(find_png_slices(tree))["case_001"]
    stack = scan.read(scan.files)
    assert np.array_equal(stack.slices[3], draw_slice(1, 3))
    assert np.array_equal(stack.labels[3], draw_tissue(1, 3))


def test_other_folders_are_errors_with_a_remedy(tmp_path):
    for source in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="give the folder that holds keras_png_slices_train"):
            find_png_slices(source)


def test_the_option_is_the_finders_keyword():
    parser = argparse.ArgumentParser()
    PNG_SLICES.add_arguments(parser)
    assert vars(parser.parse_args(["--resplit"])) == {"resplit": True}
    assert PNG_SLICES.options == ("resplit",)
    assert not PNG_SLICES.volumes
