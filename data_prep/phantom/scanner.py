"""The phantom's scanner: a head in some pose becomes a stored NIfTI volume with bias field and noise."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from data_prep.phantom.shapes import Array

__all__ = ["FIELD_OF_VIEW", "Pose", "acquire", "draw_pose", "store", "world_grid"]

FIELD_OF_VIEW = (192.0, 224.0, 176.0)
"""Extent of the volume along x, y and z, mm: a head and a marker beside it."""

_CENTRE = (0.0, -12.0, 8.0)  # of the field of view, mm: the neck, not the crown, is cut
_NOISE = 0.015  # standard deviation of each receiver channel, a fraction of the range
_BIAS = 0.12  # standard deviation of the log of the receive sensitivity at the edge of the field of view


@dataclass(frozen=True)
class Pose:
    """How a head lies in the scanner: world = rotation @ head + shift, mm."""

    rotation: NDArray[np.float64]  # [3, 3]
    shift: NDArray[np.float64]  # [3]

    def to_world(self, head: NDArray[np.floating]) -> NDArray[np.float64]:
        """Maps points [3, N] from head to world coordinates, mm."""
        return self.rotation @ head + self.shift[:, None]

    def to_head(self, world: Array) -> Array:
        """Undoes `to_world`, in float32."""
        inverse = self.rotation.T.astype(np.float32)
        return inverse @ world - inverse @ self.shift.astype(np.float32)[:, None]


def draw_pose(rng: np.random.Generator) -> Pose:
    """Draws a head that lies nearly straight: 1.5 degrees and 1 mm standard deviation about and along each axis."""
    angles = rng.normal(0, 1.5, 3).clip(-4, 4)
    return Pose(Rotation.from_euler("xyz", angles, degrees=True).as_matrix(), rng.normal(0, 1, 3).clip(-2.5, 2.5))


def world_grid(voxel_size: float) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Returns shape and affine [4, 4] of the volume in RAS order; world axes right, anterior, superior in mm."""
    x, y, z = (round(extent / voxel_size) for extent in FIELD_OF_VIEW)
    affine = np.diag([voxel_size, voxel_size, voxel_size, 1.0])
    affine[:3, 3] = np.subtract(_CENTRE, np.subtract((x, y, z), 1) * voxel_size / 2)
    return (x, y, z), affine


def acquire(contrast: Array, rng: np.random.Generator) -> NDArray[np.int16]:
    """Returns what the scanner records of a contrast: gain, a smooth sensitivity and Rician noise.

    Args:
        contrast: [X, Y, Z], 0 to about 1.2.
        rng: the session's own generator.

    Returns:
        Magnitudes, [X, Y, Z]; the gain, as on a real scanner, is arbitrary: white matter is at 700 to 1300.
    """
    x, y, z = np.meshgrid(
        *(np.linspace(-1, 1, n, dtype=np.float32) for n in contrast.shape), indexing="ij", sparse=True
    )
    linear, square = rng.normal(0, _BIAS, (2, 3)).astype(np.float32)
    log_bias = linear[0] * x + linear[1] * y + linear[2] * z + square[0] * x * x + square[1] * y * y + square[2] * z * z
    signal = contrast * np.exp(log_bias)
    noise = _NOISE * rng.standard_normal((2, *contrast.shape), dtype=np.float32)  # real and imaginary channel
    magnitude = np.hypot(signal + noise[0], noise[1])
    recorded: NDArray[np.int16] = np.rint(rng.uniform(800, 1500) * magnitude).astype(np.int16)
    return recorded


def store(volume: NDArray[np.generic], affine: NDArray[np.float64], axes: str) -> nib.Nifti1Image:
    """Makes an image whose voxels are stored in an order such as "PSR", with the affine that says so.

    Args:
        volume: [X, Y, Z] in RAS order.
        affine: its voxel-to-world matrix, [4, 4].
        axes: direction in which each stored index grows.
    """
    image = nib.Nifti1Image(volume, affine)
    stored = image.as_reoriented(ornt_transform(io_orientation(affine), axcodes2ornt(tuple(axes))))
    stored.set_sform(stored.affine, code="scanner")
    stored.set_qform(stored.affine, code="scanner")
    stored.header.set_xyzt_units("mm")
    return stored
