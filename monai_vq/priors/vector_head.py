"""The vector at a continuous position of a frequency latent: a diagonal Gaussian, given its code and the past."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from monai_vq.priors.alphabet import LatentAlphabet

MIN_LOG_SCALE, MAX_LOG_SCALE = -7.0, 7.0  # a scale of e^-7 of what the encoder gives is exact for any decoder


class VectorHead(nn.Module):
    """Mean and scale of each of D values. Its densities have units: they are no bits of a code and are never added.

    Args:
        dim: of the hidden state.
        alphabet: with vectors of D floats.
    """

    def __init__(self, dim: int, alphabet: LatentAlphabet) -> None:
        super().__init__()
        self.codes = nn.Embedding(alphabet.num_embeddings, dim)
        self.mix = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU())
        self.to_gaussian = nn.Linear(dim, 2 * alphabet.vector_size)

    def forward(self, hidden: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and natural logarithm of the scale, [..., D] each, of hidden [..., dim] and codes [...]."""
        mean, log_scale = self.to_gaussian(self.mix(hidden + self.codes(codes))).float().chunk(2, dim=-1)
        return mean, log_scale.clamp(MIN_LOG_SCALE, MAX_LOG_SCALE)

    def density_bits(self, hidden: Tensor, codes: Tensor, vectors: Tensor) -> Tensor:
        """Returns −log2 of the density at vectors [..., D], [...]."""
        mean, log_scale = self(hidden, codes)
        nats = 0.5 * ((vectors - mean) * (-log_scale).exp()).square() + log_scale + 0.5 * math.log(2 * math.pi)
        return nats.sum(dim=-1) / math.log(2)

    def sample(
        self, hidden: Tensor, codes: Tensor, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws vectors [..., D]; the scale is multiplied by the square root of temperature."""
        mean, log_scale = self(hidden, codes)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return mean + math.sqrt(temperature) * log_scale.exp() * noise
