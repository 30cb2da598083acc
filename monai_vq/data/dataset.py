"""A prepared dataset as a list of items, one a slice, for MONAI's ``Dataset`` and the transforms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_vq.data.manifest import ScanRecord, read_manifest
from monai_vq.data.orientation import PLANE_AXES
from monai_vq.data.splits import read_splits, records_of_split
from monai_vq.errors import InputError

__all__ = ["check_fit", "resampled_size", "slice_items"]

_AXIS = {"L": "LR", "R": "LR", "P": "PA", "A": "PA", "I": "IS", "S": "IS"}  # a direction → its anatomical axis


def slice_items(
    dataset_dir: str | Path,
    split: str,
    image_size: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
) -> list[dict[str, Any]]:
    """Lists the slices of a split, in the manifest's order.

    Args:
        dataset_dir: a prepared dataset.
        split: ``train``, ``val`` or ``test``.
        image_size: (rows, columns) of training; every scan's foreground is checked to fit it.
        spacing: (row, column) pixel size of training in mm; None keeps each scan's own.

    Returns:
        A dict a slice: ``image`` and ``mask`` (paths of the scan's arrays [S, H, W], colour images [S, H, W, 3]),
        ``index`` into them, ``patient_id, session_id, scan_id``, ``slice_index`` (in the volume brought to the plane's
        axes, or in the source of a stack) and ``slice_spacing`` (row, column) in mm. Where the split's unit is an
        image, ``patient_id`` is the image's own, so that scores and their intervals are over images.

    Raises:
        InputError: if the dataset is missing or damaged, or a foreground does not fit.
    """
    root = Path(dataset_dir)
    splits = read_splits(root)
    chosen = records_of_split(splits, read_manifest(root), split)
    if image_size is not None:
        check_fit(chosen, image_size, spacing)
    items = [item for record in chosen for item in _items(root, record)]
    if splits.unit == "image":
        return [item | {"patient_id": f"{item['scan_id']}_{item['slice_index']}"} for item in items]
    return items


def _items(root: Path, record: ScanRecord) -> list[dict[str, Any]]:
    scan = {
        "image": str(record.slices_path(root)),
        "mask": str(record.mask_path(root)),
        "patient_id": record.patient_id,
        "session_id": record.session_id,
        "scan_id": record.scan_id,
        "slice_spacing": record.slice_spacing,
    }
    return [scan | {"index": i, "slice_index": s} for i, s in enumerate(record.slice_indices)]


def check_fit(records: Sequence[ScanRecord], image_size: Sequence[int], spacing: Sequence[float] | None) -> None:
    """Refuses an image size whose centre crop would cut foreground off.

    Only a side longer than the image size is cropped; the foreground box is scaled as the slices will be.

    Raises:
        InputError: naming the scan that needs most, and the size that holds every scan.
    """
    needed, worst = [0, 0], ""
    for record in records:
        extent = _centred_extent(record, spacing)
        for axis in range(2):
            if extent[axis] > needed[axis]:
                needed[axis] = extent[axis]
                worst = record.scan_id if extent[axis] > image_size[axis] else worst
    if any(need > size for need, size in zip(needed, image_size, strict=True)):
        size = [max(s, -(-n // 16) * 16) for n, s in zip(needed, image_size, strict=True)]
        raise InputError(
            f"image_size {list(image_size)} would crop foreground of scan {worst}; the foreground needs "
            f"{needed} pixels around the centre: use --image_size {size!r}, or a coarser --spacing."
        )


def _centred_extent(record: ScanRecord, spacing: Sequence[float] | None) -> tuple[int, int]:
    """Smallest (rows, columns) of a centre crop that holds the scan's foreground box after resampling."""
    r0, r1, c0, c1 = record.foreground_box
    rows, columns = _slice_shape(record)
    sizes = (rows, columns) if spacing is None else resampled_size((rows, columns), record.slice_spacing, spacing)
    return _extent(r0, r1, rows, sizes[0]), _extent(c0, c1, columns, sizes[1])


def resampled_size(size: Sequence[int], own: Sequence[float], spacing: Sequence[float]) -> tuple[int, ...]:
    """Returns the (rows, columns) that slices of a size and their own pixel size have at another pixel size, in mm."""
    return tuple(max(1, round(n * mm / new)) for n, mm, new in zip(size, own, spacing, strict=True))


def _extent(start: int, stop: int, length: int, resampled: int) -> int:
    """Pixels that a centre crop must keep of an axis, resampled from ``length``, so that [start, stop) survives."""
    first, last = start * resampled // length, -(-stop * resampled // length)
    return max(resampled - 2 * first, 2 * last - resampled)


def _slice_shape(record: ScanRecord) -> tuple[int, int]:
    """(rows, columns) of the scan's slices, from the volume's shape, axes and plane; a stack has its slices' shape."""
    if not record.axes:
        return record.shape[1], record.shape[2]
    sizes = {_AXIS[axis]: size for axis, size in zip(record.axes, record.shape, strict=False)}
    _, row, column = PLANE_AXES[record.plane]
    return sizes[_AXIS[row]], sizes[_AXIS[column]]
