"""What makes one simulated head differ from another: size, folds, contrast and atrophy."""

from dataclasses import dataclass

import numpy as np

from data_prep.phantom.shapes import Array, random_sheets

__all__ = ["Anatomy", "draw_anatomy"]

_WARP_WAVES = 4


@dataclass(frozen=True)
class Anatomy:
    """What makes one head, at one age, different from another.

    Attributes:
        scale: size of the head against the average, along x, y and z.
        petalia: mm by which the right frontal and the left occipital lobe protrude.
        ventricle_width: factor on the radii of the ventricles, 1 in a healthy 65-year-old.
        sulcus_width: half the width of a sulcus, mm.
        cortex_thickness: thickness of the grey ribbon, mm.
        grey: T1 intensity of grey matter, a fraction of the scanner's range.
        white: T1 intensity of white matter.
        warp: waves that bend the head: amplitudes in mm [3, n], wave vectors in 1/mm [n, 3], phases [n].
        sulci: distance to the sulci, drawn by `random_sheets`.
        texture: the same, finer, for muscle, marrow and air cells.
    """

    scale: tuple[float, float, float]
    petalia: float
    ventricle_width: float
    sulcus_width: float
    cortex_thickness: float
    grey: float
    white: float
    warp: tuple[Array, Array, Array]
    sulci: Array
    texture: Array


def draw_anatomy(rng: np.random.Generator, *, age: float, diagnosis: str, sex: str) -> Anatomy:
    """Draws one head; with the same `rng` state, only the atrophy depends on age and diagnosis.

    Args:
        rng: the patient's own generator.
        age: years; ventricles and sulci widen with it.
        diagnosis: "CN" or "AD", which widens them further and thins the cortex.
        sex: "F" or "M"; heads of men are 3 % larger.
    """
    size = (0.94 if sex == "M" else 0.915) * rng.normal(1, 0.012)
    atrophy = (age - 65) / 20 + (1.3 if diagnosis == "AD" else 0.0)
    directions = rng.normal(size=(_WARP_WAVES, 3))
    wavelengths = rng.uniform(80, 150, (_WARP_WAVES, 1))
    vectors = 2 * np.pi * directions / np.linalg.norm(directions, axis=1, keepdims=True) / wavelengths
    return Anatomy(
        scale=tuple(size * rng.normal(1, [0.02, 0.02, 0.015])),
        petalia=rng.uniform(2.5, 5.0),
        ventricle_width=float(np.clip(rng.normal(1, 0.06) + 0.28 * atrophy, 0.7, 2.0)),
        sulcus_width=float(np.clip(rng.normal(0.75, 0.05) + 0.22 * atrophy, 0.5, 1.5)),
        cortex_thickness=rng.normal(2.9, 0.1) - 0.2 * atrophy,
        grey=rng.normal(0.56, 0.015),
        white=rng.normal(0.86, 0.015),
        warp=(
            rng.normal(0, 0.7, (3, _WARP_WAVES)).astype(np.float32),
            vectors.astype(np.float32),
            rng.uniform(0, 2 * np.pi, _WARP_WAVES).astype(np.float32),
        ),
        sulci=random_sheets(rng, spacing=17, period=160),
        texture=random_sheets(rng, spacing=8, period=120),
    )
