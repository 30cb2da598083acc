"""What symbols a latent is written in: codes, and the gains or vectors that some codes carry."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.errors import InputError
from monai_vq.quantizers import (
    CodebookQuantizer,
    FrequencyQuantizer,
    GainQuantizer,
    HybridQuantizer,
    ProjectedQuantizer,
    Quantizer,
    WidthProjectedQuantizer,
)

LLOYD_STEPS = 100  # of levels that are fitted afterwards; their error moves by less than 0.1 % in the last fifty


class LatentAlphabet(nn.Module):
    """K codes; beside a code, where the latent has it, G gains of 2^b levels each, or one vector of D floats.

    ::

        codes [B, h, w], side [B, G, h, w] ──encode──► codes, indices [B, G, h, w] ──decode──► codes, side

    It is what a prior needs to know of stage 1. Its levels and its table of codes with side are buffers, so a prior's
    checkpoint alone tells the side of what it samples.

    Args:
        num_embeddings: K.
        num_gains: G, 0 for a latent without gains.
        gain_bits: b, 1 to 8; needed with gains.
        vector_size: D floats of a frequency latent's continuous positions; 0 for other latents.

    Attributes:
        gains: the levels, a `GainQuantizer`; None without gains.
        has_side: bool [K], the codes that carry a gain or a vector.

    Raises:
        ValueError: if gains come without bits, or together with vectors.
    """

    has_side: Tensor

    def __init__(
        self, num_embeddings: int, num_gains: int = 0, gain_bits: int | None = None, vector_size: int = 0
    ) -> None:
        super().__init__()
        if (num_gains > 0) != (gain_bits is not None):
            raise ValueError(f"num_gains {num_gains} with gain_bits {gain_bits}: expected both, or 0 and None.")
        if num_gains and vector_size:
            raise ValueError(f"a latent has gains ({num_gains}) or vectors (vector_size {vector_size}), not both.")
        self.num_embeddings, self.num_gains, self.vector_size = num_embeddings, num_gains, vector_size
        self.gain_bits = gain_bits
        self.gains = GainQuantizer(num_gains, gain_bits).eval() if gain_bits is not None else None
        has_side = num_gains > 0 or vector_size > 0
        self.register_buffer("has_side", torch.full((num_embeddings,), has_side))

    @property
    def side_channels(self) -> int:
        """Channels of side: G gains, D floats, or 0."""
        return self.num_gains + self.vector_size

    @property
    def num_levels(self) -> int:
        """2^b, how many values a gain can take."""
        return 0 if self.gain_bits is None else 2**self.gain_bits

    @classmethod
    def of(
        cls, quantizer: Quantizer, gain_bits: int | None = None, latents: tuple[Tensor, Tensor] | None = None
    ) -> LatentAlphabet:
        """Returns the alphabet of a trained quantizer.

        Args:
            quantizer: of stage 1.
            gain_bits: b for gains that stage 1 does not round; where it does, its own levels are taken.
            latents: codes [N, h, w] and side [N, G, h, w] of training images, to which these levels are fitted.

        Raises:
            InputError: if the latent has no codes or no value at a position that a prior could model, if gains are
                not rounded and bits or latents are missing, or if stage 1 rounds to another number of bits.
        """
        if isinstance(quantizer, FrequencyQuantizer):
            alphabet = cls(quantizer.num_embeddings, vector_size=quantizer.embedding_dim)
            alphabet.has_side.copy_(~quantizer.frequent.is_frequent)
        elif isinstance(quantizer, ProjectedQuantizer) and not isinstance(quantizer, WidthProjectedQuantizer):
            alphabet = cls._of_gains(quantizer, gain_bits, latents)
        elif isinstance(quantizer, CodebookQuantizer) and quantizer.side_channels == 0:
            alphabet = cls(quantizer.num_embeddings)
        else:
            raise InputError(
                f"a prior needs a code a position; the latent of {type(quantizer).__name__} has none, or stores "
                "scalars that belong to no position. Train one of the bundles vq, vq_ema, projected, frequency, hybrid."
            )
        return alphabet.to(next(quantizer.buffers()).device)

    @classmethod
    def _of_gains(
        cls, quantizer: ProjectedQuantizer, gain_bits: int | None, latents: tuple[Tensor, Tensor] | None
    ) -> LatentAlphabet:
        own = quantizer.gain_bits
        if own is not None and gain_bits not in (None, own):
            raise InputError(
                f"--gain_bits {gain_bits}: stage 1 rounds its gains to {own} bits; leave it out, or give {own}."
            )
        bits = own if own is not None else gain_bits
        if bits is None or (own is None and latents is None):
            raise InputError(
                "the gains of stage 1 are not rounded: give gain_bits (1 to 8) and latents of its training images."
            )
        alphabet = cls(quantizer.num_embeddings, quantizer.side_channels, bits)
        if isinstance(quantizer, HybridQuantizer):
            alphabet.has_side.copy_(~quantizer.frequent.is_frequent)
        if quantizer.gains is not None:
            alphabet.gains.load_state_dict(quantizer.gains.state_dict())  # type: ignore[union-attr]
        elif latents is not None:
            alphabet.fit_levels(*latents)
        return alphabet

    @torch.no_grad()
    def fit_levels(self, codes: Tensor, side: Tensor) -> None:
        """Fits the levels to the gains of training images by Lloyd's iteration: least mean squared error of a gain.

        Args:
            codes: [N, h, w].
            side: [N, G, h, w], not rounded.

        Raises:
            InputError: if the alphabet has no gains, or no code of the images carries one.
        """
        carried = self.has_side[codes]
        if self.gains is None or not bool(carried.any()):
            raise InputError("there is no gain to fit levels to: no code of the training images carries one.")
        gains = side.movedim(1, -1)[carried].T[None].contiguous()  # [1, G, n]: every gain that is stored
        fitted = GainQuantizer(self.num_gains, self.gains.bits, decay=0.0).to(gains.device)
        fitted.initialize_from(gains)
        for _ in range(LLOYD_STEPS):
            fitted.learn(gains, torch.ones_like(gains))
        self.gains.load_state_dict(fitted.state_dict())

    def encode(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the index of each gain's nearest level, [B, G, *spatial] int64; 0 where the code carries none."""
        if self.gains is None:
            return codes.unsqueeze(1)[:, :0]
        # As GainQuantizer.encode, without a number for each level of each gain: here whole datasets pass.
        middles = (self.gains.levels[:, 1:] + self.gains.levels[:, :-1]) / 2
        found = [torch.bucketize(gain.contiguous(), edges) for gain, edges in zip(side.unbind(1), middles, strict=True)]
        return torch.stack(found, dim=1) * self.has_side[codes].unsqueeze(1)

    def distinct(self, logits: Tensor) -> Tensor:
        """Returns logits [..., G, 2^b] of levels with −∞ where a level equals the one before: no gain is encoded as it.

        Of fewer than G gains, the first ones are meant.
        """
        if self.gains is None:
            return logits
        levels = self.gains.levels[: logits.shape[-2]]
        repeated = F.pad(levels[:, 1:] == levels[:, :-1], (1, 0))
        return logits.masked_fill(repeated, float("-inf"))

    def decode(self, codes: Tensor, indices: Tensor) -> Tensor:
        """Returns the gains [B, G, *spatial] of indices; 1 where the code carries none, which draws it as it is."""
        if self.gains is None:
            return codes.new_zeros(codes.shape, dtype=torch.float32).unsqueeze(1)[:, :0]
        levels = self.gains.decode(indices)
        return torch.where(self.has_side[codes].unsqueeze(1), levels, torch.ones_like(levels))

    def round(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns side as a prior knows it: gains at their nearest levels, vectors as they are."""
        return side if self.vector_size else self.decode(codes, self.encode(codes, side))

    def check(self, codes: Tensor, side: Tensor) -> None:
        """Refuses latents of another alphabet.

        Raises:
            ValueError: if codes are outside [0, K), or side has another number of channels or grid.
        """
        expected = (codes.shape[0], self.side_channels, *codes.shape[1:])
        if tuple(side.shape) != expected:
            raise ValueError(f"side has shape {tuple(side.shape)}, expected {expected} for codes {tuple(codes.shape)}.")
        if bool(((codes < 0) | (codes >= self.num_embeddings)).any()):
            raise ValueError(
                f"codes from {int(codes.min())} to {int(codes.max())}; this prior has {self.num_embeddings} codes, "
                f"0 to {self.num_embeddings - 1}."
            )
