"""The projected latent: a code and a gain at each position, the classical gain-shape quantizer."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from monai_vq.quantizers.base import CodebookQuantizer, Quantized, straight_through
from monai_vq.quantizers.codebook import NORM_FLOOR, Codebook

ESTIMATORS = ("straight_through", "projection")


class ProjectedQuantizer(CodebookQuantizer):
    """z_q = P(z_e, e_k) = g·e_k with the gain g = ⟨z_e, e_k⟩ / ‖e_k‖², per position over the D channels.

    Args:
        codebook: K codewords in D dimensions.
        commitment_cost: weight of the codeword's term; 0 leaves it out.
        projection_cost: weight of the projection's term; 0 leaves it out.
        estimator: how the reconstruction's gradient reaches z_e.
    """

    def __init__(
        self,
        codebook: Codebook,
        commitment_cost: float = 0.25,
        projection_cost: float = 0.0,
        estimator: str = "straight_through",
        target: str = "projection",
    ) -> None:
        super().__init__(codebook)
        self.commitment_cost, self.projection_cost = commitment_cost, projection_cost
        self.estimator = estimator
        self.target = target
        self.side_channels = 1

    def _latent(self, z_e: Tensor, codes: Tensor, e: Tensor) -> Quantized:
        fixed = e.detach()
        g = gain(z_e, fixed)
        P = g * fixed
        loss = self.commitment_cost * F.mse_loss(z_e, P.detach() if self.target == "projection" else fixed)
        if self.projection_cost > 0:
            loss = loss + self.projection_cost * F.mse_loss(P, fixed)
        if self.codebook.update == "gradient":
            t = z_e.detach()
            loss = loss + F.mse_loss(gain(t, e) * e if self.codebook.choice == "direction" else e, t)
        if self.estimator == "straight_through":
            z_q = straight_through(z_e, P)
        elif self.estimator == "projection":
            z_q = P
        else:
            q = straight_through(z_e, fixed)
            z_q = gain(z_e, q) * q
        return Quantized(z_q, codes, g.detach(), loss)

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns g·e_k, [B, D, *spatial], of codes [B, *spatial] and gains [B, 1, *spatial]."""
        return side * self.codebook.lookup(codes)


def gain(z_e: Tensor, e: Tensor) -> Tensor:
    """Returns g = ⟨z_e, e⟩ / ‖e‖² over the channels, [B, 1, *spatial]; 0 where e is 0."""
    return (z_e * e).sum(dim=1, keepdim=True) / e.square().sum(dim=1, keepdim=True).clamp_min(NORM_FLOOR)
