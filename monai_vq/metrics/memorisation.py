"""Whether samples are copies: their nearest training slices, beside those of slices that training never saw.

Dar et al. 2024 (arXiv 2402.01054) found most samples of latent diffusion models of MR images to be near copies of
training images, so a prior can give people away although its codebook holds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu, norm
from torch import Tensor

from monai_vq.errors import InputError

__all__ = ["PERCENTILE", "SIGNIFICANT", "MemorisationTest", "Neighbours", "memorisation_test", "nearest_training"]

LONGER_SIDE = 64  # pixels to which larger images are reduced; finer detail is the decoder's, not a person's
BAND = (0.7, 3.0)  # sigmas in reduced pixels; below is noise, above is what all heads have in common
MAX_SHIFT = 2  # reduced pixels in each direction
FLAT = 1e-3  # norm below which an image has no pattern to be correlated
QUERIES, TRAINING = 256, 4096  # images compared at a time: 4 MB of similarities
PERCENTILE = 95  # of the held-out slices' similarities, beyond which a sample is called close
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Neighbours:
    """The nearest training slice of each image.

    Attributes:
        index: of the training slice, int64 [N].
        similarity: to it, float64 [N], in [-1, 1].
    """

    index: np.ndarray
    similarity: np.ndarray


@dataclass(frozen=True)
class MemorisationTest:
    """Whether samples are closer to training slices than held-out slices are.

    Attributes:
        win_share: probability that a random sample is closer than a random slice of a random held-out patient; 0.5
            where the two do not differ.
        p: one-sided, with a held-out patient as one observation, however many slices it has.
        p_slices: of the Mann–Whitney U test that takes every held-out slice as an observation: too small, as slices of
            a patient are alike.
        threshold: `PERCENTILE` of the held-out slices' similarities, each patient with equal weight.
        share_above: share of samples above the threshold, expected 0.05.
        copy_threshold: half way from the closest held-out slice to a similarity of 1.
        num_copies: samples above it; a few copies among many samples show here alone.
        num_samples: number of samples.
        num_patients: number of held-out patients.
    """

    win_share: float
    p: float
    p_slices: float
    threshold: float
    share_above: float
    copy_threshold: float
    num_copies: int
    num_samples: int
    num_patients: int

    @property
    def fires(self) -> bool:
        """Whether samples are significantly closer to training slices than held-out slices are, or some are copies."""
        return self.p < SIGNIFICANT or self.num_copies > 0


def nearest_training(images: Tensor, train: Tensor | Iterable[Tensor]) -> Neighbours:
    """Finds the training slice of the highest similarity for each image.

    The similarity is the correlation of the images' middle band (a difference of Gaussians on at most 64 x 64 pixels),
    the highest over shifts by up to 2 reduced pixels. On brain slices copies, shifted or decoded from their own
    latents, have .93 and more, other patients' slices .60 to .80; of whole images both have above .95.

    Args:
        images: [N, C, H, W] in [0, 1].
        train: [M, C, H, W] of the same size; or parts of it, one after another, where all are too many for memory.

    Raises:
        InputError: the sizes differ, or there are no training slices.
    """
    index = np.zeros(len(images), dtype=np.int64)
    similarity = np.full(len(images), -np.inf)
    bands, seen = _middle_band(images), 0
    for chunk in train.split(TRAINING) if isinstance(train, Tensor) else train:
        _check_sizes(images, chunk)
        patterns = _unit(_middle_band(chunk))
        for first in range(0, len(images), QUERIES):
            part = slice(first, first + QUERIES)
            best, where = _highest(bands[part], patterns)
            closer = best > similarity[part]
            similarity[part] = np.where(closer, best, similarity[part])
            index[part] = np.where(closer, where + seen, index[part])
        seen += len(chunk)
    if not seen:
        raise InputError("neighbours are sought among training slices, got none: give some.")
    return Neighbours(index, similarity)


def _check_sizes(images: Tensor, train: Tensor) -> None:
    if images.ndim != 4 or not len(train) or images.shape[1:] != train.shape[1:]:
        raise InputError(
            f"neighbours are sought among training slices of the images' size, got images {list(images.shape)} and "
            f"{list(train.shape)}: give both as [N, C, H, W] of one size."
        )


def memorisation_test(
    samples: np.ndarray, heldout: np.ndarray, heldout_patients: Sequence[str] | np.ndarray
) -> MemorisationTest:
    """Compares the samples' similarities to training slices with those of held-out slices.

    Under the null hypothesis the mean over patients of the share of wins has at most the variance of the Mann–Whitney
    statistic with one observation a patient, (N + P + 1) / (12 N P), reached where a patient's slices are all alike;
    the test takes this variance and so never counts slices as if they were people.

    Args:
        samples: similarity of each sample, [N].
        heldout: similarity of each held-out slice, [L].
        heldout_patients: whose it is, [L].

    Raises:
        InputError: there are no samples or no held-out slices, or the patients are not as many as the slices.
    """
    patients = np.asarray(heldout_patients)
    if not len(samples) or not len(heldout) or len(patients) != len(heldout):
        raise InputError(
            f"{len(samples)} samples, {len(heldout)} held-out slices, {len(patients)} patient ids: "
            "give at least one of each and an id a slice."
        )
    own = [heldout[patients == patient] for patient in np.unique(patients)]
    wins = float(np.mean([_win_share(samples, slices) for slices in own]))
    N, P = len(samples), len(own)
    z = (wins - 0.5) / np.sqrt((N + P + 1) / (12 * N * P))
    weights = np.concatenate([np.full(len(slices), 1 / len(slices)) for slices in own])
    threshold = _weighted_percentile(np.concatenate(own), weights)
    copy_threshold = (float(heldout.max()) + 1) / 2
    return MemorisationTest(
        win_share=wins,
        p=float(norm.sf(z)),
        p_slices=float(mannwhitneyu(samples, heldout, alternative="greater").pvalue),
        threshold=threshold,
        share_above=float((samples > threshold).mean()),
        copy_threshold=copy_threshold,
        num_copies=int((samples > copy_threshold).sum()),
        num_samples=N,
        num_patients=P,
    )


def _middle_band(images: Tensor) -> Tensor:
    """Difference of Gaussians [N, C, h, w], float32, of images reduced so that the longer side is at most 64."""
    reduced = images.detach().cpu().float()
    scale = LONGER_SIDE / max(reduced.shape[-2:])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in reduced.shape[-2:]]
        reduced = F.interpolate(reduced, size, mode="bilinear", antialias=True)
    fine, coarse = (gaussian_filter(reduced.numpy(), (0, 0, sigma, sigma)) for sigma in BAND)
    return torch.from_numpy(fine - coarse)


def _highest(bands: Tensor, patterns: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Highest correlation [N] of each image with any pattern [M, C·h·w] at any shift, and which pattern that is."""
    products = torch.full((len(bands), len(patterns)), -torch.inf)
    for shifted in _shifts(bands):
        torch.maximum(products, _unit(shifted) @ patterns.T, out=products)
    best, where = products.max(dim=1)
    return best.double().numpy(), where.numpy()


def _shifts(bands: Tensor) -> Iterator[Tensor]:
    """The bands moved by each shift; what leaves at one side does not come back at the other."""
    padded = F.pad(bands, (MAX_SHIFT,) * 4)
    height, width = bands.shape[-2:]
    for row in range(2 * MAX_SHIFT + 1):
        for column in range(2 * MAX_SHIFT + 1):
            yield padded[..., row : row + height, column : column + width]


def _unit(bands: Tensor) -> Tensor:
    """Zero mean and unit norm, [N, C·h·w]; an image without any pattern becomes 0 and correlates with nothing."""
    flat = bands.flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    length = flat.norm(dim=1, keepdim=True)
    return torch.where(length > FLAT, flat / length.clamp_min(FLAT), torch.zeros_like(flat))


def _win_share(samples: np.ndarray, heldout: np.ndarray) -> float:
    """Probability that a sample's value is the higher one, ties counting half."""
    ordered = np.sort(heldout)
    below = (np.searchsorted(ordered, samples, side="left") + np.searchsorted(ordered, samples, side="right")) / 2
    return float(below.mean() / len(heldout))


def _weighted_percentile(values: np.ndarray, weights: np.ndarray) -> float:
    """The smallest value up to which the share of the weight reaches `PERCENTILE`."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, PERCENTILE / 100 - 1e-12)])
