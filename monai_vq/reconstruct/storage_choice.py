"""Where a scan's voxels will be held, chosen before it is read: the system would kill the whole run otherwise."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import nibabel as nib
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_header
from monai_vq.data.storage import LARGEST_VOLUME_BYTES, MAX_VOLUME_BYTES, MEMORY, Disk, Memory, Storage
from monai_vq.reconstruct.available_memory import available_memory
from monai_vq.reconstruct.input_scan import InputScan

__all__ = ["DISK_BYTES_A_VOXEL", "MEMORY_BYTES_A_VOXEL", "choose_storage", "count_voxels", "storage_for"]

MEMORY_BYTES_A_VOXEL = 14
"""For one voxel, on the whole way: scan and reconstruction as float32, slices of 16 bits, masks; 10 were measured with
768 x 768 x 640 voxels and 40 % of the slices. What a batch of slices needs comes on top (0.2 GiB for 16 slices of
256 x 256), as does the program (0.5 GiB)."""
DISK_BYTES_A_VOXEL = 16
"""The same where it is held on disk: first unpacked file and scan, later scan, masks, slices and reconstruction."""
_LARGEST_VOXEL = 8  # bytes in a file
_MOUNTS, _SPACE = Path("/proc/mounts"), "\\040"  # as a space in a name is written there
_IN_MEMORY = ("tmpfs", "ramfs")


def choose_storage(scan: InputScan, folder: Path) -> Storage:
    """Memory, or a disk for a volume that does not fit beside what else the machine is doing.

    Args:
        scan: that will be read; only its header is read here.
        folder: on a disk, for what memory cannot hold.

    Raises:
        VolumeError: there is no room in either, saying what is needed and what is free; or the folder is in memory.
    """
    return storage_for(count_voxels(scan), folder)


def storage_for(voxels: int, folder: Path) -> Storage:
    """The same for a number of voxels.

    Raises:
        VolumeError: as `choose_storage`.
    """
    free = available_memory()
    if voxels > LARGEST_VOLUME_BYTES:  # a damaged header, which reading the scan will explain
        return MEMORY
    if free is None and _LARGEST_VOXEL * voxels <= MAX_VOLUME_BYTES:
        return MEMORY
    needed = MEMORY_BYTES_A_VOXEL * voxels
    if free is not None and needed <= free:
        return Memory(LARGEST_VOLUME_BYTES)
    if _is_in_memory(folder):
        raise VolumeError(
            f"it needs about {needed / 2**30:.1f} GiB of memory, {(free or 0) / 2**30:.1f} GiB are free, and "
            "--output_dir lies in memory as well (tmpfs)",
            "choose an --output_dir on a disk, crop it to the head, or use a machine with more memory",
        )
    disk_needed, disk_free = DISK_BYTES_A_VOXEL * voxels, shutil.disk_usage(_existing(folder)).free
    if disk_needed > disk_free:
        raise VolumeError(
            f"it needs about {needed / 2**30:.1f} GiB of memory or {disk_needed / 2**30:.1f} GiB of disk, and "
            f"{(free or 0) / 2**30:.1f} and {disk_free / 2**30:.1f} GiB are free",
            "choose an --output_dir on a larger disk, crop it to the head, or use a machine with more memory",
        )
    return Disk(folder)


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())


def _is_in_memory(folder: Path) -> bool:
    """Whether files of a folder take memory and no disk, as those of a tmpfs do, which `/tmp` often is."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:  # systems other than Linux
        return False
    kinds = {Path(point.replace(_SPACE, " ")): kind for _, point, kind, *_ in map(str.split, lines)}
    existing = _existing(folder).resolve()
    return next((kinds[one] for one in (existing, *existing.parents) if one in kinds), "") in _IN_MEMORY


def count_voxels(scan: InputScan) -> int:
    """Voxels of a scan by its header alone; 0 where that cannot be read, which reading the scan will explain.

    Raises:
        VolumeError: a DICOM header cannot be read.
    """
    if scan.record is not None:
        return math.prod(scan.record.shape[:3])
    if scan.kind == "DICOM":
        form = read_header(scan.files[0]).format
        return (form.rows or 0) * (form.columns or 0) * max(len(scan.files), form.frames or 1)
    try:
        return math.prod(nib.load(scan.files[-1]).shape)
    except (ImageFileError, HeaderDataError, OSError, ValueError):
        return 0
