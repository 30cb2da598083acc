"""The three anatomical planes: a volume as stored, as slices, and exactly back."""

from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from monai_vq.errors import InputError

__all__ = ["PLANE_AXES", "from_plane", "plane_spacing", "to_plane"]

# (slice, row, column): the anatomical direction in which each index grows.
PLANE_AXES: dict[str, tuple[str, str, str]] = {
    "axial": ("S", "P", "L"),  # row 0 anterior, column 0 the patient's right: the radiological convention
    "coronal": ("A", "I", "L"),  # row 0 superior, column 0 the patient's right
    "sagittal": ("R", "I", "P"),  # row 0 superior, column 0 anterior
}


def to_plane(array: NDArray[Any], affine: NDArray[np.floating], plane: str) -> NDArray[Any]:
    """Brings a volume to a plane's axes by permutation and flips alone; no voxel is resampled.

    An oblique volume is cut along its own axes, each taken for the anatomical direction nearest to it.

    Args:
        array: the volume as stored, [I, J, K].
        affine: its voxel-to-world matrix, [4, 4], world axes right, anterior, superior in mm.
        plane: `axial`, `coronal` or `sagittal`.

    Returns:
        A view, [S, H, W], with the directions of `PLANE_AXES[plane]`.

    Raises:
        InputError: the plane is unknown.
    """
    moved: NDArray[Any] = apply_orientation(array, ornt_transform(io_orientation(affine), _plane_orientation(plane)))
    return moved


def from_plane(array: NDArray[Any], affine: NDArray[np.floating], plane: str) -> NDArray[Any]:
    """Undoes `to_plane` exactly.

    Args:
        array: a volume in the plane's axes, [S, H, W].
        affine: the voxel-to-world matrix of the volume *as stored*, [4, 4].
        plane: the plane given to `to_plane`.

    Returns:
        A view, [I, J, K], in the stored order.

    Raises:
        InputError: the plane is unknown.
    """
    stored: NDArray[Any] = apply_orientation(array, ornt_transform(_plane_orientation(plane), io_orientation(affine)))
    return stored


def plane_spacing(affine: NDArray[np.floating], plane: str) -> tuple[float, float, float]:
    """Voxel size along (slice, row, column) in mm.

    Raises:
        InputError: the plane is unknown.
    """
    transform = ornt_transform(io_orientation(affine), _plane_orientation(plane))
    stored = nib.affines.voxel_sizes(affine)
    spacing = np.empty(3)
    spacing[transform[:, 0].astype(int)] = stored
    slice_mm, row_mm, column_mm = (round(float(size), 6) for size in spacing)
    return slice_mm, row_mm, column_mm


def _plane_orientation(plane: str) -> NDArray[Any]:
    if plane not in PLANE_AXES:
        raise InputError(f"unknown plane {plane!r}; expected one of {', '.join(PLANE_AXES)}")
    orientation: NDArray[Any] = axcodes2ornt(PLANE_AXES[plane])
    return orientation
