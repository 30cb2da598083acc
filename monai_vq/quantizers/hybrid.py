"""The hybrid latent: frequent codes stand for their positions, rare ones carry a gain."""

import torch
from torch import Tensor

from monai_vq.quantizers.codebook import Codebook
from monai_vq.quantizers.frequent import FrequentCodes
from monai_vq.quantizers.projected import ProjectedQuantizer


class HybridQuantizer(ProjectedQuantizer):
    """z_q = M·e_k + (1 − M)·P(z_e, e_k); M = 1 where k is among the S most frequent codes of the training set.

    It is the projected quantizer with the gain held at 1 where M = 1, in every formula of it: z_q, side, the point that
    z_e is drawn to, and the projection term, which is 0 there. So S = 0 is the projected quantizer and S = K the vector
    quantizer, in value, loss and gradient.

    Args:
        codebook: K codewords in D dimensions. With ``choice="nearest"`` a frequent codeword may have any length; the
            ``direction`` choice has them all at length 1.
        num_frequent: S.
        warmup_epochs: epochs in which all codes count as frequent.
        commitment_cost: as in `ProjectedQuantizer`, as all that follow.
        projection_cost: weight that draws the gains of rare codes to 1.
        estimator: ``straight_through``, ``rotation`` or ``published``.
        gain_bits: bits that the gain of a rare code is rounded to; None leaves it as it is.

    Raises:
        ValueError: if an argument is outside what is stated here.

    Example:
        >>> import torch
        >>> quantizer = HybridQuantizer(Codebook(num_embeddings=8, embedding_dim=4), num_frequent=6).eval()
        >>> z_q, codes, side, loss = quantizer(torch.randn(2, 4, 3, 5))
        >>> tuple(codes.shape), tuple(side.shape), torch.equal(quantizer.embed(codes, side), z_q)
        ((2, 3, 5), (2, 1, 3, 5), True)
    """

    def __init__(
        self,
        codebook: Codebook,
        num_frequent: int,
        warmup_epochs: int = 5,
        commitment_cost: float = 0.25,
        projection_cost: float = 0.0,
        estimator: str = "straight_through",
        gain_bits: int | None = None,
    ) -> None:
        super().__init__(codebook, commitment_cost, projection_cost, estimator, gain_bits)
        self.frequent = FrequentCodes(codebook.num_embeddings, num_frequent, warmup_epochs, codebook.decay)

    def _has_gain(self, codes: Tensor) -> Tensor:
        return self.frequent.continuous(codes).unsqueeze(1)

    def _hold(self, g: Tensor, codes: Tensor) -> Tensor:
        return torch.where(self._has_gain(codes), g, torch.ones_like(g))

    def _may_replace(self, candidates: Tensor) -> Tensor:
        """A frequent code, whose gain is not rounded, stays; a rare one may give way to another rare one."""
        rare = self.frequent.continuous(candidates)
        return (rare & rare[:, :1]) | (candidates == candidates[:, :1])

    @torch.jit.unused
    def _learn(self, vectors: Tensor, codes: Tensor) -> None:
        super()._learn(vectors, codes)
        self.frequent.learn(codes)

    def continuous(self, codes: Tensor) -> Tensor:
        """Returns where a gain counts (M = 0), bool [B, *spatial], of codes [B, *spatial]."""
        return self.frequent.continuous(codes)

    @torch.jit.unused
    def set_epoch(self, epoch: int) -> None:
        """Says how many epochs are over, for the warm-up."""
        self.frequent.set_epoch(epoch)

    @torch.jit.unused
    def side_scalars(self, codes: Tensor) -> Tensor:
        """Returns G where a gain counts and 0 elsewhere, float32 [B, *spatial]."""
        return self.continuous(codes).float() * self.side_channels
