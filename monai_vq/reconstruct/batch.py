"""What a step of a reconstruction hands on to those who watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Batch"]


@dataclass(frozen=True)
class Batch:
    """A few slices on their way through the model.

    Attributes:
        slice_indices: of the slices.
        x: as they were prepared, [B, 1, H, W] in [0, 1].
        x_in: as the model was given them: x, or x with noise.
        x_hat: reconstruction, clipped to [0, 1].
        mask: foreground, bool [B, 1, H, W].
    """

    slice_indices: Sequence[int]
    x: Tensor
    x_in: Tensor
    x_hat: Tensor
    mask: Tensor
