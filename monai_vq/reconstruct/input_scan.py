"""A scan that is to be reconstructed, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monai_vq.data import ScanRecord, Volume
from monai_vq.data.storage import Storage

__all__ = ["FoundScans", "InputScan", "SkippedFile"]

Files = tuple[Path, ...]


@dataclass(frozen=True)
class InputScan:
    """A scan that is to be reconstructed; its voxels are still on disk.

    Attributes:
        scan_id: unique, and the start of the names of what is written of it.
        patient_id: whose it is.
        session_id: the visit; empty where nothing says it.
        place: of the first file relative to the input, with forward slashes, or a pseudonym.
        kind: format, in a word.
        files: that the voxels are read from; of DICOM in the order of slices.
        read: reads `files` into a storage, or raises `VolumeError`.
        header: returns a NIfTI header whose geometry the results take over, or None.
        known: whether something says whose the scan is; otherwise it counts as a patient of its own.
        record: of a scan in a prepared dataset, of which only the slices are at hand.
    """

    scan_id: str
    patient_id: str
    session_id: str
    place: str
    kind: str
    files: Files
    read: Callable[[Files, Storage], Volume]
    header: Callable[[Files], Any | None]
    known: bool = False
    record: ScanRecord | None = None


@dataclass(frozen=True)
class SkippedFile:
    """Something that is not reconstructed, why, and what would help."""

    place: str
    reason: str
    remedy: str


@dataclass
class FoundScans:
    """What an input holds."""

    scans: list[InputScan] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
