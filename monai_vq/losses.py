"""What training makes small: the reconstruction's error plus the quantizer's own loss."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.networks import Reconstruction

__all__ = ["VQVAELoss", "reconstruction_loss"]


class VQVAELoss(nn.Module):
    """Mean squared error of x_hat plus the quantizer's loss, in float32 whatever the autocast type.

    The mean squared error is the negative log-likelihood of a Gaussian decoder of fixed variance, up to constants
    (van den Oord et al. 2017, eq. 3); all terms are element means, so costs compare across image and latent sizes.

    Args:
        data_variance: what the squared error is divided by, as published codes do: the variance of the pixels makes it
            the normalised error, 0.25 that of images in [-1, 1] instead of [0, 1].

    Raises:
        ValueError: if data_variance is not positive.
    """

    def __init__(self, data_variance: float = 1.0) -> None:
        super().__init__()
        if not data_variance > 0:
            raise ValueError(f"data_variance {data_variance} must be positive.")
        self.data_variance = data_variance

    def forward(self, reconstruction: Reconstruction, x: Tensor) -> Tensor:
        """Returns the scalar loss of a reconstruction of x [B, C, *image]."""
        error = F.mse_loss(reconstruction.x_hat.float(), x.float())
        return error / self.data_variance + reconstruction.loss.float()


def reconstruction_loss(output: dict[str, Any]) -> Tensor:
    """Returns the reconstruction's share of a trainer's loss, detached; ``output`` is the trainer's."""
    return output["loss"].detach() - output["pred"].loss.detach().float()
