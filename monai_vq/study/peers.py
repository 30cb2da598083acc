"""Other projects' quantizers under our contract, so that they train in the same network, data and steps as ours."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from monai.networks.layers.vector_quantizer import EMAQuantizer
from torch import Tensor, nn

from monai_vq.errors import InputError
from monai_vq.quantizers import Quantized, Quantizer


class PeerQuantizer(Quantizer):
    """A module that quantises with one codebook, G = 0; a variant defines ``_call`` and ``embed``.

    z_q is what the module returns, whose rounding is its own: the peers add z_e and subtract it again, so that z_q
    equals ``embed(codes, side)`` to rounding, not to the bit as ours.

    Args:
        peer: the module; it learns in its forward pass, in training mode.
        num_embeddings: K.
        embedding_dim: D.
    """

    peer: Any

    def __init__(self, peer: nn.Module, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__()
        self.peer = peer
        self.num_embeddings, self.embedding_dim, self.side_channels = num_embeddings, embedding_dim, 0

    def _quantize(self, z_e: Tensor, learn: bool) -> Quantized:
        mode = self.peer.training
        self.peer.train(learn)
        try:
            z_q, codes, loss = self._call(z_e)
        finally:
            self.peer.train(mode)
        return Quantized(z_q, codes, z_e[:, :0].detach(), loss.sum())

    def _call(self, z_e: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the module's z_q [B, D, *spatial], codes [B, *spatial] and loss (one number) of z_e."""
        raise NotImplementedError


class MonaiQuantizer(PeerQuantizer):
    """The quantizer of MONAI's ``VQVAE``: its ``EMAQuantizer``, with the defaults of that network.

    Its cluster sizes start at 0, its codewords as normal numbers, and no code is revived.

    Args:
        num_embeddings: K; the default there is 32.
        embedding_dim: D.
        commitment_cost: weight of the commitment loss.
        decay: of the moving averages; the network's default is 0.5, the ``EMAQuantizer``'s own 0.99.
        epsilon: of the Laplace smoothing.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        commitment_cost: float = 0.25,
        decay: float = 0.5,
        epsilon: float = 1e-5,
    ) -> None:
        peer = EMAQuantizer(2, num_embeddings, embedding_dim, commitment_cost, decay, epsilon)
        super().__init__(peer, num_embeddings, embedding_dim)

    def _call(self, z_e: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_q, loss, codes = self.peer(z_e)
        return z_q, codes, loss

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the codewords [B, D, h, w] of codes [B, h, w]; side says nothing."""
        return self.peer.embed(codes)


class PytorchVectorQuantizer(PeerQuantizer):
    """``VectorQuantize`` of the package vector-quantize-pytorch, with its defaults where nothing else is given.

    Its codebook learns by moving averages, its gradient reaches z_e by the rotation trick (Fifty et al. 2024).

    Args:
        num_embeddings: K.
        embedding_dim: D.
        commitment_cost: weight of the commitment loss; the default there is 1.
        decay: of the moving averages; the default there is 0.8.
        kmeans_init: start the codewords by k-means of the first batch; off there.
        threshold_ema_dead_code: replace codes whose averaged count a batch falls below this; 0, never, there.

    Raises:
        InputError: if the package is not installed.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        commitment_cost: float = 1.0,
        decay: float = 0.8,
        kmeans_init: bool = False,
        threshold_ema_dead_code: int = 0,
    ) -> None:
        try:
            package = import_module("vector_quantize_pytorch")
        except ImportError as error:
            raise InputError(
                "this variant compares with the package vector-quantize-pytorch, which is not installed; "
                "install it with `pip install vector-quantize-pytorch`, or leave the variant out."
            ) from error
        peer = package.VectorQuantize(
            embedding_dim,
            num_embeddings,
            decay=decay,
            commitment_weight=commitment_cost,
            kmeans_init=kmeans_init,
            threshold_ema_dead_code=threshold_ema_dead_code,
            accept_image_fmap=True,
        )
        super().__init__(peer, num_embeddings, embedding_dim)

    def _call(self, z_e: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z_q, codes, loss = self.peer(z_e)
        return z_q, codes, loss

    @torch.no_grad()
    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the codewords [B, D, h, w] of codes [B, h, w]; side says nothing."""
        return self.peer.get_output_from_indices(codes)
