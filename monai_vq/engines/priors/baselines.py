"""What a prior is compared with: models of a latent's symbols that know nothing of their neighbours."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from monai_vq.priors import LatentAlphabet, LatentBits


class BitCounter(Protocol):
    """Anything that says how many bits a latent's symbols take."""

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """Returns the bits of codes [B, h, w] and side [B, G, h, w]."""


class OrderZero:
    """Codes, and each gain's levels, by how often the training patients have them: the empirical entropy.

    One is added to each count, so that a symbol unseen in training has a finite cost, as in
    `monai_vq.metrics.code_entropy_bits`. It has no density for the vectors of a frequency latent.

    Args:
        alphabet: of the latents.
    """

    def __init__(self, alphabet: LatentAlphabet) -> None:
        self.alphabet = alphabet
        device = alphabet.has_side.device
        self.counts = torch.zeros(alphabet.num_embeddings, dtype=torch.int64, device=device)
        self.level_counts = torch.zeros(alphabet.num_gains, alphabet.num_levels, dtype=torch.int64, device=device)

    def fit(self, codes: Tensor, side: Tensor) -> None:
        """Counts the symbols of training images, codes [N, h, w] and side [N, G, h, w], beside those before."""
        self.counts += torch.bincount(codes.flatten(), minlength=len(self.counts))
        carried = self.alphabet.has_side[codes]
        for counts, levels in zip(self.level_counts, self.alphabet.encode(codes, side).unbind(1), strict=True):
            counts += torch.bincount(levels[carried], minlength=len(counts))

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """Returns the bits of codes [B, h, w] and side [B, G, h, w], whatever the condition."""
        indices = self.alphabet.encode(codes, side)
        gains = indices.float()
        for g, counts in enumerate(self.level_counts):
            gains[:, g] = _bits(counts)[indices[:, g]] * self.alphabet.has_side[codes]
        return LatentBits(_bits(self.counts)[codes], gains, torch.zeros_like(codes, dtype=torch.float32))


class Uniform:
    """All codes, and all levels, alike: log2 K bits a code, ``gain_bits`` a gain, as a file without a prior has them.

    Args:
        alphabet: of the latents.
    """

    def __init__(self, alphabet: LatentAlphabet) -> None:
        self.alphabet = alphabet

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """Returns the bits of codes [B, h, w] and side [B, G, h, w]."""
        each = torch.full_like(codes, math.log2(self.alphabet.num_embeddings), dtype=torch.float32)
        gains = torch.zeros_like(self.alphabet.encode(codes, side), dtype=torch.float32)
        gains += (self.alphabet.gain_bits or 0) * self.alphabet.has_side[codes].unsqueeze(1)
        return LatentBits(each, gains, torch.zeros_like(each))


def _bits(counts: Tensor) -> Tensor:
    """−log2 of the share of each symbol, float32, one added to each count."""
    smoothed = counts.double() + 1
    return -(smoothed / smoothed.sum()).log2().float()
