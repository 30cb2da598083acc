"""Shapes of planted lesions: wavy ellipsoids and smooth noise, both of points in space and not of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["blob_weight", "smooth_field"]

WAVES = 64  # of a field; with so many its values are as good as normally distributed
STRETCH = 1.35  # largest ratio of a semi-axis to the radius; the volume stays that of the sphere
ROUGHNESS = 0.12  # standard deviation of the border, in radii
EDGE = 0.25  # width of the border in radii, from all lesion to none: partial volume, and no contour to detect


def smooth_field(points: NDArray[np.float64], length: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random field of mean 0, variance 1 and correlation exp(-d² / 2 length²) at the distance d.

    A sum of plane waves of random direction (random Fourier features; Rahimi and Recht 2007), so that it has a value at
    every point: neighbouring slices agree, whatever their distance.

    Args:
        points: places in mm, [..., 3].
        length: in mm.
        rng: draws the waves; how many points there are changes nothing.

    Returns:
        The field at the points, [...].
    """
    frequencies = rng.normal(scale=1 / length, size=(3, WAVES))
    phases = rng.uniform(0, 2 * np.pi, WAVES)
    field: NDArray[np.float64] = np.cos(points @ frequencies + phases).sum(axis=-1) * np.sqrt(2 / WAVES)
    return field


def blob_weight(offsets: NDArray[np.float64], radius: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """How much of each point is lesion: 1 inside an ellipsoid, 0 outside, 1/2 on its wavy border.

    Args:
        offsets: places relative to the lesion's centre in mm, [..., 3].
        radius: of the sphere of the same volume, mm.
        rng: draws the axes, their directions and the border.

    Returns:
        Weights in [0, 1], [...].
    """
    semi_axes = np.exp(rng.uniform(-1, 1, 3) * np.log(STRETCH))
    semi_axes *= radius / semi_axes.prod() ** (1 / 3)
    directions, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    distance = np.linalg.norm(offsets @ directions / semi_axes, axis=-1)  # 1 on the ellipsoid
    border = 1 + ROUGHNESS * smooth_field(offsets, radius / 2, rng)
    weight: NDArray[np.float64] = np.clip((border - distance) / EDGE + 0.5, 0, 1)
    weight[distance > 1 + 4 * ROUGHNESS] = 0  # no islands beyond
    return weight
