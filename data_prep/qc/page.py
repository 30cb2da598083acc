"""The page to look at before training: every scan of a prepared dataset, to be sorted, filtered and seen."""

import base64
import csv
import io
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from data_prep.qc.counts import count_columns, count_rows
from data_prep.qc.histogram import encode_heights, foreground_histogram
from data_prep.qc.scan_table import PlacedScan, list_facts, scan_table
from data_prep.qc.strips import ORIENTATION, slice_strip
from data_prep.rejections import REJECTED_NAME
from monai_vq.data import ScanRecord, Splits, read_manifest, read_splits, records_of_split
from monai_vq.pages import encode, page_environment

__all__ = ["write_qc"]

_STRIPS = "strips"
_MAX_INLINE_BYTES = 2_000_000  # a page that can be mailed; beyond, images are read as they are scrolled to
_MAX_SCANS = 5000  # on the page; a browser stutters beyond, and nobody looks at 60,000 photographs


def write_qc(dataset_dir: Path) -> Path:
    """Writes `qc/index.html`: counts, settings, rejected files, and every scan in a table and as a montage.

    Images lie in `qc/strips`, a JPEG a scan, or within the page where all of them are small. Of more than 5,000 scans
    an even choice is shown. Equal datasets give equal bytes. The folder `qc` is replaced as a whole.

    Args:
        dataset_dir: prepared dataset, with manifest, slices, split and rejections.

    Returns:
        Path of the page, to be opened from disk.

    Raises:
        InputError: the dataset is incomplete.
    """
    dataset_dir = Path(dataset_dir)
    scans, splits = _place_scans(dataset_dir)
    part, final = dataset_dir / ".qc.part", dataset_dir / "qc"
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    (part / _STRIPS).mkdir(parents=True)
    try:
        shown = scans[:: -(-len(scans) // _MAX_SCANS)]
        montages = [_draw_montage(scan, dataset_dir, part) for scan in shown]
        if sum(path.stat().st_size for path in (part / _STRIPS).iterdir()) <= _MAX_INLINE_BYTES:
            _inline_images(montages, part)
        data = {
            "scans": scan_table(shown, splits.unit),
            "montages": montages,
            "rejections": _read_rejections(dataset_dir),
        }
        page = _render(scans, len(shown), splits, data)
        (part / "index.html").write_text(page, encoding="utf-8", newline="\n")
        shutil.rmtree(final, ignore_errors=True)  # a folder cannot be replaced in one step unless it is empty
        part.rename(final)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return final / "index.html"


def _place_scans(dataset_dir: Path) -> tuple[list[PlacedScan], Splits]:
    """All scans by split, patient, and scan."""
    records, splits = read_manifest(dataset_dir), read_splits(dataset_dir)
    records.sort(key=lambda record: (record.patient_id, record.scan_id))
    placed = [PlacedScan(name, one) for name in splits.splits for one in records_of_split(splits, records, name)]
    return placed, splits


def _draw_montage(scan: PlacedScan, dataset_dir: Path, part: Path) -> dict[str, Any]:
    """Saves the strip of a scan; what the script needs to show it."""
    record = scan.record
    content = slice_strip(record, dataset_dir)
    image = f"{_STRIPS}/{record.scan_id}.jpg"
    (part / image).write_bytes(content)
    with Image.open(io.BytesIO(content)) as strip:
        width, height = strip.size
    return {
        "patient": record.patient_id,
        "image": image,
        "width": width,
        "height": height,
        "histogram": encode_heights(foreground_histogram(record, dataset_dir)),
        "window": [f"{record.window_low:g}", f"{record.window_high:g}"],
        "caption": " · ".join(list_facts(record)),
    }


def _inline_images(montages: Iterable[dict[str, Any]], part: Path) -> None:
    for montage in montages:
        content = base64.b64encode((part / montage["image"]).read_bytes()).decode("ascii")
        montage["image"] = f"data:image/jpeg;base64,{content}"
    shutil.rmtree(part / _STRIPS)


def _read_rejections(dataset_dir: Path) -> dict[str, list[Any]]:
    with (dataset_dir / REJECTED_NAME).open(newline="", encoding="utf-8") as file:
        columns, *rows = csv.reader(file)
    return {"columns": columns, "rows": rows}


def _render(scans: Sequence[PlacedScan], n_shown: int, splits: Splits, data: dict[str, Any]) -> str:
    return (
        page_environment(Path(__file__).parent)
        .get_template("page.html")
        .render(
            splits=splits,
            size_names=list(count_columns(splits).values()),
            counts=count_rows(splits),
            planes=_describe_planes(scans),
            spacings=sorted({_describe_spacing(scan.record) for scan in scans}),
            n_scans=len(scans),
            n_shown=n_shown,
            n_listed=len(data["rejections"]["rows"]),
            data=encode(data),
        )
    )


def _describe_planes(scans: Sequence[PlacedScan]) -> list[tuple[str, str]]:
    """Each plane, and how its slices lie; `as stored` where no axes say it."""
    kinds = sorted({(scan.record.plane, bool(scan.record.axes)) for scan in scans})
    return [(plane or "images", ORIENTATION[plane] if plane and has_axes else "as stored") for plane, has_axes in kinds]


def _describe_spacing(record: ScanRecord) -> str:
    """Millimetres; of pictures, 1 also stands for a size that nobody knows."""
    if not record.axes and set(record.slice_spacing) == {1.0}:
        return "unknown"
    return "x".join(f"{mm:g}" for mm in record.slice_spacing) + " mm"
