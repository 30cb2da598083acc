"""What a trained network's latents are made of, read off the network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from monai_vq.metrics import LatentFormat
from monai_vq.networks import VAE, VQVAE
from monai_vq.quantizers import FrequencyQuantizer, HybridQuantizer
from monai_vq.quantizers.base import CONTINUOUS_BITS


def latent_format(network: VQVAE, image: Tensor, code_counts: Mapping[str, np.ndarray]) -> LatentFormat:
    """Returns what the latents of images like this one are made of.

    Args:
        network: in eval mode.
        image: [C, H, W], on the network's device.
        code_counts: for each split, how often each code occurs, [K].
    """
    with torch.no_grad():
        codes, _ = network.encode_latent(image[None])
    (h, w), (H, W) = codes.shape[1:], image.shape[1:]
    gain_bits = network.quantizer.gain_bits
    return LatentFormat(
        latent_shape=(h, w),
        image_size=(H, W),
        num_embeddings=network.num_embeddings,
        side_scalars=_most_scalars(network, codes),
        scalar_bits=CONTINUOUS_BITS if gain_bits is None else gain_bits,
        continuous=_continuous_shares(network, code_counts),
        is_bound=isinstance(network, VAE),
    )


def _most_scalars(network: VQVAE, codes: Tensor) -> float:
    """What a position stores beside its code where it stores most, of all codes there are."""
    positions, K = codes[0].numel(), network.num_embeddings
    every_code = torch.arange(-(-K // positions) * positions, device=codes.device) % K
    return float(network.quantizer.side_scalars(every_code.view(-1, *codes.shape[1:])).max())


def _continuous_shares(network: VQVAE, code_counts: Mapping[str, np.ndarray]) -> dict[str, float]:
    if not isinstance(network.quantizer, (FrequencyQuantizer, HybridQuantizer)):
        return {}
    codes = torch.arange(network.num_embeddings, device=next(network.parameters()).device)
    continuous = network.quantizer.continuous(codes).cpu().numpy()
    return {split: float(counts[continuous].sum() / counts.sum()) for split, counts in code_counts.items()}
