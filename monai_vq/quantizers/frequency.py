"""The frequency latent: frequent codes stand for their positions, rare ones leave z_e as it is."""

import torch
from torch import Tensor

from monai_vq.quantizers.base import CodebookQuantizer, Quantized
from monai_vq.quantizers.codebook import Codebook
from monai_vq.quantizers.estimators import estimate
from monai_vq.quantizers.frequent import FrequentCodes


class FrequencyQuantizer(CodebookQuantizer):
    """z_q = M·e_k + (1 − M)·z_e; M = 1 where k is among the S most frequent codes of the training set.

    ::

        z_e ──► code k ──► frequent? ──yes──► e_k ──┐
          └─────────────────────────────no──► z_e ──┴──► z_q      side = z_e where M = 0, else 0, [B, D, *spatial]

    The loss is the vector quantizer's, at every position. S = K is the vector quantizer; S = 0 has the plain
    autoencoder's z_q. The table learns from the training set and is frozen in eval mode; the published code counted the
    batch at hand, at test time too, and lost the table with the checkpoint.

    Args:
        codebook: K codewords in D dimensions.
        num_frequent: S.
        warmup_epochs: epochs in which all codes count as frequent.
        commitment_cost: weight that draws z_e to its codeword; 0 leaves it out.
        estimator: how the gradient passes a quantised position: ``straight_through`` or ``rotation``.

    Raises:
        ValueError: if an argument is outside what is stated here.

    Example:
        >>> import torch
        >>> quantizer = FrequencyQuantizer(Codebook(num_embeddings=8, embedding_dim=4), num_frequent=6).eval()
        >>> z_q, codes, side, loss = quantizer(torch.randn(2, 4, 3, 5))
        >>> tuple(codes.shape), tuple(side.shape), torch.equal(quantizer.embed(codes, side), z_q)
        ((2, 3, 5), (2, 4, 3, 5), True)
    """

    def __init__(
        self,
        codebook: Codebook,
        num_frequent: int,
        warmup_epochs: int = 5,
        commitment_cost: float = 0.25,
        estimator: str = "straight_through",
    ) -> None:
        super().__init__(codebook, commitment_cost, estimator)
        self.frequent = FrequentCodes(codebook.num_embeddings, num_frequent, warmup_epochs, codebook.decay)
        self.side_channels = codebook.embedding_dim

    def _latent(self, z_e: Tensor, codes: Tensor, e: Tensor, learn: bool) -> Quantized:
        continuous = self.frequent.continuous(codes).unsqueeze(1)
        z_q = torch.where(continuous, z_e, estimate(z_e, e, self.estimator))
        side = torch.where(continuous, z_e.detach(), torch.zeros_like(z_e))
        return Quantized(z_q, codes, side, self._vector_loss(z_e, e))

    @torch.jit.unused
    def _learn(self, vectors: Tensor, codes: Tensor) -> None:
        super()._learn(vectors, codes)
        self.frequent.learn(codes)

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the codeword of a frequent code and side elsewhere, [B, D, *spatial]."""
        return torch.where(self.frequent.continuous(codes).unsqueeze(1), side, self.codebook.lookup(codes))

    def continuous(self, codes: Tensor) -> Tensor:
        """Returns where z_q is z_e, bool [B, *spatial], of codes [B, *spatial]."""
        return self.frequent.continuous(codes)

    @torch.jit.unused
    def set_epoch(self, epoch: int) -> None:
        """Says how many epochs are over, for the warm-up."""
        self.frequent.set_epoch(epoch)

    @torch.jit.unused
    def side_scalars(self, codes: Tensor) -> Tensor:
        """Returns D where z_q is z_e and 0 elsewhere, float32 [B, *spatial]."""
        return self.continuous(codes).float() * self.side_channels
