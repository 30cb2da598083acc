"""The rate of a latent in bits per pixel: a reconstruction error without its rate compares nothing."""

import math

import numpy as np
from numpy.typing import ArrayLike

from monai_vq.errors import InputError
from monai_vq.quantizers.base import CONTINUOUS_BITS


def bits_per_pixel(
    latent_shape: tuple[int, int],
    image_size: tuple[int, int],
    num_embeddings: int,
    side_channels: int,
    gain_bits: float = CONTINUOUS_BITS,
) -> float:
    """Rate h·w·(log2 K + G·gain_bits) / (H·W) of a latent that is the same at every position, in bits per pixel.

    It plans comparisons at equal rate; what a slice costs is counted from its own latent (`VQVAE.latent_bits`).

    Args:
        latent_shape: (h, w), positions.
        image_size: (H, W), pixels.
        num_embeddings: K, codewords; 1 where there are no codes (the plain autoencoder).
        side_channels: G, scalars a position beside its code: 0 for vector, 1 for a gain, D for continuous positions.
        gain_bits: bits of each of these scalars.

    Example:
        >>> bits_per_pixel((32, 32), (128, 128), num_embeddings=512, side_channels=1, gain_bits=4)
        0.8125
        >>> bits_per_pixel((32, 32), (128, 128), num_embeddings=8192, side_channels=0)
        0.8125

    Raises:
        InputError: a size or count for which there is no rate.
    """
    if min(*latent_shape, *image_size, num_embeddings) < 1 or min(side_channels, gain_bits) < 0:
        raise InputError(
            "A rate needs positive sizes, num_embeddings >= 1 (1 = no codes) and side_channels, gain_bits >= 0, got "
            f"latent_shape={latent_shape}, image_size={image_size}, num_embeddings={num_embeddings}, "
            f"side_channels={side_channels}, gain_bits={gain_bits}."
        )
    position_bits = math.log2(num_embeddings) + side_channels * gain_bits
    return math.prod(latent_shape) * position_bits / math.prod(image_size)


def code_entropy_bits(train_counts: ArrayLike, counts: ArrayLike) -> float:
    """Bits per code of a lossless coder that knows only the training patients' code histogram.

    The cross-entropy -sum_k q_k log2 p_k with q from `counts` and p_k = (n_k + 1) / (N + K) from `train_counts`: one
    is added to each count, so that a code unseen in training has a finite cost. Scored on the training patients
    themselves it is optimistic.

    Args:
        train_counts: how often each code occurs in the training split, [K].
        counts: the same in the split to be scored, [K].

    Returns:
        Bits per code; NaN where `counts` is all zero.

    Raises:
        InputError: the two histograms have different lengths.
    """
    train, scored = np.asarray(train_counts, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if train.ndim != 1 or train.shape != scored.shape:
        raise InputError(
            f"Both histograms must have one entry a code, got shapes {train.shape} and {scored.shape}. "
            "Count both with one codebook."
        )
    if scored.sum() == 0:
        return float("nan")
    probability = (train + 1) / (train.sum() + train.size)
    return float(-(scored * np.log2(probability)).sum() / scored.sum())
