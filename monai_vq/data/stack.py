"""Images that come as slices: no volume, no affine, only pixels in an order."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SliceStack"]


@dataclass(frozen=True)
class SliceStack:
    """Slices of one scan, or images of one class, of one size.

    Attributes:
        slices: uint8 or uint16 [S, H, W], or uint8 [S, H, W, 3]; 0 is black, the type's largest value white.
        mask: foreground, bool [S, H, W]; not empty in any slice.
        slice_indices: the number of each slice in its source; increasing.
        sha256: of the files' bytes (see `files_sha256`).
        plane: `axial`, `coronal` or `sagittal`; empty where the source does not say.
        slice_spacing: (row, column) pixel size in mm; 1 where the source does not say.
        labels: tissue labels of the pixels, uint8 [S, H, W], where the source has them.
    """

    slices: NDArray[Any]
    mask: NDArray[np.bool_]
    slice_indices: tuple[int, ...]
    sha256: str
    plane: str = ""
    slice_spacing: tuple[float, float] = (1.0, 1.0)
    labels: NDArray[np.uint8] | None = None
