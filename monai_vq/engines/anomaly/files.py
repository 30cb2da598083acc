"""What an anomaly run writes of each scan and of all: maps as NIfTI, tables as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_vq.anomaly.evaluation import PRIOR_METHODS
from monai_vq.anomaly.volumes import write_map
from monai_vq.engines.anomaly.mapping import MappedScan
from monai_vq.report.tables import write_whole


def write_maps(folder: Path, scan: MappedScan, spacing: list[float] | None) -> None:
    """Writes what a viewer lays over the scan: the prior's maps, and with lesions these and the scan with them."""
    volumes: dict[str, NDArray[Any]] = {
        method: scan.maps.maps[method] * scan.maps.foreground for method in PRIOR_METHODS
    }
    if scan.planted.lesions:
        volumes |= {"planted": scan.planted.images, "lesions": scan.planted.labels}
    record = scan.stack.record
    for name, slices in volumes.items():
        write_map(folder / f"{record.scan_id}_{name}.nii.gz", slices, record, scan.stack.own_size, spacing)


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Writes tables by the names of their files."""
    for name, table in tables.items():
        text = table.to_csv(index=False, float_format="%.9g", lineterminator="\n")
        write_whole(folder / f"{name}.csv", text)


def scan_row(scan: MappedScan) -> dict[str, object]:
    """A scan's ids, slices, bits per pixel, and of each of the prior's maps mean and 99th percentile."""
    maps = scan.maps
    row: dict[str, object] = {name: getattr(maps, name) for name in ("patient_id", "session_id", "scan_id")}
    row |= {"n_slices": len(maps.foreground), "bits_per_pixel": scan.bits_per_pixel}
    for method in PRIOR_METHODS:
        inside = maps.maps[method][maps.foreground]
        row |= {f"{method}_mean": float(inside.mean()), f"{method}_p99": float(np.quantile(inside, 0.99))}
    return row
