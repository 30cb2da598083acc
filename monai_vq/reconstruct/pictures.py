"""Which slices of a scan are shown: the middle one and the worst."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.reconstruct.batch import Batch
from monai_vq.reconstruct.scan import SlicePicture

__all__ = ["ShownSlices"]


class ShownSlices:
    """Keeps the middle and the worst slice of a scan while its batches pass; no others stay in memory.

    Args:
        number: of the scan's slices.
    """

    def __init__(self, number: int) -> None:
        self._middle, self._seen = number // 2, 0
        self._pictures: dict[str, SlicePicture] = {}

    @property
    def pictures(self) -> tuple[SlicePicture, ...]:
        """Middle, then worst; one alone where they are the same slice."""
        middle, worst = (self._pictures[rank] for rank in ("middle", "worst"))
        return (middle,) if middle.slice_index == worst.slice_index else (middle, worst)

    def see(self, batch: Batch, scores: pd.DataFrame) -> None:
        """Looks at the next batch and its scores, a row a slice."""
        ssim = scores["ssim_foreground"].fillna(scores["ssim"]).to_numpy()
        place = int(ssim.argmin())
        worst = self._pictures.get("worst")
        if ssim[place] < (math.inf if worst is None else worst.ssim):
            self._pictures["worst"] = _picture("worst", batch, place, float(ssim[place]))
        if 0 <= (place := self._middle - self._seen) < len(ssim):
            self._pictures["middle"] = _picture("middle", batch, place, float(ssim[place]))
        self._seen += len(ssim)


def _picture(rank: str, batch: Batch, place: int, ssim: float) -> SlicePicture:
    x, x_in, x_hat = (_pixels(images[place, 0]) for images in (batch.x, batch.x_in, batch.x_hat))
    return SlicePicture(rank, int(batch.slice_indices[place]), ssim, x, x_in, x_hat)


def _pixels(image: Tensor) -> NDArray[np.float32]:
    return image.cpu().numpy().copy()  # a view would keep its whole batch
