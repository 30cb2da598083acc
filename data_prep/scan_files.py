"""One scan: cut it, write its files, or recognise that an earlier run wrote them."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.output import SLICES_DIR, write_json
from data_prep.private.caps import cap_age
from data_prep.sources.scan import Scan
from monai_vq.atomic import atomic_path
from monai_vq.data import ScanRecord, SliceStack, Volume, file_sha256, files_sha256
from monai_vq.data.manifest import format_row, parse_row
from monai_vq.data.slicing import ScanSlices, SlicingSettings, slice_stack, slice_volume

__all__ = ["CutScan", "PreparedScan", "cut_scan", "hash_labels", "load_prepared", "save_scan"]


@dataclass(frozen=True)
class PreparedScan:
    """A scan whose files are on disk.

    Attributes:
        record: its row of the manifest.
        n_empty: slices left out for having no foreground.
        is_new: whether this run wrote it.
    """

    record: ScanRecord
    n_empty: int
    is_new: bool = True

    @property
    def contents(self) -> tuple[str, ...]:
        """Hashes of which no two scans may share one; the stacks of one archive share its file.

        That of the slices finds a copy under another name, header, storage order or compression.
        """
        return (self.record.sha256, self.record.slices_sha256) if self.record.axes else (self.record.slices_sha256,)


@dataclass(frozen=True)
class CutScan:
    """A scan that is still in memory; the record lacks the hashes of the files to come."""

    record: ScanRecord
    cut: ScanSlices
    labels_source_sha256: str


def cut_scan(scan: Scan, slicing: SlicingSettings) -> CutScan:
    """Reads a volume or a stack and cuts its slices.

    Raises:
        VolumeError: it cannot be used (see `Scan.read` and `slice_volume`).
        OSError: a file cannot be opened.
    """
    voxels = scan.read(scan.files)
    if isinstance(voxels, SliceStack):
        cut, geometry = slice_stack(voxels, slicing), _describe_stack(voxels)
    else:
        labels = scan.read_labels(scan.labels) if scan.labels else None
        cut, geometry = slice_volume(voxels, slicing, labels), _describe_volume(voxels, slicing.plane)
    record = ScanRecord(
        patient_id=scan.patient_id,
        session_id=scan.session_id,
        scan_id=scan.scan_id,
        **_describe_person(scan),
        source=scan.source,
        sha256=voxels.sha256,
        **geometry,
        window_low=cut.window[0],
        window_high=cut.window[1],
        slice_indices=cut.slice_indices,
        slice_spacing=cut.slice_spacing,
        foreground_box=cut.foreground_box,
        warnings="; ".join(cut.warnings),
        slices_sha256="",
        mask_sha256="",
        labels_sha256="",
    )
    return CutScan(record, cut, hash_labels(scan))


def hash_labels(scan: Scan) -> str:
    """The SHA-256 of a scan's label files, as its note holds it; empty where it has none."""
    return files_sha256(scan.labels) if scan.labels else ""


def _describe_person(scan: Scan) -> dict[str, Any]:
    """The columns that a source's tables fill; ages over 89 are capped, as they can name a person."""
    return vars(scan.person) | {"age": cap_age(scan.person.age)}


def _describe_volume(volume: Volume, plane: str) -> dict[str, Any]:
    return {
        "shape": volume.array.shape,
        "spacing": volume.spacing,
        "axes": volume.axes,
        "affine": tuple(round(float(entry), 6) for entry in volume.affine[:3].flat),
        "plane": plane,
    }


def _describe_stack(stack: SliceStack) -> dict[str, Any]:
    return {"shape": stack.slices.shape, "spacing": (), "axes": "", "affine": (), "plane": stack.plane}


def save_scan(scan: CutScan, output_dir: Path) -> PreparedScan:
    """Writes slices, masks, labels and, last, the note that marks the scan as done.

    Raises:
        OSError: the files cannot be written.
    """
    record, cut = scan.record, scan.cut
    record = replace(
        record,
        slices_sha256=_save_array(record.slices_path(output_dir), cut.slices),
        mask_sha256=_save_array(record.mask_path(output_dir), cut.mask),
        labels_sha256="" if cut.labels is None else _save_array(record.labels_path(output_dir), cut.labels),
    )
    note = {
        "row": format_row(record),
        "n_empty": cut.n_empty,
        "labels_source_sha256": scan.labels_source_sha256,
    }
    write_json(_note_path(output_dir, record.scan_id), note)
    return PreparedScan(record, cut.n_empty)


def load_prepared(scan: Scan, output_dir: Path) -> PreparedScan | None:
    """The scan as an earlier run prepared it, if its source and files are still those; with today's table values."""
    try:
        note = json.loads(_note_path(output_dir, scan.scan_id).read_text(encoding="utf-8"))
        record = parse_row(note["row"])
        whole = all(file_sha256(path) == sha256 for path, sha256 in record.hashed_paths(output_dir).items())
        same = (files_sha256(scan.files), scan.source) == (record.sha256, record.source)
        same &= hash_labels(scan) == note["labels_source_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there or not whole: prepared anew
    if not (whole and same):
        return None
    record = replace(record, **_describe_person(scan))
    return PreparedScan(record, note["n_empty"], is_new=False)


def _note_path(output_dir: Path, scan_id: str) -> Path:
    return output_dir / SLICES_DIR / f"{scan_id}.json"


def _save_array(path: Path, array: NDArray[Any]) -> str:
    with atomic_path(path) as part:
        with part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        return file_sha256(part)
