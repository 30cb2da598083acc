"""Re-checks a prepared dataset against what it says of itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from monai_vq.data.hashing import file_sha256
from monai_vq.data.manifest import MANIFEST_NAME, ScanRecord, read_rows
from monai_vq.data.splits import SPLITS_NAME, Splits, prove_disjoint, read_splits
from monai_vq.errors import InputError

__all__ = ["verify_dataset"]

_RESTORE = "run the same `python -m data_prep` command again"
_REPLACE = "prepare the dataset again with --force"
_RESTORE_MANIFEST = f"restore {MANIFEST_NAME}, or {_REPLACE}"


def verify_dataset(dataset_dir: Path | str) -> list[str]:
    """Compares files with their hashes, shapes and types, and the split with the manifest.

    Args:
        dataset_dir: a prepared dataset.

    Returns:
        One line a problem, with its remedy; empty if all is good.

    Raises:
        InputError: there is no dataset to check.
    """
    dataset_dir = Path(dataset_dir)
    if not (dataset_dir / MANIFEST_NAME).is_file():
        raise InputError(f"no {MANIFEST_NAME} in {dataset_dir}; give the folder of a prepared dataset")
    try:
        records = read_rows(dataset_dir / MANIFEST_NAME)
    except InputError as error:
        return [str(error)]
    problems = [problem for record in records for problem in _check_scan(dataset_dir, record)]
    return [*problems, *_check_orphans(dataset_dir, records), *_check_split(dataset_dir, records)]


def _check_scan(dataset_dir: Path, record: ScanRecord) -> Iterator[str]:
    shapes = {}
    for path, recorded in record.hashed_paths(dataset_dir).items():
        name = path.relative_to(dataset_dir)
        if not path.is_file():
            yield f"{name} is missing; {_RESTORE}"
        elif file_sha256(path) != recorded:
            yield f"{name} was changed after it was written; delete it and {_RESTORE}"
        else:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            shapes[path] = array.shape[:3]
            kinds = _expected_kinds(record, path, dataset_dir)
            if (array.dtype.name, array.ndim) not in kinds or len(array) != len(record.slice_indices):
                count = len(record.slice_indices)
                expected = " or ".join(f"{kind} [{count}, H, W{', 3' * (ndim == 4)}]" for kind, ndim in kinds)
                yield f"{name} is {array.dtype} {list(array.shape)}, expected {expected}; {_REPLACE}"
    if len(set(shapes.values())) > 1:
        differing = " and ".join(str(shape) for shape in shapes.values())
        yield f"slices and masks of {record.scan_id} differ in shape, {differing}; {_REPLACE}"


def _expected_kinds(record: ScanRecord, path: Path, dataset_dir: Path) -> list[tuple[str, int]]:
    """Possible (type, number of dimensions) of a file: volumes have 16 bits, stacks of pictures what they came with."""
    if path == record.mask_path(dataset_dir):
        return [("bool", 3)]
    if path == record.labels_path(dataset_dir):
        return [("uint8", 3)]
    return [("uint16", 3)] if record.axes else [("uint16", 3), ("uint8", 3), ("uint8", 4)]


def _check_orphans(dataset_dir: Path, records: Sequence[ScanRecord]) -> Iterator[str]:
    listed = {path.name for record in records for path in record.hashed_paths(dataset_dir)}
    listed |= {f"{record.scan_id}.json" for record in records}
    for path in sorted((dataset_dir / "slices").glob("*")):
        if path.name not in listed:
            yield f"slices/{path.name} is not in the manifest; delete it, or {_RESTORE}"


def _check_split(dataset_dir: Path, records: Sequence[ScanRecord]) -> Iterator[str]:
    try:
        splits = read_splits(dataset_dir)
    except InputError as error:
        yield str(error)
        return
    try:
        prove_disjoint(splits.splits, records)
    except InputError as error:
        yield str(error)
    yield from _check_scans_of_patients(splits, records)
    yield from _check_members(splits, {record.patient_id for record in records})


def _check_scans_of_patients(splits: Splits, records: Sequence[ScanRecord]) -> Iterator[str]:
    """A scan handed to another patient may be in another split than the rest of its patient."""
    divided = {scan: (patient, sha256) for patient, scans in splits.scans.items() for scan, sha256 in scans.items()}
    listed = {record.scan_id: (record.patient_id, record.sha256) for record in records}
    for scan_id in sorted(divided.keys() - listed.keys()):
        yield f"scan {scan_id} of {SPLITS_NAME} is not in the manifest; {_RESTORE_MANIFEST}"
    for scan_id in sorted(listed.keys() - divided.keys()):
        yield f"scan {scan_id} of the manifest is not in {SPLITS_NAME}; {_RESTORE_MANIFEST}"
    for scan_id in sorted(listed.keys() & divided.keys()):
        (patient, sha256), (owner, source) = listed[scan_id], divided[scan_id]
        if patient != owner:
            yield (
                f"scan {scan_id} is of patient {patient} in the manifest and of {owner} in {SPLITS_NAME}; "
                f"{_RESTORE_MANIFEST}"
            )
        if sha256 != source:
            yield (
                f"scan {scan_id} has the sha256 {sha256[:12]}… in the manifest and {source[:12]}… in {SPLITS_NAME}; "
                f"{_RESTORE_MANIFEST}"
            )


def _check_members(splits: Splits, patients: set[str]) -> Iterator[str]:
    split_patients = {patient for members in splits.splits.values() for patient in members}
    for patient in sorted(patients - split_patients):
        yield f"patient {patient} of the manifest is in no split of {SPLITS_NAME}; {_REPLACE}"
    for patient in sorted(split_patients - patients):
        yield f"patient {patient} of {SPLITS_NAME} has no scan in the manifest; {_REPLACE}"
