"""A scan that went through a model: its voxels again, its latent, its scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.reconstruct.fitting import SliceFit
from monai_vq.reconstruct.placement import Placement
from monai_vq.reconstruct.volume_file import planes

__all__ = ["ReconstructedScan", "ScanLatent", "SlicePicture"]


@dataclass(frozen=True)
class SlicePicture:
    """One slice to be shown, at the model's image size.

    Attributes:
        rank: `middle` of the scan's slices, or `worst` by the SSIM of its foreground.
        slice_index: in the volume brought to the plane's axes.
        ssim: of its foreground; of the whole slice where it has none.
        x: the slice, [H, W] in [0, 1].
        x_in: what the model was given, [H, W]: x, or x with noise.
        x_hat: the reconstruction, clipped to [0, 1], [H, W].
    """

    rank: str
    slice_index: int
    ssim: float
    x: NDArray[np.float32]
    x_in: NDArray[np.float32]
    x_hat: NDArray[np.float32]

    @property
    def error(self) -> NDArray[np.float32]:
        """|x_hat - x|, [H, W]."""
        return np.abs(self.x_hat - self.x)


@dataclass(frozen=True)
class ScanLatent:
    """A scan as codes and side, with all that it takes to put it back into its voxels.

    Attributes:
        codes: int64 [S, h, w].
        side: float32 [S, G, h, w].
        window: intensities (low, high) that are 0 and 1 to the model; uncovered voxels have the low one.
        fit: from slices to images and back.
        placement: from slices to the volume and back.
        batch_size: slices that were decoded at a time; another may change the last bit.
        precision: of the forward pass.
    """

    codes: Tensor
    side: Tensor
    window: tuple[float, float]
    fit: SliceFit
    placement: Placement
    batch_size: int
    precision: str


@dataclass(frozen=True)
class ReconstructedScan:
    """A scan that went through a model.

    Attributes:
        recon: the reconstruction in the scan's own intensities, float32 [I, J, K]; the low end of the window where no
            image of the model covers the voxel.
        original: the scan, float32 [I, J, K].
        latent: codes and side.
        scores: a row a slice: `slice_index, ssim, ssim_foreground, psnr, mse, mae, bits_per_pixel`, of the images at
            the model's size, as the report of a run has them.
        pictures: the middle and the worst slice.
        n_empty: slices of the range without foreground, left out.
        cut_share: share of the foreground that the image size cuts off, in [0, 1].
        warnings: of the slices' preparation.
    """

    recon: NDArray[np.float32]
    original: NDArray[np.float32]
    latent: ScanLatent
    scores: pd.DataFrame
    pictures: tuple[SlicePicture, ...]
    n_empty: int
    cut_share: float
    warnings: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the volume, [I, J, K]."""
        return self.recon.shape

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel to world (right, anterior, superior) in mm, [4, 4]."""
        return self.latent.placement.affine

    @property
    def error(self) -> NDArray[np.float32]:
        """Reconstruction less scan in the scan's intensities, [I, J, K]; 0 where nothing was reconstructed."""
        return np.stack(list(self.error_slabs()), axis=-1)

    @cached_property
    def mean_absolute_error(self) -> float:
        """Of the voxels that were reconstructed, in the scan's intensities."""
        number = np.prod([axis.sum() for axis in self._covered])
        return float(sum(np.abs(slab, dtype=np.float64).sum() for slab in self.error_slabs()) / max(1, number))

    @property
    def _covered(self) -> tuple[NDArray[np.bool_], ...]:
        return self.latent.placement.covered(*self.latent.fit.covered)

    def error_slabs(self) -> Iterator[NDArray[np.float32]]:
        """The error's planes [I, J] along the last stored axis, one after another, so that it is never whole."""
        first, second, third = self._covered
        inside = np.outer(first, second)
        for recon, original, is_covered in zip(planes(self.recon), planes(self.original), third, strict=True):
            yield (recon - original) * (inside & is_covered)
