"""What a latent is made of: the words behind its rate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from monai_vq.quantizers.base import CONTINUOUS_BITS


@dataclass(frozen=True)
class LatentFormat:
    """What the latents of a model are made of. What they cost is counted slice by slice, by `VQVAE.latent_bits`.

    Attributes:
        latent_shape: (h, w), positions.
        image_size: (H, W), pixels.
        num_embeddings: K, codewords; 1 where there are no codes (the plain autoencoder, the VAE).
        side_scalars: scalars that a position stores beside its code: 0 for vector, G gains, D for a continuous
            position; a fraction where positions share them.
        scalar_bits: bits of each of these scalars.
        continuous: for each split, the share of positions that store side scalars, in [0, 1]; empty where all do.
        is_bound: the rate is KL / ln 2, a bound, in place of what is stored.
    """

    latent_shape: tuple[int, int]
    image_size: tuple[int, int]
    num_embeddings: int
    side_scalars: float
    scalar_bits: float = CONTINUOUS_BITS
    continuous: Mapping[str, float] = field(default_factory=dict)
    is_bound: bool = False

    def entropy_rate_change(self, code_bits: float) -> float:
        """What bits per pixel change by where a code takes `code_bits` (see `code_entropy_bits`), not log2 K."""
        positions_per_pixel = math.prod(self.latent_shape) / math.prod(self.image_size)
        return (code_bits - math.log2(self.num_embeddings)) * positions_per_pixel
