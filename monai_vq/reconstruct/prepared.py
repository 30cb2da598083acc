"""Scans of a prepared dataset, of which the slices are at hand and the volumes are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_vq.data import ScanRecord, Volume, VolumeError, read_manifest, read_splits, records_of_split
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.data.slicing import ScanSlices
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.data.storage import MEMORY, Storage
from monai_vq.errors import InputError
from monai_vq.reconstruct.input_scan import FoundScans, InputScan
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.reconstructor import windowed_volume

__all__ = ["ALL", "find_prepared", "is_prepared", "read_prepared"]

ALL = "all"
_PREPARE_AGAIN = "run the same `python -m data_prep` command again"


def is_prepared(path: Path) -> bool:
    """Whether a folder is a prepared dataset."""
    return (path / MANIFEST_NAME).is_file()


def find_prepared(dataset_dir: Path, split: str = ALL) -> FoundScans:
    """Lists the scans of a prepared dataset, in the manifest's order.

    Args:
        dataset_dir: the dataset.
        split: `train`, `val` or `test` of this dataset; `all` takes every scan.

    Raises:
        InputError: the dataset is damaged, or the split is none of it or has no slices.
    """
    records = read_manifest(dataset_dir)
    if split != ALL:
        if split not in SPLIT_NAMES:
            raise InputError(f"--split {split!r}: expected one of {ALL}, {', '.join(SPLIT_NAMES)}.")
        records = records_of_split(read_splits(dataset_dir), records, split)
    scans = [_scan(dataset_dir, record) for record in records if record.slice_indices]
    if not scans:
        raise InputError(f"the {split} split of {dataset_dir} has no slices; choose another --split.")
    return FoundScans(scans)


def read_prepared(
    dataset_dir: Path, record: ScanRecord, storage: Storage = MEMORY
) -> tuple[ScanSlices, Placement, NDArray[np.float32]]:
    """Reads a scan's stored slices, by memory map, and makes of them the volume that they say.

    Returns:
        The slices as they were prepared, where they lie, and the volume [I, J, K] in the scan's intensities, with the
        low end of the window wherever no slice is.

    Raises:
        VolumeError: the slices are in colour, or not those that the manifest describes.
        OSError: a file cannot be opened, or the storage has no room.
    """
    try:
        slices = np.load(record.slices_path(dataset_dir), mmap_mode="r")
        mask = np.load(record.mask_path(dataset_dir), mmap_mode="r")
    except ValueError as error:
        raise VolumeError("its file of slices is damaged", _PREPARE_AGAIN) from error
    if slices.ndim != 3:
        raise VolumeError("its slices are in colour, of which no volume can be written", "give grey images")
    row, column = record.slice_spacing
    window = (record.window_low, record.window_high)
    warnings = tuple(filter(None, record.warnings.split("; ")))
    cut = ScanSlices(slices, mask, window, record.slice_indices, (row, column), warnings=warnings)
    placement = Placement.of_record(record)
    if len(slices) != len(record.slice_indices):
        reason = f"{len(slices)} slices on disk, {len(record.slice_indices)} in the manifest"
        raise VolumeError(reason, _PREPARE_AGAIN)
    return cut, placement, windowed_volume(cut, placement, storage)


def _scan(dataset_dir: Path, record: ScanRecord) -> InputScan:
    return InputScan(
        scan_id=record.scan_id,
        patient_id=record.patient_id,
        session_id=record.session_id,
        place=record.source,
        kind="prepared slices",
        files=(record.slices_path(dataset_dir),),
        read=_no_volume,
        header=_no_header,
        known=True,
        record=record,
    )


def _no_volume(files: tuple[Path, ...], storage: Storage) -> Volume:
    raise VolumeError("only the slices of this scan are at hand", "give the volume itself as --input")


def _no_header(files: tuple[Path, ...]) -> None:
    """The affine of the manifest is all that is known."""
