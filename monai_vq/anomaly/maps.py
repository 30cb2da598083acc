"""Maps of what a prior finds unlikely, in image size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.networks.layers import GaussianFilter
from torch import Tensor

from monai_vq.priors import Prior

__all__ = ["latent_bits", "smooth", "to_image_size"]


@torch.no_grad()
def latent_bits(prior: Prior, codes: Tensor, side: Tensor, condition: Tensor | None, batch_size: int) -> Tensor:
    """Returns −log2 p of what is at each position, its code and its gains, given what is before it.

    Args:
        prior: in eval mode; latents are brought to its device.
        codes: [N, h, w].
        side: [N, G, h, w].
        condition: [N, C]; None where nothing is known.
        batch_size: slices that are scored at a time.

    Returns:
        Bits, float32 [N, h, w], on the CPU. A frequency latent's vectors have a density instead and do not count.
    """
    device = prior.alphabet.has_side.device
    parts = []
    for start in range(0, len(codes), batch_size):
        batch = slice(start, start + batch_size)
        known = None if condition is None else condition[batch].to(device)
        bits = prior.bits(codes[batch].to(device), side[batch].to(device), known)
        parts.append((bits.codes + bits.gains.sum(dim=1)).float().cpu())
    return torch.cat(parts)


def to_image_size(maps: Tensor, image_size: Sequence[int]) -> Tensor:
    """Resamples maps [N, h, w] of a latent's positions to [N, H, W] bilinearly; each position is a square of pixels."""
    return F.interpolate(maps[:, None].float(), tuple(image_size), mode="bilinear", align_corners=False)[:, 0]


def smooth(maps: Tensor, sigma: float) -> Tensor:
    """Smooths maps [N, H, W] within each slice by a Gaussian of sigma pixels; 0 leaves them as they are."""
    if sigma == 0:
        return maps
    return GaussianFilter(spatial_dims=2, sigma=sigma)(maps[:, None].float().contiguous())[:, 0]
