"""The projected latent: a code and a gain at each position, the classical gain-shape quantizer."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from monai_vq.quantizers.base import CodebookQuantizer, Quantized, straight_through
from monai_vq.quantizers.codebook import NORM_FLOOR, Codebook

ESTIMATORS = ("straight_through", "published")


class ProjectedQuantizer(CodebookQuantizer):
    """z_q = P(z_e, e_k) = g·e_k with the gain g = ⟨z_e, e_k⟩ / ‖e_k‖², per position over the D channels.

    ::

        z_e ──► code k ──► e_k ──┐
          └───► gain g ──────────┴──► g·e_k = z_q         side = g, [B, 1, *spatial]

    P is the point nearest to z_e on the line through e_k, so it does not change with the codeword's scale. The loss is

    codebook term + commitment_cost · ‖z_e − sg[q]‖² + projection_cost · ‖P − sg[e_k]‖²   (element means)

    where q is what the codebook's choice takes for near: q = e_k for ``nearest``, as in the projected report, and
    q = P for ``direction``, whose distortion is the distance to the line. The codebook term ‖sg[z_e] − q(e_k)‖² stands
    with ``update="gradient"`` only.

    Args:
        codebook: K codewords in D dimensions.
        commitment_cost: weight that draws z_e to q; 0 leaves it out.
        projection_cost: weight that draws the projection to its codeword, hence the gain to 1; 0 leaves it out.
        estimator: how the reconstruction's gradient reaches z_e: ``straight_through`` P, or as ``published``: through
            both arguments of P, the codeword itself straight through.

    Raises:
        ValueError: if the estimator is unknown.

    Example:
        >>> import torch
        >>> quantizer = ProjectedQuantizer(Codebook(num_embeddings=8, embedding_dim=4, choice="direction")).eval()
        >>> z_q, codes, side, loss = quantizer(torch.randn(2, 4, 3, 5))
        >>> tuple(codes.shape), tuple(side.shape), torch.equal(quantizer.embed(codes, side), z_q)
        ((2, 3, 5), (2, 1, 3, 5), True)
    """

    def __init__(
        self,
        codebook: Codebook,
        commitment_cost: float = 0.25,
        projection_cost: float = 0.0,
        estimator: str = "straight_through",
    ) -> None:
        super().__init__(codebook)
        if estimator not in ESTIMATORS:
            raise ValueError(f"estimator {estimator!r}: expected one of {ESTIMATORS}.")
        self.commitment_cost, self.projection_cost = commitment_cost, projection_cost
        self.estimator = estimator
        self.side_channels = 1

    def _latent(self, z_e: Tensor, codes: Tensor, e: Tensor) -> Quantized:
        fixed = e.detach()
        g = gain(z_e, fixed)
        P = g * fixed
        to_line = self.codebook.choice == "direction"
        loss = self.commitment_cost * F.mse_loss(z_e, (P if to_line else fixed).detach())
        if self.projection_cost > 0:  # the term costs time even at weight 0
            loss = loss + self.projection_cost * F.mse_loss(P, fixed)
        if self.codebook.update == "gradient":
            target = z_e.detach()
            loss = loss + F.mse_loss(gain(target, e) * e if to_line else e, target)
        if self.estimator == "published":
            q = straight_through(z_e, fixed)
            return Quantized(straight_through(gain(z_e, q) * q, P), codes, g.detach(), loss)
        return Quantized(straight_through(z_e, P), codes, g.detach(), loss)

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns g·e_k, [B, D, *spatial], of codes [B, *spatial] and gains [B, 1, *spatial]."""
        return side * self.codebook.lookup(codes)


def gain(z_e: Tensor, e: Tensor, floor: float = NORM_FLOOR) -> Tensor:
    """Returns g = ⟨z_e, e⟩ / ‖e‖² over the channels, [B, 1, *spatial], with ‖e‖² at least ``floor``: 0 where e is 0."""
    return (z_e * e).sum(dim=1, keepdim=True) / e.square().sum(dim=1, keepdim=True).clamp_min(floor)
