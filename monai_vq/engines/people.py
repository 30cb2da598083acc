"""What the prepared dataset knows of the people whose slices are scored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from torch.utils.data import DataLoader

from monai_vq.data import ScanRecord, read_manifest, read_splits
from monai_vq.report.content import PEOPLE_COLUMNS, nobody


def read_people(loaders: Mapping[str, DataLoader]) -> pd.DataFrame:
    """Returns a row a scan that the loaders read, with the columns of `monai_vq.report.content.PEOPLE_COLUMNS`.

    The dataset is found by the items of `monai_vq.data.slice_items`, whose images lie in its folder ``slices``; a scan
    is in the table once, in the manifest's order.
    """
    scans = {item["scan_id"] for items in _items(loaders) for item in items}
    roots = sorted({Path(items[0]["image"]).parent.parent for items in _items(loaders) if items})
    rows = [row for root in roots for row in _rows(root) if row["scan_id"] in scans]
    return pd.DataFrame(rows, columns=PEOPLE_COLUMNS).drop_duplicates("scan_id") if rows else nobody()


def _items(loaders: Mapping[str, DataLoader]) -> Iterable[list[dict]]:
    return [loader.dataset.data for loader in loaders.values()]  # type: ignore[attr-defined]


def _rows(root: Path) -> list[dict[str, str | float]]:
    source = read_splits(root).source
    return [_row(record) | {"source": source} for record in read_manifest(root)]


def _row(record: ScanRecord) -> dict[str, str | float]:
    words = {name: getattr(record, name) for name in PEOPLE_COLUMNS if name not in ("age", "source")}
    return words | {"age": math.nan if record.age is None else record.age}
