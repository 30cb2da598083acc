"""One scan: cut it, write its files, or recognise that an earlier run wrote them."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.bids import Scan
from data_prep.output import SLICES_DIR, write_json
from data_prep.slicing import ScanSlices, SlicingSettings, slice_volume
from monai_vq.atomic import atomic_path
from monai_vq.data import ScanRecord, read_volume
from monai_vq.data.manifest import format_row, parse_row

__all__ = ["CutScan", "PreparedScan", "cut_scan", "file_sha256", "load_prepared", "save_scan"]


@dataclass(frozen=True)
class PreparedScan:
    """A scan whose files are on disk.

    Attributes:
        record: its row of the manifest.
        voxel_sha256: of the source's voxels, to find copies under another name, header or compression.
        n_empty: slices left out for having no foreground.
    """

    record: ScanRecord
    voxel_sha256: str
    n_empty: int

    @property
    def contents(self) -> tuple[str, str]:
        """Hashes of which no two scans may share one."""
        return self.record.sha256, self.voxel_sha256


@dataclass(frozen=True)
class CutScan(PreparedScan):
    """A scan that is still in memory; the record lacks the hashes of the files to come."""

    cut: ScanSlices


def cut_scan(scan: Scan, slicing: SlicingSettings) -> CutScan:
    """Reads a volume and cuts its slices.

    Raises:
        VolumeError: the volume cannot be used (see `read_volume` and `slice_volume`).
        OSError: it cannot be opened.
    """
    volume = read_volume(scan.path)
    cut = slice_volume(volume, slicing)
    record = ScanRecord(
        patient_id=scan.patient_id,
        session_id=scan.session_id,
        scan_id=scan.scan_id,
        diagnosis=scan.person.diagnosis,
        age=scan.person.age,
        sex=scan.person.sex,
        source=scan.source,
        sha256=volume.sha256,
        shape=volume.array.shape,
        spacing=volume.spacing,
        axes=volume.axes,
        plane=slicing.plane,
        window_low=cut.window[0],
        window_high=cut.window[1],
        slice_indices=cut.slice_indices,
        slice_spacing=cut.slice_spacing,
        foreground_box=cut.foreground_box,
        slices_sha256="",
        mask_sha256="",
    )
    return CutScan(record, volume.voxel_sha256(), cut.n_empty, cut)


def save_scan(scan: CutScan, output_dir: Path) -> PreparedScan:
    """Writes slices, masks and, last, the note that marks the scan as done.

    Raises:
        OSError: the files cannot be written.
    """
    record = replace(
        scan.record,
        slices_sha256=_save_array(scan.record.slices_path(output_dir), scan.cut.slices),
        mask_sha256=_save_array(scan.record.mask_path(output_dir), scan.cut.mask),
    )
    note = {"row": format_row(record), "voxel_sha256": scan.voxel_sha256, "n_empty": scan.n_empty}
    write_json(_note_path(output_dir, record.scan_id), note)
    return PreparedScan(record, scan.voxel_sha256, scan.n_empty)


def load_prepared(scan: Scan, output_dir: Path) -> PreparedScan | None:
    """The scan as an earlier run prepared it, if its source and files are still those; with today's table values."""
    try:
        note = json.loads(_note_path(output_dir, scan.scan_id).read_text(encoding="utf-8"))
        record = parse_row(note["row"])
        paths = (scan.path, record.slices_path(output_dir), record.mask_path(output_dir))
        hashes = tuple(file_sha256(path) for path in paths)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there or not whole: prepared anew
    if hashes != (record.sha256, record.slices_sha256, record.mask_sha256) or record.source != scan.source:
        return None
    record = replace(record, diagnosis=scan.person.diagnosis, age=scan.person.age, sex=scan.person.sex)
    return PreparedScan(record, note["voxel_sha256"], note["n_empty"])


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note_path(output_dir: Path, scan_id: str) -> Path:
    return output_dir / SLICES_DIR / f"{scan_id}.json"


def _save_array(path: Path, array: NDArray[Any]) -> str:
    with atomic_path(path) as part:
        with part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        return file_sha256(part)
