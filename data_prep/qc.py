"""The page to look at before training: a strip of slices for every scan of a prepared dataset."""

import base64
import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from monai_vq.data import ScanRecord, Splits, read_manifest, read_splits, records_of_split

__all__ = ["ORIENTATION", "slice_strip", "write_qc"]

ORIENTATION = {
    "axial": "image left = patient's right, image top = anterior",
    "coronal": "image left = patient's right, image top = superior",
    "sagittal": "image left = anterior, image top = superior",
}
"""How the slices of each plane are shown (and stored)."""

_SLICES_PER_STRIP = 8
_CONTOUR = (255, 140, 0)
_JPEG_QUALITY = 80
_MAX_INLINE_BYTES = 15_000_000  # a third more as base64: browsers open a page of 20 MB without a pause
_STRIPS = "strips"


def write_qc(dataset_dir: Path) -> Path:
    """Writes `qc/index.html`: counts, settings, rejected files, and every scan by split and patient.

    The images are inside the page, or in `qc/strips` where the page would exceed 20 MB. Equal datasets give equal
    bytes. The folder `qc` is replaced as a whole.

    Args:
        dataset_dir: prepared dataset, with manifest, slices, split and rejections.

    Returns:
        Path of the page, to be opened from disk.

    Raises:
        InputError: the dataset is incomplete.
    """
    dataset_dir = Path(dataset_dir)
    records, splits = read_manifest(dataset_dir), read_splits(dataset_dir)
    part, final = dataset_dir / ".qc.part", dataset_dir / "qc"
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    (part / _STRIPS).mkdir(parents=True)
    try:
        for record in records:
            (part / _STRIPS / f"{record.scan_id}.jpg").write_bytes(slice_strip(record, dataset_dir))
        page = _render(records, splits, _read_rejections(dataset_dir), _image_sources(part, records))
        (part / "index.html").write_text(page, encoding="utf-8", newline="\n")
        shutil.rmtree(final, ignore_errors=True)  # a folder cannot be replaced in one step unless it is empty
        part.rename(final)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return final / "index.html"


def slice_strip(record: ScanRecord, dataset_dir: Path) -> bytes:
    """Draws evenly spaced slices of a scan side by side, with the contour of the foreground mask.

    Args:
        record: the scan.
        dataset_dir: its prepared dataset.

    Returns:
        A JPEG of up to 8 slices, its pixels square whatever the slices' spacing.
    """
    shown = _shown_slices(record)
    slices = np.load(record.slices_path(dataset_dir), mmap_mode="r")[shown]  # [S, H, W]
    masks = np.load(record.mask_path(dataset_dir), mmap_mode="r")[shown]
    grey = (slices >> 8).astype(np.uint8)
    strip = np.concatenate([_draw_contour(*pair) for pair in zip(grey, masks, strict=True)], axis=1)
    image = Image.fromarray(strip)
    row_mm, column_mm = record.slice_spacing
    if row_mm != column_mm:
        pixel = min(row_mm, column_mm)
        image = image.resize((round(image.width * column_mm / pixel), round(image.height * row_mm / pixel)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)  # else a contour of one pixel loses its colour
    return buffer.getvalue()


def _shown_slices(record: ScanRecord) -> NDArray[np.intp]:
    count = len(record.slice_indices)
    return np.linspace(0, count - 1, min(count, _SLICES_PER_STRIP)).round().astype(np.intp)


def _draw_contour(grey: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    colour = np.repeat(grey[..., None], 3, axis=2)  # [H, W, 3]
    colour[mask & ~ndimage.binary_erosion(mask)] = _CONTOUR
    return colour


def _image_sources(part: Path, records: Sequence[ScanRecord]) -> dict[str, str]:
    """What each scan's `<img src>` says: the image itself if all of them are small, else its relative path."""
    paths = {record.scan_id: part / _STRIPS / f"{record.scan_id}.jpg" for record in records}
    if sum(path.stat().st_size for path in paths.values()) > _MAX_INLINE_BYTES:
        return {scan_id: f"{_STRIPS}/{path.name}" for scan_id, path in paths.items()}
    encoded = {scan_id: base64.b64encode(path.read_bytes()).decode("ascii") for scan_id, path in paths.items()}
    shutil.rmtree(part / _STRIPS)
    return {scan_id: f"data:image/jpeg;base64,{image}" for scan_id, image in encoded.items()}


def _read_rejections(dataset_dir: Path) -> list[dict[str, str]]:
    with (dataset_dir / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _render(
    records: Sequence[ScanRecord], splits: Splits, rejections: list[dict[str, str]], sources: dict[str, str]
) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("data_prep").joinpath("qc.html").read_text(encoding="utf-8"))
    planes = sorted({record.plane for record in records})
    return template.render(
        splits=splits,
        planes=[(plane, ORIENTATION[plane]) for plane in planes],
        spacings=sorted({"x".join(f"{mm:g}" for mm in record.slice_spacing) for record in records}),
        groups=[_describe_split(name, records, splits, sources) for name in splits.splits],
        rejections=rejections,
    )


def _describe_split(
    name: str, records: Sequence[ScanRecord], splits: Splits, sources: dict[str, str]
) -> dict[str, Any]:
    scans = sorted(records_of_split(splits, records, name), key=lambda record: (record.patient_id, record.scan_id))
    patients = groupby(scans, key=lambda record: record.patient_id)
    return {
        "name": name,
        "counts": splits.table[name],
        "patients": [(patient, [_describe_scan(record, sources) for record in group]) for patient, group in patients],
    }


def _describe_scan(record: ScanRecord, sources: dict[str, str]) -> dict[str, Any]:
    return {"scan_id": record.scan_id, "image": sources[record.scan_id], "facts": list(_list_facts(record))}


def _list_facts(record: ScanRecord) -> Iterator[str]:
    yield record.scan_id
    yield from filter(None, (record.diagnosis, record.sex))
    if record.age is not None:
        yield f"{record.age:g} years"
    yield f"window {record.window_low:g} to {record.window_high:g}"
    yield f"stored {'x'.join(map(str, record.shape))} {record.axes}"
    yield f"{len(record.slice_indices)} slices, shown " + " ".join(
        str(record.slice_indices[position]) for position in _shown_slices(record)
    )
