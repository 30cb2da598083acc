"""A scan read from disk and cut into slices: all that can go wrong with a scan goes wrong here."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_vq.data import VolumeError
from monai_vq.data.dicom import MIN_SLICES
from monai_vq.data.slicing import ScanSlices, SlicingSettings, slice_volume
from monai_vq.data.storage import Storage
from monai_vq.errors import InputError
from monai_vq.reconstruct.input_scan import InputScan, SkippedFile
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.prepared import read_prepared
from monai_vq.reconstruct.storage_choice import choose_storage
from monai_vq.reconstruct.volume_file import is_made_here

__all__ = ["LoadedScan", "describe_failure", "load_scan"]


@dataclass(frozen=True)
class LoadedScan:
    """A scan in memory.

    Attributes:
        scan: what it is.
        cut: its slices, as those of training were cut.
        placement: where they lie.
        original: its voxels, float32 [I, J, K].
        sha256: of its files.
        header: NIfTI header whose geometry the results take over; None for other formats.
        storage: holds what is as large as the scan.
    """

    scan: InputScan
    cut: ScanSlices
    placement: Placement
    original: NDArray[np.float32]
    sha256: str
    header: Any | None
    storage: Storage


def load_scan(scan: InputScan, slicing: SlicingSettings | None, input_path: Path, scratch: Path) -> LoadedScan:
    """Reads a scan and cuts its slices.

    Args:
        scan: to be read.
        slicing: how; None for a scan of a prepared dataset, whose slices are read as they are.
        input_path: the dataset, of such a scan.
        scratch: folder on a disk for nameless files that hold what memory cannot.

    Raises:
        VolumeError: it cannot be used, or fits neither into memory nor onto the disk.
        OSError: a file cannot be opened, or the disk has become full.
        MemoryError: it does not fit.
    """
    storage = choose_storage(scan, scratch)
    if scan.record is not None:
        cut, placement, original = read_prepared(input_path, scan.record, storage)
        return LoadedScan(scan, cut, placement, original, scan.record.sha256, None, storage)
    if slicing is None:
        raise VolumeError("the model does not say how a volume is cut", "give a prepared dataset")
    volume = scan.read(scan.files, storage)
    header = scan.header(scan.files)
    if is_made_here(header):
        raise VolumeError("it is a reconstruction, or the error of one", "give the scans themselves")
    if min(volume.array.shape) < MIN_SLICES:
        shape = " x ".join(map(str, volume.array.shape))
        raise VolumeError(f"{shape} voxels, expected at least {MIN_SLICES} along each axis", "give the whole volume")
    cut = slice_volume(volume, slicing, storage=storage)
    placement = Placement(volume.array.shape, volume.affine, slicing.plane, cut.slice_indices)
    return LoadedScan(scan, cut, placement, volume.array, volume.sha256, header, storage)


def describe_failure(scan: InputScan, error: InputError | OSError | MemoryError) -> SkippedFile:
    """Why a scan was left out; of the system's errors only what they mean, since they quote names of files."""
    if isinstance(error, VolumeError):
        return SkippedFile(scan.place, error.reason, error.remedy)
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return SkippedFile(scan.place, "it does not fit into memory", "crop it, or use a machine with more memory")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SkippedFile(scan.place, "the disk of --output_dir became full", "make room, or choose another")
    if isinstance(error, OSError):
        return SkippedFile(scan.place, f"it cannot be opened ({error.strerror or 'unknown'})", "check its permissions")
    return SkippedFile(scan.place, str(error), "mend it, or leave the scan out")
