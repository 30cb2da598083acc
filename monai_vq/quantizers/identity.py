"""No quantisation: the plain autoencoder's latent, the ceiling of every comparison."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_vq.quantizers.base import Quantized, Quantizer


class IdentityQuantizer(Quantizer):
    """z_q = z_e. It keeps the contract with one code (K = 1, 0 bits) and all of z_e as side (G = D, 32·D bits).

    Args:
        embedding_dim: D, the channels of z_e.
    """

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.side_channels = 1, embedding_dim, embedding_dim

    def _quantize(self, z_e: Tensor, learn: bool) -> Quantized:
        codes = torch.zeros_like(z_e[:, 0], dtype=torch.int64)
        return Quantized(z_e, codes, z_e.detach(), torch.zeros_like(z_e[:, :1]).sum())

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns side, [B, D, *spatial]: the codes say nothing here."""
        return side
