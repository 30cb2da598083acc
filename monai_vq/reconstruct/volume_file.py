"""Volumes as NIfTI on the very grid of the scan that they belong to, written plane by plane."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from monai_vq.atomic import atomic_path
from monai_vq.data.storage import blocks

__all__ = ["GEOMETRY", "MADE_HERE", "copy_geometry", "is_made_here", "make_header", "planes", "write_volume"]

MADE_HERE = "monai_vq reconstruction"  # start of what the header says of a volume that is written here
COMPRESSION = 3  # of gzip's 9: float32 noise hardly shrinks further, and 9 takes ten times as long
GEOMETRY = (  # all fields of a NIfTI header that say where voxels lie
    *("pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "xyzt_units"),
)
_SCANNER = 1  # form code: coordinates of a scanner


def make_header(shape: Sequence[int], affine: NDArray[np.floating], source: Any | None, description: str) -> Any:
    """A fresh header: nothing of the source's but its geometry.

    Args:
        shape: of the volume as stored.
        affine: voxel to world in mm, [4, 4]; NIfTI-1 keeps it in single precision.
        source: NIfTI header of the scan, whose geometry is copied to the bit where it makes this affine; None for a
            scan of another format.
        description: what the volume is, at most 79 characters of ASCII.
    """
    header = nib.Nifti2Header() if isinstance(source, nib.Nifti2Header) else nib.Nifti1Header()
    header.set_data_shape(tuple(shape) if source is None else source.get_data_shape())
    header.set_data_dtype(np.float32)
    if source is not None and np.array_equal(source.get_best_affine(), affine):
        copy_geometry(source, header)
    else:
        header.set_qform(affine, _SCANNER)
        header.set_sform(affine, _SCANNER)
        header.set_xyzt_units("mm")
    header["descrip"] = description.encode("ascii", "replace")[:79]
    return header


def is_made_here(header: Any | None) -> bool:
    """Whether a NIfTI header says that its volume is a reconstruction, or the error of one."""
    return header is not None and bytes(header["descrip"]).startswith(MADE_HERE.encode("ascii"))


def copy_geometry(source: Any, target: Any) -> None:
    """Copies where voxels lie from one NIfTI header to another of the same kind."""
    for field in GEOMETRY:
        target[field] = source[field]


def write_volume(path: Path, header: Any, slabs: Iterable[NDArray[np.float32]]) -> None:
    """Writes a volume, whole or not at all; no more than a plane of it is encoded at a time.

    Args:
        path: ends in ``.nii.gz``.
        header: of `make_header`.
        slabs: float32 planes [I, J] along the last axis, in their order.
    """
    single = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image
    header = single.header_class(header.binaryblock, check=False)
    header["magic"] = single.header_class().structarr["magic"]
    start = header.single_vox_offset
    header["vox_offset"] = start
    with (
        atomic_path(path) as part,
        part.open("wb") as file,
        gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed,  # no name, no time: equal volumes, equal bytes
    ):
        packed.write(header.binaryblock.ljust(start, b"\0"))
        for slab in slabs:
            packed.write(np.asarray(slab, "<f4").tobytes(order="F"))


def planes(volume: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Planes along the last axis, fetched some at a time: across the order on disk, each is spread over all of it."""
    for places in blocks(volume.shape[2], volume[..., 0].nbytes):
        fetched = np.array(volume[..., places], order="K")  # in the order on disk, once through it
        yield from np.moveaxis(fetched, 2, 0)
