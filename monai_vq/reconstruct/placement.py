"""Where the slices of a scan lie in its volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_vq.data import ScanRecord, to_plane

__all__ = ["Placement"]


@dataclass(frozen=True)
class Placement:
    """Where the slices of a scan lie in its volume as stored.

    Attributes:
        shape: of the volume, [I, J, K].
        affine: voxel to world (right, anterior, superior) in mm, float64 [4, 4].
        plane: `axial`, `coronal` or `sagittal`; empty for a stack of pictures, whose volume is its slices, columns
            first.
        slice_indices: along the slice axis, the volume brought to the plane's axes.
    """

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    plane: str
    slice_indices: tuple[int, ...]

    @classmethod
    def of_record(cls, record: ScanRecord) -> Placement:
        """Of a scan in a prepared dataset; slices of a stack, which have no place in the world, are 1 mm apart."""
        if not record.affine:
            row, column = record.slice_spacing
            n_slices, rows, columns = record.shape[:3]
            return cls((columns, rows, n_slices), np.diag([column, row, 1.0, 1.0]), "", tuple(range(n_slices)))
        affine = np.vstack([np.reshape(record.affine, (3, 4)), [0.0, 0, 0, 1]])
        return cls(record.shape[:3], affine, record.plane, record.slice_indices)

    def in_plane(self, volume: NDArray[Any]) -> NDArray[Any]:
        """A view of a volume [I, J, K] as all its slices, [N, rows, columns]; writing to it fills the volume."""
        return to_plane(volume, self.affine, self.plane) if self.plane else volume.transpose(2, 1, 0)

    def covered(
        self, rows: NDArray[np.bool_], columns: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Which indices of each stored axis the slices cover: the voxels covered are a box, gaps aside.

        Args:
            rows: of a slice, bool [rows].
            columns: of a slice, bool [columns].

        Returns:
            Bool [I], [J] and [K]; a voxel is covered where all three are True.
        """
        canvas = np.zeros(self.shape, bool)
        view = self.in_plane(canvas)
        chosen = np.zeros(len(view), bool)
        chosen[list(self.slice_indices)] = True
        view[...] = chosen[:, None, None] & rows[:, None] & columns
        along = [np.asarray(canvas.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        return along[0], along[1], along[2]
