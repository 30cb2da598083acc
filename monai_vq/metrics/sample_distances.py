"""Distances between two sets of images, from their features: Fréchet's and the maximum mean discrepancy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from monai_vq.errors import InputError

__all__ = ["frechet_distance", "mmd"]


def frechet_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Squared Fréchet distance of two Gaussians fitted to features (Dowson & Landau 1982; Heusel et al. 2017).

    ‖μa − μb‖² + tr(Σa + Σb − 2 (Σa Σb)^½). With Σ = AᵀA of scaled and centred features A, the trace of the root is the
    nuclear norm ‖A Bᵀ‖∗: no matrix root, no complex numbers, and exact where a covariance is singular. The estimate is
    too large by a term that falls as 1/N, so only distances of equally many images are comparable.

    Args:
        a: features [N, d].
        b: features [M, d].

    Returns:
        The distance, 0 for equal sets, in squared units of the features.

    Raises:
        InputError: the numbers of features differ, or a set has fewer than two images.
    """
    _check_features(a, b)
    root_a, root_b = _covariance_root(a), _covariance_root(b)
    shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    nuclear = np.linalg.norm(root_a @ root_b.T, ord="nuc")
    return float(max(shift + np.square(root_a).sum() + np.square(root_b).sum() - 2 * nuclear, 0.0))


def mmd(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Unbiased squared maximum mean discrepancy under the distance kernel, −‖x − y‖ / √d (Sejdinovic et al. 2013).

    That is the energy distance of Székely and Rizzo, 2 E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖, in units of √d. Unlike
    Fréchet's it assumes no Gaussian and has no bias by the number of images: equal distributions give values about 0,
    negative ones too. The kernel has no bandwidth. On brain slices a Gaussian kernel saturates, so that blurred slices
    came out farther than shuffled patches, and a cubic one varied more between draws than held-out patients differ.

    Args:
        a: features [N, d].
        b: features [M, d].

    Raises:
        InputError: the numbers of features differ, or a set has fewer than two images.
    """
    _check_features(a, b)
    energy = 2 * cdist(a, b).mean() - pdist(a).mean() - pdist(b).mean()  # pdist: pairs of different images, unbiased
    return float(energy / np.sqrt(a.shape[1]))


def _covariance_root(features: np.ndarray) -> np.ndarray:
    """R [min(N, d), d] with RᵀR the sample covariance."""
    centred = features - features.mean(axis=0)
    return np.linalg.qr(centred, mode="r") / np.sqrt(len(features) - 1)


def _check_features(a: np.ndarray, b: np.ndarray) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise InputError(
            f"a distance compares two sets of at least 2 images by features [N, d] of one d, got {list(a.shape)} and "
            f"{list(b.shape)}: give more images, or the features of one SampleFeatures."
        )
