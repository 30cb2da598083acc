"""The geometry of a scan's NIfTI header as an array, from which its reconstruction gets the very same header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nibabel as nib
from nibabel.spatialimages import HeaderDataError
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from monai_vq.reconstruct.volume_file import GEOMETRY, copy_geometry

__all__ = ["GEOMETRY_TYPES", "pack_geometry", "unpack_geometry"]


def _packed(header: Any) -> NDArray[Any]:
    return repack_fields(header.structarr[list(GEOMETRY)])


_KINDS = {_packed(kind()).dtype: kind for kind in (nib.Nifti1Header, nib.Nifti2Header)}
GEOMETRY_TYPES = tuple(_KINDS)
"""Of the packed geometry of NIfTI-1 and of NIfTI-2, which has wider numbers."""


def pack_geometry(source: Any) -> NDArray[Any]:
    """Returns the fields `GEOMETRY` of a NIfTI header, whatever the order of its bytes, as an array of one record."""
    kind = nib.Nifti2Header if isinstance(source, nib.Nifti2Header) else nib.Nifti1Header
    header = kind()
    copy_geometry(source, header)
    return _packed(header)


def unpack_geometry(geometry: NDArray[Any], shape: Sequence[int]) -> Any:
    """Undoes `pack_geometry`.

    Args:
        geometry: of one of `GEOMETRY_TYPES`.
        shape: of the source's data, which may have further axes of length 1.

    Returns:
        A header that `make_header` takes for the source's.

    Raises:
        ValueError: no affine can be made of it.
    """
    header = _KINDS[geometry.dtype]()
    header.set_data_shape(tuple(shape))
    for field in GEOMETRY:
        header[field] = geometry[field]
    try:
        header.get_best_affine()
    except HeaderDataError as error:
        raise ValueError(f"its geometry makes no affine: {error}") from error
    return header
