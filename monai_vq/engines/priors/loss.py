"""What a prior's training makes small."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from monai_vq.priors import LatentBits


class PriorLoss(nn.Module):
    """Mean over positions of the bits of code and gains: the negative log-likelihood, for latents of any size alike.

    The −log2 density of a frequency latent's vectors is added, so that their head learns as well; it is reported apart.
    """

    def forward(self, bits: LatentBits, codes: Tensor) -> Tensor:
        """Returns the scalar loss, in bits a position, of the bits of codes [B, h, w]."""
        return (bits.total.sum() + bits.density.sum()) / codes.numel()


def step_bits(output: dict[str, Any]) -> dict[str, float]:
    """Returns a training step's loss and bits per code, for TensorBoard; ``output`` is the trainer's."""
    return {"loss": output["loss"].item(), "bits_per_code": output["pred"].codes.mean().item()}
