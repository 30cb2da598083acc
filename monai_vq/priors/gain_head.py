"""The gains of a position, given its code and the past: p(g_1 … g_G | k, past) = ∏ p(g_j | g_<j, k, past)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_vq.priors.alphabet import LatentAlphabet


class GainHead(nn.Module):
    """Logits of each gain's level from the hidden state, the code, and the gains before it at the same position.

    Untrained it is uniform.

    Args:
        dim: of the hidden state.
        alphabet: with gains.
    """

    def __init__(self, dim: int, alphabet: LatentAlphabet) -> None:
        super().__init__()
        G, levels = alphabet.num_gains, alphabet.num_levels
        self.num_levels = levels
        self.codes = nn.Embedding(alphabet.num_embeddings, dim)
        self.levels = nn.Embedding(G * levels, dim)  # of the gains before, by gain and level
        self.which = nn.Parameter(torch.randn(G, dim) * 0.02)
        self.mix = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU())
        self.to_logits = nn.Linear(dim, levels)
        nn.init.zeros_(self.to_logits.weight)
        nn.init.zeros_(self.to_logits.bias)

    def forward(self, hidden: Tensor, codes: Tensor, indices: Tensor) -> Tensor:
        """Returns logits [..., G, 2^b] of gains.

        Args:
            hidden: [..., dim].
            codes: [...], int64.
            indices: levels of all G gains, [..., G]; gain j sees those before it only. Of fewer than G gains given,
                [..., j], the logits of the first j + 1 are returned.
        """
        G = min(len(self.which), indices.shape[-1] + 1)
        state = hidden + self.codes(codes)
        first = torch.arange(indices.shape[-1], device=indices.device) * self.num_levels
        embedded = self.levels(indices + first)
        earlier = torch.ones(G, indices.shape[-1], device=embedded.device).tril(
            -1
        )  # cumsum has no deterministic kernel
        before = earlier.to(embedded.dtype) @ embedded  # [..., G, dim]
        return self.to_logits(self.mix(state.unsqueeze(-2) + before + self.which[:G]))
