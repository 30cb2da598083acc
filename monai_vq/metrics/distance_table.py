"""Distances of several sets of images to training slices, in equal numbers so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from monai_vq.errors import InputError
from monai_vq.metrics.sample_distances import frechet_distance, mmd

__all__ = ["HALVES", "MAX_REFERENCE", "REPEATS", "distance_table"]

HALVES = "other half of the training slices"
REPEATS = 10
MAX_REFERENCE = 2000  # training slices a repeat compares with; the distance of all pairs of more takes seconds


def distance_table(
    train: np.ndarray, sets: Mapping[str, np.ndarray], n_images: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """Fréchet distance and MMD of each set to a random half of the training slices, and of the other half to it.

    Equally many images of each set are drawn, again for each of the `REPEATS` halves. The other half is what no set of
    new patients can reach, as it has neighbouring slices of the same scans.

    Args:
        train: features of the training slices, [M, d], M at least 4.
        sets: features [N, d] by name; any N of 2 or more.
        n_images: of each set; None takes as many as the smallest set has, and at most half the training slices.
        seed: of the draws.

    Returns:
        A row a set, `HALVES` first: `images`, `n_images`, `n_reference`, and `frechet`, `mmd` with their standard
        deviations over the draws, `frechet_sd`, `mmd_sd`.

    Raises:
        InputError: there are too few images, or as `frechet_distance` does.
    """
    half = len(train) // 2
    n = n_images or min(half, *(len(features) for features in sets.values()))
    if n < 2 or half < n:
        raise InputError(
            f"distances of {n} images to one half of {len(train)} training slices cannot be taken: "
            "give at least 2 images of each set and twice as many training slices."
        )
    rows = []
    for repeat in range(REPEATS):
        rng = np.random.default_rng([seed, repeat])
        order = rng.permutation(len(train))
        reference = train[order[: min(half, MAX_REFERENCE)]]
        draws = {HALVES: train[order[half : half + n]]} | {
            name: features[rng.permutation(len(features))[:n]] for name, features in sets.items()
        }
        for name, drawn in draws.items():
            scores = {"frechet": frechet_distance(drawn, reference), "mmd": mmd(drawn, reference)}
            rows.append({"images": name, "n_images": len(drawn), "n_reference": len(reference), **scores})
    return _summarise(pd.DataFrame(rows))


def _summarise(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.groupby(["images", "n_images", "n_reference"], sort=False)
    scores = groups.agg(
        frechet=("frechet", "mean"), frechet_sd=("frechet", "std"), mmd=("mmd", "mean"), mmd_sd=("mmd", "std")
    )
    return scores.reset_index()
