"""Features of images for distances between sets of them, computed and not downloaded.

An image is described by how bright it is and how much detail of each scale and direction it has, both by region:

    image ─┬─ mean over 8 x 8 cells ───────────────────────────────┐
           └─ Haar details of every octave ─ log energy, 4 x 4 cells ─┴─ standardise ─ PCA ─ features

Networks trained on photographs, which the usual Fréchet distance needs, know little of MR images and must be fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from monai_vq.errors import InputError

__all__ = ["NUM_FEATURES", "SampleFeatures", "describe"]

NUM_FEATURES = 32
BRIGHTNESS_GRID = 8  # cells a side
DETAIL_GRID = 4  # cells a side: 192 pixels of a slice of 64 x 48 are enough for an energy
SMALLEST_SIDE = 8  # pixels; an octave whose shorter side is smaller says nothing that the brightness does not
FAINT = 0.01  # amplitude, as a share of the intensity range, below which detail is noise
SMALLEST_SD = {"brightness": 0.01, "detail": 0.1}  # what never varied in training must not count without bound
BATCH = 256


@dataclass(frozen=True)
class SampleFeatures:
    """Maps images to the principal components of standardised descriptions, both learnt from training slices.

    Attributes:
        mean: of the descriptions, float64 [F].
        sd: of the descriptions, at least `SMALLEST_SD`, float64 [F].
        components: orthonormal, float64 [d, F].
        explained: share of the standardised descriptions' variance that the components hold, in [0, 1].
    """

    mean: np.ndarray
    sd: np.ndarray
    components: np.ndarray
    explained: float

    @classmethod
    def fit(cls, train: Tensor, num_features: int = NUM_FEATURES) -> Self:
        """Learns from training slices, and from them alone: what is judged must not set its own scale.

        Args:
            train: images [N, C, H, W] in [0, 1].
            num_features: d; fewer where there are fewer images or fewer numbers in a description.

        Raises:
            InputError: as `describe` does, or there are fewer than two images.
        """
        if len(train) < 2:
            raise InputError(f"features are learnt from at least 2 training slices, got {len(train)}.")
        descriptions = describe(train)
        mean = descriptions.mean(axis=0)
        sd = np.maximum(descriptions.std(axis=0), _smallest_sd(train))
        _, singular, components = np.linalg.svd((descriptions - mean) / sd, full_matrices=False)
        kept = components[:num_features]
        signs = np.sign(kept[np.arange(len(kept)), np.abs(kept).argmax(axis=1)])  # a component's sign is arbitrary
        total = float((singular**2).sum())
        explained = float((singular[:num_features] ** 2).sum()) / total if total else 1.0
        return cls(mean, sd, kept * signs[:, None], explained)

    def __call__(self, images: Tensor) -> np.ndarray:
        """Returns the features [N, d], float64, of images [N, C, H, W] of the size that was learnt from."""
        descriptions = describe(images)
        if descriptions.shape[1] != len(self.mean):
            raise InputError(
                f"images {list(images.shape[1:])} have {descriptions.shape[1]} numbers each, the training slices had "
                f"{len(self.mean)}: bring both to one size and number of channels."
            )
        return (descriptions - self.mean) / self.sd @ self.components.T


def describe(images: Tensor) -> np.ndarray:
    """Brightness of 8 x 8 cells, and log10 energy of Haar details in 4 x 4 cells of every octave.

    Args:
        images: [N, C, H, W] in [0, 1], of at least 8 x 8 pixels.

    Returns:
        Descriptions [N, F], float64: for each channel 64 brightnesses, then 3 · 16 energies an octave (horizontal,
        vertical and diagonal), from the finest to the coarsest.

    Raises:
        InputError: the images are of another shape, too small, or leave [0, 1].
    """
    _check_images(images)
    batches = [_describe_batch(batch.detach().cpu().double()) for batch in images.split(BATCH)]
    return torch.cat(batches).numpy()


def _describe_batch(images: Tensor) -> Tensor:
    parts = [F.adaptive_avg_pool2d(images, BRIGHTNESS_GRID)]
    for details in _octaves(images):
        energy = F.adaptive_avg_pool2d(details.square(), DETAIL_GRID)
        parts.append((energy + FAINT**2).log10())
    return torch.cat([part.flatten(1) for part in parts], dim=1)


def _octaves(images: Tensor) -> Iterator[Tensor]:
    """Haar details [N, 3 C, H - 1, W - 1] of every octave (Mallat 1989), at every pixel: a shift changes little."""
    while min(images.shape[-2:]) >= SMALLEST_SIDE:
        a, b = images[..., :-1, :-1], images[..., :-1, 1:]
        c, d = images[..., 1:, :-1], images[..., 1:, 1:]
        yield torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], dim=1) / 2
        images = F.avg_pool2d(images, 2)


def _smallest_sd(images: Tensor) -> np.ndarray:
    n_brightness = images.shape[1] * BRIGHTNESS_GRID**2
    floors = np.full(_describe_batch(images[:1].detach().cpu().double()).shape[1], SMALLEST_SD["detail"])
    floors[:n_brightness] = SMALLEST_SD["brightness"]
    return floors


def _check_images(images: Tensor) -> None:
    """Refuses what would give features of something else."""
    if images.ndim != 4 or min(images.shape[-2:]) < SMALLEST_SIDE:
        raise InputError(
            f"features are of images [N, C, H, W] of at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels, "
            f"got {list(images.shape)}."
        )
    if images.numel() and not (images.min() >= 0 and images.max() <= 1):  # written so that NaN is refused as well
        raise InputError(
            f"features are of images in [0, 1], got values from {images.min():.4g} to {images.max():.4g}: "
            "clip what a decoder gives."
        )
