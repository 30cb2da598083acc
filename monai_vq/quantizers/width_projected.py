"""The projected latent as it was published: projected along image width. For reproductions only."""

import torch
from torch import Tensor

from monai_vq.quantizers.codebook import NORM_FLOOR, Codebook
from monai_vq.quantizers.projected import ProjectedQuantizer


class WidthProjectedQuantizer(ProjectedQuantizer):
    """z_q = P with P's inner products over the image's width, in place of the channels at a position.

    The published code of the projected report sums over the last axis of [B, D, h, w]. So it stores no gain a position
    but one for each channel and row: D·h scalars an image, D/w a position (2,048 an image of CIFAR-10, which has 3,072
    values). Its reconstruction error is no evidence for the projection that the report describes; this class is here
    so that the study can show both with their rates. side repeats a row's gains along w, [B, D, h, w]; what is stored,
    and counted by `side_scalars`, is one of them.

    Args:
        codebook: K codewords in D dimensions, ``choice="nearest"``, one group.
        commitment_cost: as published 1.
        projection_cost: as published 1.

    Raises:
        ValueError: if the codebook chooses by direction or has groups.
    """

    def __init__(self, codebook: Codebook, commitment_cost: float = 1.0, projection_cost: float = 1.0) -> None:
        if codebook.choice != "nearest" or codebook.num_groups != 1:
            raise ValueError('the published projection along width stands with choice="nearest" and num_groups 1 only.')
        super().__init__(codebook, commitment_cost, projection_cost, estimator="published")
        self.side_channels = codebook.embedding_dim

    def _gain(self, z_e: Tensor, e: Tensor) -> Tensor:
        return width_gain(z_e, e)

    @torch.jit.unused
    def side_scalars(self, codes: Tensor) -> Tensor:
        """Returns D/w at each position, float32 [B, h, w]."""
        return super().side_scalars(codes) / codes.shape[-1]


def width_gain(z_e: Tensor, e: Tensor, floor: float = NORM_FLOOR) -> Tensor:
    """Returns ⟨z_e, e⟩ / ‖e‖² over the last axis, repeated along it, shape of z_e; ‖e‖² is at least ``floor``."""
    along = (z_e * e).sum(dim=-1, keepdim=True) / e.square().sum(dim=-1, keepdim=True).clamp_min(floor)
    return along.expand_as(z_e)
