"""What a network has beside its layers: the codewords, and the gains and their levels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from monai_vq.networks import VQVAE
from monai_vq.quantizers import CodebookQuantizer, HybridQuantizer, ProjectedQuantizer


def codewords_of(network: VQVAE) -> np.ndarray | None:
    """Returns the codewords, float32 [K, D]; None for a network without a codebook."""
    if not isinstance(network.quantizer, CodebookQuantizer):
        return None
    codes = torch.arange(network.num_embeddings, device=next(network.parameters()).device)
    return network.quantizer.codebook.lookup(codes).detach().cpu().numpy()


def has_gains(network: VQVAE) -> bool:
    """Says whether side is a gain for each group of a codeword's channels.

    The published projection along width has none: its side belongs to rows, not to a position's codeword.
    """
    quantizer = network.quantizer
    return isinstance(quantizer, ProjectedQuantizer) and quantizer.side_channels == quantizer.codebook.num_groups


def stored_gains(network: VQVAE, codes: Tensor, side: Tensor) -> Tensor:
    """Returns the gains [B, G, *spatial] of a latent, NaN where it stores none, as at the hybrid's frequent codes."""
    if isinstance(network.quantizer, HybridQuantizer):
        return side.masked_fill(~network.quantizer.continuous(codes).unsqueeze(1), torch.nan)
    return side


def gain_levels(network: VQVAE) -> np.ndarray | None:
    """Returns the levels that gains are rounded to, [G, 2^gain_bits] ascending; None where they are not rounded."""
    gains = getattr(network.quantizer, "gains", None)
    return None if gains is None else gains.levels.cpu().numpy()
