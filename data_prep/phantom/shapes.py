"""Distances to simple shapes, the clay of the phantom's anatomy.

Distances of points [3, N] are [N], both in millimetres, negative inside (exact for tubes of one radius, first-order
else). Shapes are joined with `union` and `intersection`, whose rounded seams keep tissue boundaries smooth. Points are
float32 throughout: a volume has a million of them.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = [
    "Array",
    "Point",
    "ellipsoid",
    "intersection",
    "mirrored",
    "nearest",
    "random_sheets",
    "sample_field",
    "tube",
    "union",
]

Array = NDArray[np.floating]
Point = tuple[float, float, float]

_FIELD_VOXEL = 2.5  # mm; a third of the narrowest gyrus, so linear sampling shows no facets


def ellipsoid(points: Array, centre: Point, radii: Point) -> Array:
    """Returns the first-order distance to an axis-aligned ellipsoid, in mm."""
    scaled = [(p - np.float32(c)) / np.float32(r) for p, c, r in zip(points, centre, radii, strict=True)]
    level = _norm(scaled)
    slope = _norm(s / np.float32(r) for s, r in zip(scaled, radii, strict=True))
    return level * (level - 1) / np.maximum(slope, np.float32(1e-6))


def tube(points: Array, path: Sequence[tuple[Point, float]], width: Array | float = 1.0) -> Array:
    """Returns the distance to a tube along a broken line.

    Args:
        points: [3, N], mm.
        path: the line's corners and the tube's radius at each, mm.
        width: factor on the radii, one number or one a point, [N].
    """
    distances = []
    for (start, start_radius), (end, end_radius) in pairwise(path):
        axis = np.subtract(end, start)
        offset = [p - np.float32(s) for p, s in zip(points, start, strict=True)]
        along = sum(o * np.float32(a / (axis @ axis)) for o, a in zip(offset, axis, strict=True)).clip(0, 1)
        gap = _norm(o - along * np.float32(a) for o, a in zip(offset, axis, strict=True))
        distances.append(gap - width * (start_radius + along * np.float32(end_radius - start_radius)))
    return nearest(*distances)


def union(*distances: Array, seam: float = 3.0) -> Array:
    """Returns the distance to the union of shapes, with seams rounded over about `seam` mm."""
    joined = distances[0]
    for other in distances[1:]:
        overlap = np.maximum(np.float32(seam) - np.abs(joined - other), 0)
        joined = np.minimum(joined, other) - overlap * overlap / np.float32(4 * seam)
    return joined


def nearest(*distances: Array) -> Array:
    """Returns the distance to the union of shapes, with sharp seams."""
    return reduce(np.minimum, distances)


def intersection(*distances: Array, seam: float = 3.0) -> Array:
    """Returns the distance to what all shapes share, with edges rounded over about `seam` mm."""
    return -union(*(-d for d in distances), seam=seam)


def random_sheets(rng: np.random.Generator, *, spacing: float, period: float) -> Array:
    """Draws a random field whose zero level is a set of folded sheets, as sulci are.

    White noise filtered to one band has a labyrinth as its zero level; the field divided by its slope is
    the distance to it.

    Args:
        rng: source of the noise.
        spacing: typical distance between neighbouring sheets, mm.
        period: side of the cube that is filled and then repeated, mm.

    Returns:
        Signed distances to the nearest sheet in mm, [n, n, n], to be read with `sample_field`.
    """
    size = round(period / _FIELD_VOXEL)
    noise = rng.standard_normal((size, size, size), dtype=np.float32)
    sigma = spacing / (2.2 * _FIELD_VOXEL)  # the band's centre, with the two filters below
    blurred = (ndimage.gaussian_filter(noise, factor * sigma, mode="wrap", truncate=3) for factor in (0.8, 1.2))
    field = next(blurred) - next(blurred)
    slope = _norm(np.gradient(np.pad(field, 1, mode="wrap"), _FIELD_VOXEL))[1:-1, 1:-1, 1:-1]
    sheets: Array = field / (slope + np.float32(0.25) * slope.mean())  # where the field is flat no sheet is near
    return sheets


def sample_field(field: Array, points: Array) -> Array:
    """Reads a periodic field of `random_sheets` at points [3, N] in mm, linearly."""
    values: Array = ndimage.map_coordinates(field, points / np.float32(_FIELD_VOXEL), order=1, mode="grid-wrap")
    return values


def mirrored(points: Array) -> Array:
    """Returns points [3, N] folded onto the right half of the head (x >= 0), for paired organs."""
    return np.concatenate([np.abs(points[:1]), points[1:]])


def _norm(components: Iterable[Array]) -> Array:
    first, *others = components
    squared = first * first
    for component in others:
        squared += component * component
    return np.sqrt(squared, out=squared)
