"""What is known of each slice beside its pixels: the manifest's columns of its scan, and where in the scan it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_vq.data.manifest import ScanRecord, read_manifest
from monai_vq.data.splits import read_splits, records_of_split

__all__ = ["CONDITION_COLUMNS", "SLICE_POSITION", "condition_rows"]

SLICE_POSITION = "slice_position"
# Of the manifest: what describes a scan. Its other columns name it, or say how its files are to be read.
CONDITION_COLUMNS = ("diagnosis", "age", "sex", "site", "field_strength", "session_id", "plane")


def condition_rows(dataset_dir: str | Path, split: str) -> list[dict[str, Any]]:
    """Lists what is known of each slice of a split, in the order of ``slice_items``.

    Args:
        dataset_dir: a prepared dataset.
        split: ``train``, ``val`` or ``test``.

    Returns:
        A dict a slice: ``CONDITION_COLUMNS``, None where the manifest does not know, and ``slice_position``: 0 for the
        first of the scan's slices (those with foreground), 1 for its last, in proportion to their numbers between;
        0.5 where there is one slice.

    Raises:
        InputError: if the dataset is missing or damaged.
    """
    records = records_of_split(read_splits(dataset_dir), read_manifest(dataset_dir), split)
    return [row for record in records for row in _rows(record)]


def _rows(record: ScanRecord) -> list[dict[str, Any]]:
    scan = {column: None if getattr(record, column) == "" else getattr(record, column) for column in CONDITION_COLUMNS}
    return [scan | {SLICE_POSITION: position} for position in _positions(record.slice_indices)]


def _positions(indices: tuple[int, ...]) -> list[float]:
    if len(indices) < 2:
        return [0.5] * len(indices)
    first, last = indices[0], indices[-1]
    return [(index - first) / (last - first) for index in indices]
