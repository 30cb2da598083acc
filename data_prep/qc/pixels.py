"""Slices of any stored type as pixels of 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["to_grey", "to_uint8"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue: ITU-R BT.601, as in JPEG


def to_uint8(slices: NDArray[Any]) -> NDArray[np.uint8]:
    """Drops the lower half of 16 bits.

    Args:
        slices: uint16 or uint8 [..., H, W], or uint8 [..., H, W, 3].

    Returns:
        uint8, same shape.
    """
    return (slices >> 8).astype(np.uint8) if slices.dtype == np.uint16 else slices.astype(np.uint8, copy=False)


def to_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The brightness of one slice, [H, W] or [H, W, 3]; uint8 [H, W]."""
    return image if image.ndim == 2 else np.rint(image @ _LUMA).astype(np.uint8)
