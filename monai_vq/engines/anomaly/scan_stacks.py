"""The scans of a split as stacks of slices, as stage 1 was trained to see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.transforms import Compose
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.data import ScanRecord, check_fit, plane_spacing, read_manifest, read_splits, records_of_split
from monai_vq.data.condition_rows import SLICE_POSITION, condition_rows
from monai_vq.data.dataset import slice_items
from monai_vq.engines.priors.condition_fields import encode_known
from monai_vq.engines.priors.load import PriorRun
from monai_vq.transforms import FitImageSized, LoadSliced, ResampleSliced


@dataclass(frozen=True)
class ScanStack:
    """A scan's slices and what is known of them.

    Attributes:
        record: of the manifest.
        images: [S, 1, H, W] in [0, 1], at the image size of training.
        foreground: [S, H, W].
        slice_positions: in the head, [S], from 0 (first slice) to 1.
        positions_mm: across the plane, [S]; where the source does not say how far slices are apart, as far as pixels.
        spacing: (row, column) of a pixel, mm.
        condition: of the prior, [S, C]; None for a prior without.
        own_size: (rows, columns) of the slices on disk.
    """

    record: ScanRecord
    images: Tensor
    foreground: NDArray[np.bool_]
    slice_positions: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    spacing: tuple[float, ...]
    condition: Tensor | None
    own_size: tuple[int, int]


def scan_stacks(
    run: PriorRun, dataset_dir: str | Path, split: str, max_scans: int | None = None
) -> Iterator[ScanStack]:
    """Reads the scans of a split one after another, in the manifest's order; scans without slices are left out.

    Args:
        run: whose image size, pixel size and conditions are used.
        dataset_dir: a prepared dataset.
        split: ``train``, ``val`` or ``test``.
        max_scans: reads about so many, evenly chosen, where there are more; None reads all.

    Raises:
        InputError: if the dataset is missing or damaged, or a foreground does not fit the image size.
    """
    records = records_of_split(read_splits(dataset_dir), read_manifest(dataset_dir), split)
    check_fit(records, run.image_size, run.spacing)
    items, rows = slice_items(dataset_dir, split), condition_rows(dataset_dir, split)
    every = 1 if max_scans is None else -(-len(records) // max_scans)
    start = 0
    for number, record in enumerate(records):
        of_scan = slice(start, start := start + len(record.slice_indices))
        if record.slice_indices and number % every == 0:
            yield _read(run, record, items[of_scan], rows[of_scan])


def _read(run: PriorRun, record: ScanRecord, items: Sequence[dict], rows: Sequence[dict]) -> ScanStack:
    load = Compose([LoadSliced(), ResampleSliced(run.spacing), FitImageSized(run.image_size)])
    slices = [load(item) for item in items]
    return ScanStack(
        record=record,
        images=torch.stack([one["image"] for one in slices]),
        foreground=torch.stack([one["mask"][0] > 0 for one in slices]).numpy(),
        slice_positions=np.array([row[SLICE_POSITION] for row in rows]),
        positions_mm=np.array(record.slice_indices) * _slice_mm(record),
        spacing=tuple(run.spacing or record.slice_spacing),
        condition=encode_known(run.fields, rows) if run.fields.fields else None,
        own_size=np.load(items[0]["image"], mmap_mode="r").shape[1:3],
    )


def _slice_mm(record: ScanRecord) -> float:
    """Distance of neighbouring slices of the volume."""
    if not record.affine:
        return float(np.mean(record.slice_spacing))
    return plane_spacing(np.vstack([np.reshape(record.affine, (3, 4)), [0.0, 0, 0, 1]]), record.plane)[0]
