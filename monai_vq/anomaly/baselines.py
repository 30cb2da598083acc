"""Maps that know no prior, which a prior must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_vq.anomaly.normal import NormalMap

__all__ = ["healthy_deviation", "median_difference", "reconstruction_error"]


def reconstruction_error(x: NDArray[np.floating], x_hat: NDArray[np.floating]) -> NDArray[np.floating]:
    """|x − x_hat| of slices [S, H, W]: what stage 1 has not learned to draw."""
    return np.abs(x - x_hat)


def median_difference(x: NDArray[np.floating], foreground: NDArray[np.bool_]) -> NDArray[np.floating]:
    """|x − median of the scan's foreground|, [S, H, W]: a threshold on it calls what is very bright or very dark."""
    return np.abs(x - np.median(x[foreground]))


def healthy_deviation(
    x: NDArray[np.floating], slice_positions: NDArray[np.floating], normal: NormalMap
) -> NDArray[np.floating]:
    """How many standard deviations slices [S, H, W] are brighter or darker than healthy ones at the same place."""
    return np.abs(normal.deviation(x, slice_positions))
