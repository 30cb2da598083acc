"""Whether a volume fits into memory, asked before it is read: the system would kill the whole run otherwise."""

from __future__ import annotations

import math
import re
from pathlib import Path

import nibabel as nib
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_header
from monai_vq.reconstruct.input_scan import InputScan

__all__ = ["BYTES_A_VOXEL", "available_memory", "check_memory", "count_voxels"]

BYTES_A_VOXEL = 20
"""For one voxel, on the whole way: scan and reconstruction as float32, slices of 16 bits, masks, the latent; 10 were
measured while a file of 512 x 512 x 400 is read and checked. What a batch of slices needs comes on top (0.2 GiB for 16
slices of 256 x 256), as does the program (0.5 GiB)."""
_MEMINFO = Path("/proc/meminfo")


def check_memory(scan: InputScan) -> None:
    """Refuses a volume that does not fit beside what else the machine is doing; without knowledge of that, none.

    Raises:
        VolumeError: saying what it needs and what is free.
    """
    free, needed = available_memory(), BYTES_A_VOXEL * count_voxels(scan)
    if free is not None and needed > free:
        raise VolumeError(
            f"it needs about {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free",
            "close other programs, crop it to the head, or use a machine with more memory",
        )


def count_voxels(scan: InputScan) -> int:
    """Voxels of a scan by its header alone; 0 where that cannot be read, which reading the scan will explain.

    Raises:
        VolumeError: a DICOM header cannot be read.
    """
    if scan.kind == "DICOM":
        form = read_header(scan.files[0]).format
        return (form.rows or 0) * (form.columns or 0) * max(len(scan.files), form.frames or 1)
    try:
        return math.prod(nib.load(scan.files[-1]).shape)
    except (ImageFileError, HeaderDataError, OSError, ValueError):
        return 0


def available_memory() -> int | None:
    """Bytes that can be had without swapping; None on systems other than Linux."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", _MEMINFO.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else int(found[1]) * 1024
