import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from monai_vq.data import Cohort, make_splits, read_manifest, verify_dataset, write_manifest, write_splits
from monai_vq.errors import InputError


def test_a_good_dataset_has_no_problems(dataset_dir):
    assert verify_dataset(dataset_dir) == []


def flip_a_byte(root):
    path = root / "slices" / "sub-P01.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def drop_last_row(root):
    write_manifest(root / "manifest.csv", read_manifest(root)[:-1])


def reshape_slices(root):
    _replace_array(root, "slices_sha256", np.zeros((3, 10, 8), np.uint16))


def retype_slices(root):
    _replace_array(root, "slices_sha256", np.zeros((3, 10, 9), np.float32))


def _replace_array(root, column, array):
    records = read_manifest(root)
    path = records[1].slices_path(root)
    np.save(path, array)
    records[1] = replace(records[1], **{column: hashlib.sha256(path.read_bytes()).hexdigest()})
    write_manifest(root / "manifest.csv", records)


def move_a_patient(root):
    body = json.loads((root / "splits.json").read_text())
    body["splits"]["train"].append(body["splits"]["test"].pop())
    (root / "splits.json").write_text(json.dumps(body))


def edit_row(root, **changes):
    records = read_manifest(root)
    records[1] = replace(records[1], **changes)
    write_manifest(root / "manifest.csv", records)


# [damage, what the one problem says]
DAMAGES = [
    [flip_a_byte, r"slices/sub-P01\.npy was changed .*; delete it"],
    [lambda root: (root / "slices/sub-P02_mask.npy").unlink(), r"slices/sub-P02_mask\.npy is missing; run"],
    [lambda root: (root / "slices/stray.npy").write_bytes(b""), r"slices/stray\.npy is not in the manifest"],
    [reshape_slices, r"sub-P01 differ in shape, \(3, 10, 8\) and \(3, 10, 9\)"],
    [retype_slices, r"slices/sub-P01\.npy is float32 \[3, 10, 9\], expected uint16"],
    [
        lambda root: edit_row(root, sha256="0" * 64),
        r"scan sub-P01 has the sha256 0{12}… in the manifest and file sub-P",
    ],
    [move_a_patient, r"splits\.json was changed after it was written"],
    [lambda root: (root / "splits.json").unlink(), r"no splits\.json"],
    [lambda root: (root / "manifest.csv").write_text("a,b\n"), r"lacks the columns"],
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_each_damage_is_one_line_with_a_remedy(dataset_dir, damage, message):
    damage(dataset_dir)
    (problem,) = verify_dataset(dataset_dir)
    with pytest.raises(InputError, match=message):
        raise InputError(problem)
    assert "; " in problem
    assert "\n" not in problem


def test_a_patient_of_the_split_without_scans_leaves_orphans_too(dataset_dir):
    drop_last_row(dataset_dir)
    problems = verify_dataset(dataset_dir)
    assert len(problems) == 4
    assert "scan sub-P04 of splits.json is not in the manifest" in problems[-2]
    assert "patient sub-P04 of splits.json has no scan in the manifest" in problems[-1]


@pytest.fixture
def three_patients(dataset_dir):
    """The same five scans, the first three of one patient, which is in train."""
    owners = ("sub-A", "sub-A", "sub-A", "sub-B", "sub-C")
    records = [replace(r, patient_id=p) for r, p in zip(read_manifest(dataset_dir), owners, strict=True)]
    write_manifest(dataset_dir / "manifest.csv", records)
    divide(dataset_dir, records)
    assert verify_dataset(dataset_dir) == []
    return dataset_dir


def divide(root, records):
    cohort = Cohort("png_slices", "case", shipped={"sub-A": "train", "sub-B": "val", "sub-C": "test"})
    write_splits(root / "splits.json", make_splits(records, cohort, fractions=(0.6, 0.2, 0.2)))


def test_a_train_scan_handed_to_a_test_patient_is_found(three_patients):
    edit_row(three_patients, patient_id="sub-C")
    remedy = "restore manifest.csv, or prepare the dataset again with --force"
    assert verify_dataset(three_patients) == [
        f"scan sub-P01 is of patient sub-C in the manifest and of sub-A in splits.json; {remedy}"
    ]


def test_scans_that_only_the_split_or_only_the_manifest_has_are_found(three_patients, make_record):
    divide(three_patients, [*read_manifest(three_patients)[:-3], *read_manifest(three_patients)[-2:]])
    (problem,) = verify_dataset(three_patients)
    assert problem.startswith("scan sub-P02 of the manifest is not in splits.json; restore manifest.csv")
    divide(three_patients, [*read_manifest(three_patients), make_record("sub-A", "sub-A_run-2")])
    (problem,) = verify_dataset(three_patients)
    assert problem.startswith("scan sub-A_run-2 of splits.json is not in the manifest; restore manifest.csv")


def test_a_leak_hides_no_other_difference(three_patients):
    edit_row(three_patients, patient_id="sub-C", sha256=read_manifest(three_patients)[0].sha256)
    problems = verify_dataset(three_patients)
    starts = [
        "sub-P00 and sub-P01 are in different splits",
        "scan sub-P01 is of patient",
        "scan sub-P01 has the sha256",
    ]
    assert [problem.startswith(start) for problem, start in zip(problems, starts, strict=True)] == [True] * 3


def test_a_folder_without_a_dataset_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no manifest\.csv"):
        verify_dataset(tmp_path)
