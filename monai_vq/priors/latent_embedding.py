"""What a prior reads of the past: each position's code and what it carries, as one vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_vq.priors.alphabet import LatentAlphabet


class LatentEmbedding(nn.Module):
    """Embeds codes, and the gains or vectors beside them, as [B, *spatial, dim].

    Args:
        alphabet: of the latent.
        dim: of the embedding.
    """

    def __init__(self, alphabet: LatentAlphabet, dim: int) -> None:
        super().__init__()
        self.num_levels = alphabet.num_levels
        self.codes = nn.Embedding(alphabet.num_embeddings, dim)
        self.levels = nn.Embedding(alphabet.num_gains * alphabet.num_levels, dim) if alphabet.num_gains else None
        self.vectors = nn.Linear(alphabet.vector_size, dim, bias=False) if alphabet.vector_size else None

    def forward(self, codes: Tensor, indices: Tensor, side: Tensor) -> Tensor:
        """Returns [B, *spatial, dim] of codes [B, *spatial], gain indices and side [B, G, *spatial].

        A code without a gain has index 0 for it, always, which says nothing more than the code does.
        """
        embedded = self.codes(codes)
        if self.levels is not None:
            first = torch.arange(indices.shape[1], device=codes.device) * self.num_levels
            embedded = embedded + self.levels(indices.movedim(1, -1) + first).sum(dim=-2)
        if self.vectors is not None:
            embedded = embedded + self.vectors(side.movedim(1, -1))
        return embedded
