"""The contract that every latent keeps: an image's latent is its codes and what the codes do not say."""

# No `from __future__ import annotations` in what TorchScript reads: it cannot resolve annotations that are strings.
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.quantizers.codebook import Codebook
from monai_vq.quantizers.estimators import ESTIMATORS

CONTINUOUS_BITS = 32.0  # a scalar that is not rounded counts as the float32 that it is stored as


class Quantized(NamedTuple):
    """What a quantizer makes of an encoder output z_e [B, D, *spatial]. Tensors only, so that it scripts and exports.

    Attributes:
        z_q: decoder input, [B, D, *spatial], float32.
        codes: index of the codeword at each position, [B, *spatial], int64.
        side: what the codes alone do not say, [B, G, *spatial], float32; G may be 0.
        loss: the quantizer's own loss, a scalar.
    """

    z_q: Tensor
    codes: Tensor
    side: Tensor
    loss: Tensor


class Quantizer(nn.Module):
    """Turns z_e into codes and side, and these back into the decoder's input.

    ::

        z_e ──► codes ──► embed(codes, side) = z_q     (equal to the bit)
          └───► side ────────┘

    A variant defines ``_quantize`` and ``embed``. Everything is computed in float32, under autocast too: squared
    distances overflow float16 and lose their differences in bfloat16. (TorchScript cannot switch autocast off: run a
    scripted module without it.)

    Attributes:
        num_embeddings: K, the number of codewords.
        embedding_dim: D, the channels of z_e and z_q.
        side_channels: G, the number of scalars a position that the codes do not say.
        gain_bits: bits that each of these is rounded to; None where they are float32, or there are none.
    """

    num_embeddings: int
    embedding_dim: int
    side_channels: int
    gain_bits: int | None = None

    def forward(self, z_e: Tensor) -> Quantized:
        """Quantizes z_e; in training mode the codebook learns from it afterwards.

        Args:
            z_e: encoder output, [B, D, *spatial], any floating type.

        Raises:
            ValueError: if z_e does not have ``embedding_dim`` channels.
        """
        return self._in_float32(z_e, self.training)

    def assign(self, z_e: Tensor) -> Quantized:
        """Quantizes z_e as ``forward`` does, but nothing learns, in training mode neither: for extracting latents."""
        return self._in_float32(z_e, False)

    def _in_float32(self, z_e: Tensor, learn: bool) -> Quantized:
        if z_e.shape[1] != self.embedding_dim:
            raise ValueError(
                f"z_e has {z_e.shape[1]} channels, the quantizer's embedding_dim is {self.embedding_dim}; "
                "give the encoder as many out_channels."
            )
        if torch.jit.is_scripting():
            return self._quantize(z_e.float(), learn)
        with torch.autocast(z_e.device.type, enabled=False):
            return self._quantize(z_e.float(), learn)

    def _quantize(self, z_e: Tensor, learn: bool) -> Quantized:
        raise TypeError("a Quantizer's variant defines _quantize(z_e, learn)")

    @torch.jit.unused
    def side_bits(self, codes: Tensor) -> Tensor:
        """Returns the bits that are stored beside the code at each position, float32 [B, *spatial].

        Args:
            codes: [B, *spatial]; they say, of a variant whose rate varies, where side is stored at all.
        """
        return self.side_scalars(codes) * (CONTINUOUS_BITS if self.gain_bits is None else self.gain_bits)

    @torch.jit.unused
    def side_scalars(self, codes: Tensor) -> Tensor:
        """Returns how many scalars of side are stored at each position, float32 [B, *spatial]."""
        return torch.full_like(codes, self.side_channels, dtype=torch.float32)

    @torch.jit.unused
    def set_epoch(self, epoch: int) -> None:
        """Says how many epochs of training are over, for a variant that warms up; the others do not mind."""

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Rebuilds the decoder's input from what is stored.

        Args:
            codes: [B, *spatial], int64.
            side: [B, G, *spatial].

        Returns:
            z_q, [B, D, *spatial], float32, equal to the bit to what ``forward`` or ``assign`` returned with these codes
            and side, as long as the codebook has not learned since.
        """
        raise TypeError("a Quantizer's variant defines embed(codes, side)")


class CodebookQuantizer(Quantizer):
    """A quantizer over one codebook; a variant defines ``_latent`` and ``embed``.

    Args:
        codebook: the codewords, how they are chosen and how they learn.
        commitment_cost: weight that draws z_e to what stands for it; 0 leaves it out.
        estimator: what stands for the gradient of the choice, one of the class's ``ESTIMATORS``.

    Raises:
        ValueError: if an argument is outside what is stated here.
    """

    ESTIMATORS: ClassVar[tuple[str, ...]] = ESTIMATORS

    def __init__(self, codebook: Codebook, commitment_cost: float = 0.25, estimator: str = "straight_through") -> None:
        super().__init__()
        if estimator not in self.ESTIMATORS:
            raise ValueError(f"estimator {estimator!r}: expected one of {self.ESTIMATORS}.")
        if not commitment_cost >= 0:
            raise ValueError(f"commitment_cost {commitment_cost} must be at least 0.")
        self.codebook = codebook
        self.num_embeddings, self.embedding_dim = codebook.num_embeddings, codebook.embedding_dim
        self.side_channels = 0
        self.commitment_cost, self.estimator = commitment_cost, estimator

    def _quantize(self, z_e: Tensor, learn: bool) -> Quantized:
        vectors = z_e.movedim(1, -1).reshape(-1, self.embedding_dim)
        if learn:
            self.codebook.initialize_from(vectors)
        codes = self._choose(vectors).view(z_e[:, 0].shape)
        quantized = self._latent(z_e, codes, self.codebook.lookup(codes), learn)
        if learn:  # only now: z_q comes from the codebook that chose the codes
            self._learn(vectors, codes)
        return quantized

    def _choose(self, vectors: Tensor) -> Tensor:
        return self.codebook.choose(vectors)

    @torch.jit.unused
    def _learn(self, vectors: Tensor, codes: Tensor) -> None:
        self.codebook.learn(vectors, codes.flatten())

    def _commitment(self, z_e: Tensor, near: Tensor) -> Tensor:
        return self.commitment_cost * F.mse_loss(z_e, near.detach())

    def _vector_loss(self, z_e: Tensor, e: Tensor) -> Tensor:
        """The loss of a latent whose z_q is to be e: commitment, and the term that a gradient codebook learns by."""
        loss = self._commitment(z_e, e)
        if self.codebook.update == "gradient":
            loss = loss + F.mse_loss(e, z_e.detach())
        return loss

    def _latent(self, z_e: Tensor, codes: Tensor, e: Tensor, learn: bool) -> Quantized:
        """Makes the latent of z_e from its codes and their codewords e, [B, D, *spatial]."""
        raise TypeError("a CodebookQuantizer's variant defines _latent(z_e, codes, e, learn)")
