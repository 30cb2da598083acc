"""The vector quantizer of the VQ-VAE: the latent is the code alone."""

from torch import Tensor

from monai_vq.quantizers.base import CodebookQuantizer, Quantized
from monai_vq.quantizers.estimators import estimate


class VectorQuantizer(CodebookQuantizer):
    """z_q = e_k, the codeword chosen for z_e (van den Oord et al. 2017, eq. 2 and 3).

    loss = ‖sg[z_e] − e_k‖² (only with ``update="gradient"``) + commitment_cost · ‖z_e − sg[e_k]‖², element means.

    Args:
        codebook: K codewords in D dimensions.
        commitment_cost: weight that draws z_e to its codeword; 0 leaves it out.
        estimator: how the reconstruction's gradient passes the choice: ``straight_through`` or by ``rotation``.

    Raises:
        ValueError: if an argument is outside what is stated here.

    Example:
        >>> import torch
        >>> from monai_vq.quantizers import Codebook
        >>> quantizer = VectorQuantizer(Codebook(num_embeddings=8, embedding_dim=4)).eval()
        >>> z_q, codes, side, loss = quantizer(torch.randn(2, 4, 3, 5))
        >>> tuple(codes.shape), tuple(side.shape), torch.equal(quantizer.embed(codes, side), z_q)
        ((2, 3, 5), (2, 0, 3, 5), True)
    """

    def _latent(self, z_e: Tensor, codes: Tensor, e: Tensor, learn: bool) -> Quantized:
        loss = self._vector_loss(z_e, e)
        return Quantized(estimate(z_e, e, self.estimator), codes, z_e[:, :0].detach(), loss)

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the codewords [B, D, *spatial] of codes [B, *spatial]; side [B, 0, *spatial] says nothing."""
        return self.codebook.lookup(codes)
