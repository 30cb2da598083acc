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
        codes: of the training patients, [N, h, w].
        side: [N, G, h, w].
    """

    def __init__(self, alphabet: LatentAlphabet, codes: Tensor, side: Tensor) -> None:
        self.alphabet = alphabet
        carried = alphabet.has_side[codes]
        indices = alphabet.encode(codes, side).movedim(1, 0)  # [G, N, h, w]
        self.code_bits = _table(codes, alphabet.num_embeddings)
        self.level_bits = [_table(gain[carried], alphabet.num_levels) for gain in indices]

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """Returns the bits of codes [B, h, w] and side [B, G, h, w], whatever the condition."""
        indices = self.alphabet.encode(codes, side)
        gains = indices.float()
        for g, table in enumerate(self.level_bits):
            gains[:, g] = table.to(codes.device)[indices[:, g]] * self.alphabet.has_side[codes]
        return LatentBits(self.code_bits.to(codes.device)[codes], gains, torch.zeros_like(codes, dtype=torch.float32))


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


def _table(symbols: Tensor, number: int) -> Tensor:
    """−log2 of the share of each of a number of symbols, float32, one added to each count."""
    counts = torch.bincount(symbols.flatten(), minlength=number).double() + 1
    return -(counts / counts.sum()).log2().float()
