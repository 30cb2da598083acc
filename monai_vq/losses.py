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
    """

    def forward(self, reconstruction: Reconstruction, x: Tensor) -> Tensor:
        """Returns the scalar loss of a reconstruction of x [B, C, *image]."""
        return F.mse_loss(reconstruction.x_hat.float(), x.float()) + reconstruction.loss.float()


def reconstruction_loss(output: dict[str, Any]) -> Tensor:
    """Returns the reconstruction's share of a trainer's loss, detached; ``output`` is the trainer's."""
    return output["loss"].detach() - output["pred"].loss.detach().float()
