"""From an item of ``slice_items`` to tensors: read by memory map, resampled in the plane where asked for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.transforms import MapTransform
from torch import Tensor

from monai_vq.data.dataset import resampled_size

OPEN_ARRAYS = 256  # memory maps kept open a process; far below the usual limit of 1,024 files


class LoadSliced(MapTransform):
    """Reads one slice and its foreground mask of a prepared dataset.

    ``image`` becomes float32 [C, H, W] in [0, 1], ``mask`` float32 [1, H, W] of zeros and ones (a tensor of the same
    type, so that one batch resizes both).

    Args:
        allow_missing_keys: do not fail on an item without the keys.
    """

    def __init__(self, allow_missing_keys: bool = False) -> None:
        super().__init__(("image", "mask"), allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns the item with ``image`` and ``mask`` read."""
        item = dict(data)
        for key in self.key_iterator(item):
            array = _open(item[key], Path(item[key]).stat().st_mtime_ns)[item["index"]]
            item[key] = to_unit_range(array) if key == "image" else torch.from_numpy(array[None].astype(np.float32))
        return item


@lru_cache(maxsize=OPEN_ARRAYS)
def _open(path: str, modified: int) -> np.ndarray:
    """Opens an array by memory map; ``modified`` (ns) makes a dataset that was prepared again be read again."""
    return np.load(path, mmap_mode="r")


def to_unit_range(array: np.ndarray) -> Tensor:
    """uint16 or uint8 [H, W], or uint8 [H, W, 3] → float32 [C, H, W] in [0, 1]."""
    values = torch.from_numpy(array.astype(np.float32) / np.iinfo(array.dtype).max)
    return values[None] if values.ndim == 2 else values.permute(2, 0, 1)


class ResampleSliced(MapTransform):
    """Brings a slice from its own pixel size to another, in the plane only; the field of view stays.

    The image is resampled linearly with an anti-aliasing filter where it shrinks, the mask to the nearest pixel.

    Args:
        spacing: (row, column) pixel size in mm; None leaves every slice as it is.
    """

    def __init__(self, spacing: Sequence[float] | None) -> None:
        super().__init__(("image", "mask"))
        self.spacing = None if spacing is None else tuple(float(s) for s in spacing)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Returns the item with ``image`` and ``mask`` resampled."""
        item = dict(data)
        if self.spacing is None or tuple(item["slice_spacing"]) == self.spacing:
            return item
        size = resampled_size(item["image"].shape[-2:], item["slice_spacing"], self.spacing)
        item["image"] = F.interpolate(item["image"][None], size, mode="bilinear", antialias=True)[0].clamp(0, 1)
        item["mask"] = F.interpolate(item["mask"][None], size, mode="nearest-exact")[0]
        return item
