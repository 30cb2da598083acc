"""Images made worse on purpose: what a distance must call farther than other patients, or it measures nothing."""

from __future__ import annotations

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

__all__ = ["BLUR", "PATCHES", "blurred", "shuffled_patches"]

BLUR = 0.012  # sigma, as a share of the longer side: 1.5 pixels of 128
PATCHES = 4  # a side


def blurred(images: Tensor) -> Tensor:
    """Returns images [N, C, H, W] in [0, 1] under a Gaussian blur: the right places, too little detail."""
    sigma = BLUR * max(images.shape[-2:])
    return torch.from_numpy(gaussian_filter(images.cpu().numpy(), (0, 0, sigma, sigma))).clamp(0, 1)


def shuffled_patches(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Cuts each image into 4 x 4 patches and shuffles them: the right detail in the wrong places.

    Args:
        images: [N, C, H, W]; rows and columns that 4 does not divide are cut off at the far edges.
        generator: on the CPU, of the order; each image has its own.

    Returns:
        Images of the same size, what was cut off being black.
    """
    N, C, H, W = images.shape
    h, w = H // PATCHES, W // PATCHES
    grid = images[..., : h * PATCHES, : w * PATCHES].reshape(N, C, PATCHES, h, PATCHES, w)
    patches = grid.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)  # [N, 16, C, h, w]
    order = torch.rand(N, PATCHES**2, generator=generator).argsort(dim=1).to(images.device)
    moved = patches[torch.arange(N, device=images.device)[:, None], order].unflatten(1, (PATCHES, PATCHES))
    result = torch.zeros_like(images)
    result[..., : h * PATCHES, : w * PATCHES] = moved.permute(0, 3, 1, 4, 2, 5).reshape(N, C, h * PATCHES, w * PATCHES)
    return result
