"""A phantom's scan on the grids of OASIS: their axes, fields of view and voxel sizes."""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to
from numpy.typing import NDArray

from monai_vq.data.orientation import axes_affine

__all__ = ["RAW_GRID", "SUBJECT_GRID", "T88_GRID", "OasisGrid"]


@dataclass(frozen=True)
class OasisGrid:
    """A grid as the study has it at a voxel size of 1 mm.

    Attributes:
        axes: anatomical direction in which each stored index grows.
        shape: voxels along each stored axis.
        spacing: voxel size along each stored axis, mm.
        centre: of the field of view in the phantom's world, mm; to the left, where the marker is.
    """

    axes: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    centre: tuple[float, float, float]

    def place(self, voxel_size: float) -> tuple[tuple[int, ...], NDArray[np.float64]]:
        """Shape and true affine, [4, 4], of the same field of view in voxels that are `voxel_size` times as long."""
        shape = tuple(round(count / voxel_size) for count in self.shape)
        affine = axes_affine(shape, [size * voxel_size for size in self.spacing], self.axes)
        affine[:3, 3] += self.centre
        return shape, affine

    def resample(self, image: nib.Nifti1Image, voxel_size: float, *, labels: bool = False) -> NDArray[Any]:
        """Values of a phantom's image on the grid, in its own type; 0 beyond the phantom's field of view.

        Args:
            image: of `phantom_scan`, in any stored order.
            voxel_size: see `place`.
            labels: take the nearest voxel, as between labels there is nothing.
        """
        resampled = resample_from_to(image, self.place(voxel_size), order=0 if labels else 1, mode="constant", cval=0)
        return np.asarray(resampled.dataobj)


T88_GRID = OasisGrid("LAS", (176, 208, 176), (1, 1, 1), (-8, -12, 8))
SUBJECT_GRID = OasisGrid("ASL", (256, 256, 160), (1, 1, 1), (-16, -12, 8))
RAW_GRID = OasisGrid("ASL", (256, 256, 128), (1, 1, 1.25), (-16, -12, 8))
