"""Lesions planted into the slices of healthy scans, so that what should be found is known to the pixel."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_vq.anomaly.blobs import blob_weight, smooth_field
from monai_vq.errors import InputError

__all__ = ["LESION_SETS", "TESTING", "TUNING", "Lesion", "LesionSet", "Planted", "plant_lesions"]

SURFACE_MM = 12.0  # skull and scalp, where the skull is not stripped; a lesion ends below them
TISSUE = 0.25  # of white; a site as dark as air or bone has nothing that a lesion could darken
TISSUE_SIGMA = 0.5  # radii over which a site's brightness is averaged
APART = 1.5  # radii within which a lesion, wavy as it is, ends; sites leave so much room around others and the border
TEXTURE_MM = 4.0  # correlation length of the texture
TEXTURE = "texture"
HALVES = ("upper", "lower")


@dataclass(frozen=True)
class LesionSet:
    """Which lesions may be planted.

    Attributes:
        name: of the set.
        strengths: for each kind, what is added to the image, in shares of white; for the kind ``texture``, the standard
            deviation of the noise that takes the tissue's place around its mean.
        radii_mm: of the spheres of the lesions' volume.
        half: in which half of the head's rows all of a lesion lies, ``upper`` (in axial slices the front) or ``lower``.
    """

    name: str
    strengths: Mapping[str, tuple[float, ...]]
    radii_mm: tuple[float, ...]
    half: str


# What is chosen on TUNING is reported on TESTING: they share no intensity, no size and no site.
TUNING = LesionSet(
    "tuning",
    {"hyperintense": (0.25, 0.4), "hypointense": (-0.25, -0.4), TEXTURE: (0.15,)},
    radii_mm=(4.0, 8.0),
    half="upper",
)
TESTING = LesionSet(
    "testing",
    {"hyperintense": (0.3, 0.5), "hypointense": (-0.3, -0.5), TEXTURE: (0.1, 0.2)},
    radii_mm=(3.0, 6.0, 12.0),
    half="lower",
)
LESION_SETS = {lesions.name: lesions for lesions in (TUNING, TESTING)}


@dataclass(frozen=True)
class Lesion:
    """One planted lesion: its kind, strength, radius in mm, and centre (place in the stack, row, column)."""

    kind: str
    strength: float
    radius_mm: float
    centre: tuple[int, int, int]


@dataclass(frozen=True)
class Planted:
    """A scan with lesions.

    Attributes:
        images: float32 [S, H, W] in [0, 1].
        labels: uint8 [S, H, W]; n in the pixels of the n-th lesion, counted from 1, and 0 elsewhere.
        lesions: in their order.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.uint8]
    lesions: tuple[Lesion, ...] = field(default=())

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where there is a lesion, [S, H, W]."""
        return self.labels > 0


def plant_lesions(
    images: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    positions_mm: Sequence[float],
    spacing: Sequence[float],
    lesion_set: LesionSet,
    scan_id: str,
    seed: int = 0,
) -> Planted:
    """Plants one lesion of each kind and strength of a set, each of a radius and at a site of its own.

    Args:
        images: slices of one scan, [S, H, W] in [0, 1].
        foreground: same shape.
        positions_mm: where each slice lies across the plane, [S], mm.
        spacing: (row, column) pixel size in mm.
        lesion_set: what may be planted.
        scan_id: each scan has lesions of its own.
        seed: equal scans and seeds give equal lesions.

    Raises:
        InputError: if a lesion finds no site, as in slices with too little foreground.
    """
    rng = np.random.default_rng([seed, zlib.crc32(scan_id.encode()), zlib.crc32(lesion_set.name.encode())])
    free = _depth(foreground, spacing) - SURFACE_MM  # how large a lesion may be, mm
    np.minimum(free, _room_in_half(foreground, spacing, lesion_set.half), out=free)
    planted, labels, lesions = images.astype(np.float32), np.zeros(images.shape, np.uint8), []
    for kind, strength in [(kind, value) for kind, values in lesion_set.strengths.items() for value in values]:
        centre, radius = _find_site(planted, free, spacing, lesion_set, rng, scan_id)
        offsets = _offsets(centre, positions_mm, images.shape[1:], spacing)
        distance = np.linalg.norm(np.stack(np.broadcast_arrays(*offsets)), axis=0)
        near = distance < 2 * APART * radius
        points = np.stack([np.broadcast_to(axis, images.shape)[near] for axis in offsets], axis=-1)
        weight = blob_weight(points, radius, rng) * foreground[near]
        planted[near] = _blend(planted[near], weight, points, kind, strength, rng)
        lesions.append(Lesion(kind, strength, radius, centre))
        labels[near] = np.where(weight >= 0.5, len(lesions), labels[near])
        np.minimum(free, distance - APART * radius, out=free)
    return Planted(planted, labels, tuple(lesions))


def _offsets(
    centre: tuple[int, int, int], positions_mm: Sequence[float], size: Sequence[int], spacing: Sequence[float]
) -> tuple[NDArray[np.float64], ...]:
    """How far every pixel lies from the centre along (slice, row, column), mm: [S, 1, 1], [1, H, 1] and [1, 1, W]."""
    axes = [np.asarray(positions_mm, float), *(np.arange(n) * mm for n, mm in zip(size, spacing, strict=True))]
    return np.ix_(*(axis - axis[place] for axis, place in zip(axes, centre, strict=True)))


def _depth(foreground: NDArray[np.bool_], spacing: Sequence[float]) -> NDArray[np.float64]:
    """Distance to the background within the slice, mm, [S, H, W]; what lies outside the image is background."""
    padded = np.pad(foreground, ((0, 0), (1, 1), (1, 1)))
    return np.stack([ndimage.distance_transform_edt(one, spacing) for one in padded])[:, 1:-1, 1:-1]


def _room_in_half(foreground: NDArray[np.bool_], spacing: Sequence[float], half: str) -> NDArray[np.float64]:
    """Distance of each row to the other half of the scan's rows in mm, negative in it, [1, H, 1]."""
    rows = np.flatnonzero(foreground.any(axis=(0, 2)))
    middle = (rows[0] + rows[-1]) / 2 if rows.size else 0.0
    below = (np.arange(foreground.shape[1]) - middle) * spacing[0]
    return (below if half == "lower" else -below)[None, :, None]


def _find_site(
    images: NDArray[np.float32],
    free: NDArray[np.float64],
    spacing: Sequence[float],
    lesion_set: LesionSet,
    rng: np.random.Generator,
    scan_id: str,
) -> tuple[tuple[int, int, int], float]:
    """Draws a radius, the next one where it fits nowhere, and a site of bright enough tissue for it."""
    for radius in rng.permutation(lesion_set.radii_mm):
        sigma = [0.0, *(TISSUE_SIGMA * radius / mm for mm in spacing)]
        sites = np.argwhere((free >= APART * radius) & (ndimage.gaussian_filter(images, sigma) >= TISSUE))
        if len(sites):
            place, row, column = (int(index) for index in sites[rng.integers(len(sites))])
            return (place, row, column), float(radius)
    raise InputError(
        f"scan {scan_id} has no site for a lesion of {min(lesion_set.radii_mm):g} mm in its {lesion_set.half} half, "
        f"{SURFACE_MM:g} mm below the surface; leave the scan out, or plant into larger heads."
    )


def _blend(
    images: NDArray[np.float32],
    weight: NDArray[np.float64],
    offsets: NDArray[np.float64],
    kind: str,
    strength: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    if kind != TEXTURE:
        return np.clip(images + strength * weight, 0, 1).astype(np.float32)
    mean = (images * weight).sum() / max(weight.sum(), 1e-6)
    texture = mean + strength * smooth_field(offsets, TEXTURE_MM, rng)
    return np.clip(images + weight * (texture - images), 0, 1).astype(np.float32)
