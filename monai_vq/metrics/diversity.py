"""How much images of a set differ from each other: the mean MS-SSIM of pairs, lower being more diverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from monai.metrics import MultiScaleSSIMMetric
from numpy.typing import ArrayLike
from torch import Tensor

from monai_vq.errors import InputError

__all__ = ["MAX_PAIRS", "POSITION_TOLERANCE", "Diversity", "choose_pairs", "diversity", "ms_ssim_weights"]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, from the finest scale to the coarsest
WINDOW = 11
MAX_PAIRS = 500
MAX_IMAGES = 2000  # among which pairs are drawn: all pairs of more need gigabytes
POSITION_TOLERANCE = 0.05  # of the range of slice positions, 0 to 1
BATCH = 64


@dataclass(frozen=True)
class Diversity:
    """MS-SSIM of pairs of images of one set.

    Attributes:
        ms_ssim: mean over the pairs, in [0, 1]; NaN where no pair is allowed.
        sd: standard deviation over the pairs.
        num_pairs: how many.
        num_scales: of the MS-SSIM; five where the images are large enough.
    """

    ms_ssim: float
    sd: float
    num_pairs: int
    num_scales: int


def diversity(
    images: Tensor,
    *,
    patients: Sequence[str] | np.ndarray | None = None,
    positions: ArrayLike | None = None,
    seed: int = 0,
) -> Diversity:
    """Mean multi-scale structural similarity of pairs of images (Wang et al. 2003), by MONAI's metric.

    A background that all images share raises it, so the number is read beside that of real slices.

    Args:
        images: [N, C, H, W] in [0, 1].
        patients: whose each image is, [N]: pairs are then of two patients.
        positions: of each slice in its scan, [N], 0 to 1: pairs are then of slices at most `POSITION_TOLERANCE` apart.
        seed: of the choice of pairs.

    Raises:
        InputError: the images are too small.
    """
    weights = ms_ssim_weights(images.shape[-2:])
    metric = MultiScaleSSIMMetric(spatial_dims=2, data_range=1.0, weights=weights, reduction="none")
    pairs = choose_pairs(len(images), patients=patients, positions=positions, seed=seed)
    scores = [
        metric(images[batch[:, 0]].float(), images[batch[:, 1]].float())[:, 0].double().cpu().numpy()
        for batch in np.split(pairs, range(BATCH, len(pairs), BATCH))
        if len(batch)
    ]
    if not scores:
        return Diversity(float("nan"), float("nan"), 0, len(weights))
    values = np.concatenate(scores)
    return Diversity(float(values.mean()), float(values.std()), len(values), len(weights))


def choose_pairs(
    number: int,
    *,
    patients: Sequence[str] | np.ndarray | None = None,
    positions: ArrayLike | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draws at most `MAX_PAIRS` pairs of different images, each pair once, int64 [n, 2]; see `diversity`."""
    rng = np.random.default_rng(seed)
    candidates = np.sort(rng.permutation(number)[:MAX_IMAGES])
    first, second = (candidates[index] for index in np.triu_indices(len(candidates), k=1))
    allowed = np.ones(len(first), dtype=bool)
    if patients is not None:
        ids = np.asarray(patients)
        allowed &= ids[first] != ids[second]
    if positions is not None:
        place = np.asarray(positions, dtype=float)
        allowed &= np.abs(place[first] - place[second]) <= POSITION_TOLERANCE
    pairs = np.stack([first[allowed], second[allowed]], axis=1)
    order = rng.permutation(len(pairs))[:MAX_PAIRS]
    return pairs[np.sort(order)]


def ms_ssim_weights(size: Sequence[int]) -> tuple[float, ...]:
    """The weights of as many scales as images of a size (rows, columns) allow, scaled to a sum of 1.

    Raises:
        InputError: not even one scale fits, its window being 11 x 11 pixels.
    """
    side = min(size)
    if side < WINDOW:
        raise InputError(f"MS-SSIM needs images of at least {WINDOW} x {WINDOW} pixels, got {size[0]} x {size[1]}.")
    # the second condition is MONAI's own, stricter than the window needs: 5 scales from 176 pixels on
    fits = [n for n in range(1, 6) if side >> (n - 1) >= WINDOW and side // max(1, n - 1) ** 2 >= WINDOW]
    weights = WEIGHTS[: max(fits)]
    return tuple(weight / sum(weights) for weight in weights)
