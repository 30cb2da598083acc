"""Where the slices of a scan lie in its volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_vq.data import ScanRecord, from_plane, to_plane
from monai_vq.data.storage import MEMORY, Storage, blocks

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

    @property
    def plane_shape(self) -> tuple[int, ...]:
        """(N, rows, columns): all slices of the volume, and their size."""
        return self.in_plane(np.broadcast_to(np.float32(0), self.shape)).shape

    def filled(self, value: float, storage: Storage = MEMORY) -> NDArray[np.float32]:
        """A volume [I, J, K] of one value, in which a slice lies together in memory.

        Raises:
            OSError: the storage has no room.
        """
        slices = storage.empty(self.plane_shape, np.float32)
        for places in blocks(len(slices), slices[:1].nbytes):
            slices[places] = value
        return from_plane(slices, self.affine, self.plane) if self.plane else slices.transpose(2, 1, 0)

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
        sample = self.in_plane(np.empty((2, 2, 2), np.int8))  # whose strides say which axis is which, and turned
        chosen = np.zeros(self.plane_shape[0], bool)
        chosen[list(self.slice_indices)] = True
        along = [chosen] * 3
        for stride, inside in zip(sample.strides, (chosen, rows, columns), strict=True):
            along[_stored_axis(stride)] = inside[::-1] if stride < 0 else inside
        return along[0], along[1], along[2]


def _stored_axis(stride: int) -> int:
    return {4: 0, 2: 1, 1: 2}[abs(stride)]
