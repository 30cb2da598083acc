"""The three anatomical planes: a volume as stored, as slices, and exactly back."""

from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from monai_vq.errors import InputError

__all__ = ["PLANE_AXES", "axes_affine", "check_axes", "from_plane", "plane_spacing", "to_plane"]

# (slice, row, column): the anatomical direction in which each index grows.
PLANE_AXES: dict[str, tuple[str, str, str]] = {
    "axial": ("S", "P", "L"),  # row 0 anterior, column 0 the patient's right: the radiological convention
    "coronal": ("A", "I", "L"),  # row 0 superior, column 0 the patient's right
    "sagittal": ("R", "I", "P"),  # row 0 superior, column 0 anterior
}
_WORLD_AXES = {"L": (0, -1), "R": (0, 1), "P": (1, -1), "A": (1, 1), "I": (2, -1), "S": (2, 1)}  # letter: (axis, sign)


def check_axes(axes: str) -> None:
    """Checks a code of axes, the anatomical direction in which each stored index grows.

    Raises:
        InputError: the code is not three letters, one of each pair L/R, P/A and I/S.
    """
    if {_WORLD_AXES[letter][0] for letter in axes if letter in _WORLD_AXES} != {0, 1, 2} or len(axes) != 3:
        raise InputError(
            f"axes {axes!r}: expected three capital letters, one of L or R, one of P or A and one of I or S, in the "
            "order in which the file stores them, as in PSR"
        )


def axes_affine(shape: Sequence[int], zooms: Sequence[float], axes: str) -> NDArray[np.float64]:
    """The matrix of a volume of which only axes and voxel size are known; the centre of its grid is the world's origin.

    Args:
        shape: (I, J, K), voxels along each stored index.
        zooms: voxel size along each stored index, mm.
        axes: anatomical direction in which each stored index grows, such as `PSR`.

    Returns:
        The voxel-to-world matrix, [4, 4], world axes right, anterior, superior in mm.

    Raises:
        InputError: the code of axes is invalid.
    """
    check_axes(axes)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for index, letter in enumerate(axes):
        world, sign = _WORLD_AXES[letter]
        affine[world, index] = sign * zooms[index]
        affine[world, 3] = -sign * zooms[index] * (shape[index] - 1) / 2
    return affine


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
