"""The grid that a download is known to have: axes its files do not state, and a field of view to check them by."""

from dataclasses import dataclass

import numpy as np

from monai_vq.data import Volume, VolumeError

__all__ = ["Grid"]

_RATIO_TOLERANCE = 1e-4  # relative; far above single precision, far below a millimetre over a head


@dataclass(frozen=True)
class Grid:
    """What the study's documentation says of one kind of image.

    Attributes:
        axes: anatomical direction in which each stored index grows.
        extent: field of view along each stored axis, mm.
        spacing: voxel size along each stored axis, mm. A coarser copy has all three larger by one factor.
    """

    axes: str
    extent: tuple[float, float, float]
    spacing: tuple[float, float, float]

    def check(self, volume: Volume) -> None:
        """Refuses a volume of another field of view or other proportions of its voxels.

        Analyze headers say the voxel size once and have no checksum: only this tells a damaged one.

        Raises:
            VolumeError: the grid is another.
        """
        sizes = np.array(volume.spacing)
        scales = sizes / self.spacing
        covered = sizes * volume.array.shape
        if np.ptp(scales) > _RATIO_TOLERANCE * scales[0] or (np.abs(covered - self.extent) > 0.5001 * sizes).any():
            raise VolumeError(
                f"{_join(volume.array.shape)} voxels of {_join(volume.spacing)} mm, expected {_join(self.extent)} mm "
                f"in voxels of {_join(self.spacing)} mm or a multiple",
                "the header is damaged, or the file is another image: download or unpack the pair again",
            )


def _join(numbers: tuple[float, ...]) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
