"""Slices as they are on disk → images as a model was trained on them → slices again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from monai.transforms import Compose
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.data.dataset import resampled_size
from monai_vq.transforms import FitImageSized, ResampleSliced, unfit_image
from monai_vq.transforms.load_slice import to_unit_range

__all__ = ["SliceFit", "pair"]

_WHOLE = 0.999  # of a pixel's value that must come from inside the image for the pixel to count as covered


@dataclass(frozen=True)
class SliceFit:
    """How slices of one scan are brought to the image size of a model, and back.

    Attributes:
        own_size: (rows, columns) of the scan's slices.
        slice_spacing: (row, column) of their pixels, mm.
        image_size: (H, W) of the model.
        spacing: (row, column) of the model's pixels in mm; None where every scan keeps its own.
    """

    own_size: tuple[int, int]
    slice_spacing: tuple[float, float]
    image_size: tuple[int, int]
    spacing: tuple[float, float] | None

    def images(self, slices: NDArray[np.generic], mask: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        """Brings slices to the model by the very transforms of training.

        Args:
            slices: uint16 or uint8 [B, rows, columns], 0 and the type's largest value being the window's ends.
            mask: foreground, [B, rows, columns].

        Returns:
            Images [B, 1, H, W] in [0, 1] and their foreground, bool [B, 1, H, W].
        """
        fit = Compose([ResampleSliced(self.spacing), FitImageSized(self.image_size)])
        items = [
            fit(
                {
                    "image": to_unit_range(image),
                    "mask": torch.from_numpy(inside[None].astype(np.float32)),
                    "slice_spacing": self.slice_spacing,
                }
            )
            for image, inside in zip(slices, mask, strict=True)
        ]
        return torch.stack([one["image"] for one in items]), torch.stack([one["mask"] for one in items]) > 0

    def slices(self, images: Tensor) -> Tensor:
        """Brings images [B, 1, H, W] back to slices [B, rows, columns]; what `covered` is not is 0.

        Without another spacing each pixel returns to where it came from, to the bit. With one the slices are
        interpolated linearly a second time, with an anti-aliasing filter where they shrink.
        """
        fitted = self._resampled_size
        own = unfit_image(images, fitted)
        if fitted != self.own_size:
            own = F.interpolate(own, self.own_size, mode="bilinear", antialias=True)
        return own[:, 0]

    @cached_property
    def covered(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which rows and which columns of a slice lie inside the image, bool [rows] and [columns]."""
        inside = self.slices(torch.ones(1, 1, *self.image_size))[0] > _WHOLE
        return inside.any(dim=1).numpy(), inside.any(dim=0).numpy()

    @property
    def _resampled_size(self) -> tuple[int, ...]:
        """(rows, columns) of the slices before they are padded or cropped, as `ResampleSliced` makes them."""
        if self.spacing is None or self.slice_spacing == self.spacing:
            return self.own_size
        return resampled_size(self.own_size, self.slice_spacing, self.spacing)


def pair(values: Sequence[float]) -> tuple[float, float]:
    """Two numbers, such as a spacing, in the type that is compared."""
    first, second = values
    return float(first), float(second)
