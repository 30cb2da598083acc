"""A prior over whole latents: p(codes, side) = ∏ p(k_t | past) p(g_t | k_t, past)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.priors.alphabet import LatentAlphabet
from monai_vq.priors.backbone import Backbone
from monai_vq.priors.conditions import ConditionEmbedding
from monai_vq.priors.gain_head import GainHead
from monai_vq.priors.latent_embedding import LatentEmbedding
from monai_vq.priors.sampling import Kept, PositionHeads, SymbolChoice, walk
from monai_vq.priors.vector_head import VectorHead


class LatentBits(NamedTuple):
    """−log2 of the probability of each symbol of a latent, given what is before it.

    Attributes:
        codes: [B, h, w].
        gains: [B, G, h, w]; 0 where a code carries no gain; G = 0 for a latent without gains.
        density: [B, h, w], −log2 of the *density* of a frequency latent's vectors, 0 elsewhere. It has the unit of
            z_e's logarithm, may be negative, and is no part of any total.
    """

    codes: Tensor
    gains: Tensor
    density: Tensor

    @property
    def total(self) -> Tensor:
        """Bits of each image's codes and gains, [B]."""
        return self.codes.flatten(1).sum(dim=1) + self.gains.flatten(1).sum(dim=1)


class Prior(nn.Module):
    """Likelihoods and samples of latents, from a causal backbone and a head for each kind of symbol.

    ::

        codes, side ──► embedding ──► backbone ──► hidden ──► p(k_t | past) ──► p(g_t | k_t, past)
        condition   ──► embedding ──────┘

    Gains are rounded (see `LatentAlphabet`), so the likelihood of a latent is a probability: it is counted in bits, and
    over all latents of a grid it sums to one. Untrained, codes and gains are uniform. The vectors of a frequency
    latent have a density, which is reported apart.

    Args:
        alphabet: what a latent of stage 1 is written in.
        backbone: causal network, `GatedPixelCNN` or `CausalTransformer`.
        conditions: what is known beside the latent; None for a prior without conditions.

    Raises:
        ValueError: if the conditions' embedding has another size than the backbone.

    Example:
        >>> import torch
        >>> from monai_vq.priors import CausalTransformer, LatentAlphabet
        >>> prior = Prior(LatentAlphabet(8, num_gains=1, gain_bits=2), CausalTransformer(16, 1, 2, grid_size=(3, 5)))
        >>> codes, side = prior.eval().sample((2, 3, 5), generator=torch.Generator().manual_seed(0))
        >>> tuple(codes.shape), tuple(side.shape), prior.log_prob(codes, side).tolist()
        ((2, 3, 5), (2, 1, 3, 5), [-75.0, -75.0])
    """

    def __init__(
        self, alphabet: LatentAlphabet, backbone: Backbone, conditions: ConditionEmbedding | None = None
    ) -> None:
        super().__init__()
        dim = backbone.dim
        if conditions is not None and conditions.dim != dim:
            raise ValueError(f"the conditions are embedded in {conditions.dim} dimensions, the backbone has {dim}.")
        self.alphabet, self.backbone, self.conditions = alphabet, backbone, conditions
        self.embedding = LatentEmbedding(alphabet, dim)
        self.to_logits = nn.Linear(dim, alphabet.num_embeddings)
        nn.init.zeros_(self.to_logits.weight)
        nn.init.zeros_(self.to_logits.bias)
        self.gain_head = GainHead(dim, alphabet) if alphabet.num_gains else None
        self.vector_head = VectorHead(dim, alphabet) if alphabet.vector_size else None

    @torch.no_grad()
    def start_at_frequencies(self, codes: Tensor, indices: Tensor) -> None:
        """Has an untrained prior begin with the frequencies of symbols, which it would spend its first steps on.

        Args:
            codes: of training images, [N, h, w].
            indices: of their gains' levels, [N, G, h, w].
        """
        self.to_logits.bias.copy_(_log_frequencies(codes, self.alphabet.num_embeddings))
        if self.gain_head is not None:
            carried = self.alphabet.has_side.to(codes.device)[codes]
            levels = indices.movedim(1, -1)[carried]
            self.gain_head.to_logits.bias.copy_(_log_frequencies(levels, self.alphabet.num_levels))

    def forward(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """As `bits`."""
        return self.bits(codes, side, condition)

    def log_prob(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns log2 of the probability of each latent, [B]: minus the bits of its codes and gains.

        Args:
            codes: [B, h, w], int64.
            side: [B, G, h, w]; a gain counts as its nearest level.
            condition: [B, C]; NaN is unknown, None all unknown.

        Raises:
            ValueError: if a shape or a code does not fit this prior.
        """
        return -self.bits(codes, side, condition).total

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """Returns the bits of each symbol; arguments and errors as `log_prob`."""
        self.alphabet.check(codes, side)
        indices = self.alphabet.encode(codes, side)
        hidden = self.hidden(codes, indices, side, condition)
        code_bits = _bits_of(self.to_logits(hidden), codes)
        return LatentBits(code_bits, self._gain_bits(hidden, codes, indices), self._density(hidden, codes, side))

    def logits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the logits of the code at each position, [B, h, w, K]; arguments and errors as `log_prob`."""
        self.alphabet.check(codes, side)
        return self.to_logits(self.hidden(codes, self.alphabet.encode(codes, side), side, condition))

    def hidden(self, codes: Tensor, indices: Tensor, side: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the backbone's states [B, h, w, dim], each of which knows the positions before its own only."""
        embedded = self.embedding(codes, indices, side)
        return self.backbone(embedded, self.embed_condition(condition, len(codes)))

    def embed_condition(self, condition: Tensor | None, batch: int) -> Tensor | None:
        """Returns the embedded condition [B, dim]; None for a prior that has none.

        Raises:
            ValueError: if this prior has no conditions and is given some.
        """
        if self.conditions is not None:
            return self.conditions(condition, batch)
        if condition is not None and condition.shape[-1] > 0:
            raise ValueError("this prior was trained without conditions; leave condition out.")
        return None

    def _gain_bits(self, hidden: Tensor, codes: Tensor, indices: Tensor) -> Tensor:
        if self.gain_head is None:
            return hidden.new_zeros(indices.shape, dtype=torch.float32)
        levels = indices.movedim(1, -1)
        bits = _bits_of(self.alphabet.distinct(self.gain_head(hidden, codes, levels)), levels)
        return bits.movedim(-1, 1) * self.alphabet.has_side[codes].unsqueeze(1)

    def _density(self, hidden: Tensor, codes: Tensor, side: Tensor) -> Tensor:
        if self.vector_head is None:
            return hidden.new_zeros(codes.shape, dtype=torch.float32)
        density = self.vector_head.density_bits(hidden, codes, side.movedim(1, -1))
        return density.masked_fill(~self.alphabet.has_side[codes], 0.0)

    @torch.no_grad()
    def sample(
        self,
        shape: tuple[int, int, int],
        condition: Tensor | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        generator: torch.Generator | None = None,
        guidance: float | None = None,
        keep: Kept | None = None,
        progress: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Draws latents position by position, each at the cost of one position.

        Args:
            shape: (B, h, w).
            condition: [B, C]; NaN is unknown, None all unknown.
            temperature: divides the logits of codes and gains; below 1 the likely become likelier.
            top_k: of codes and of levels only the k likeliest are drawn; 1 takes the likeliest.
            top_p: only the likeliest, as many as hold this share of the probability (Holtzman et al. 2020).
            generator: makes the draw reproducible; on the prior's device.
            guidance: w of unconditional + w · (conditional − unconditional) logits (Ho & Salimans 2022): 1 is the
                condition as it was learned, more exaggerates it. It acts on codes and gains; vectors of a frequency
                latent are drawn from their conditional Gaussian.
            keep: latents whose positions stay where its mask is True; the others are drawn, given what is before them.
            progress: shows a progress bar.

        Returns:
            codes [B, h, w] and side [B, G, h, w], for ``network.decode_latent``.

        Raises:
            ValueError: if an argument is outside what is stated here.
        """
        choice = SymbolChoice(temperature, top_k, top_p, generator)
        heads = PositionHeads(self.alphabet, self.to_logits, self.gain_head, self.vector_head, choice, guidance)
        B, h, w = shape
        was_training = self.training
        try:
            self.eval()
            with torch.autocast(self.to_logits.weight.device.type, enabled=False):  # the caches are in float32
                stepper = self.backbone.start(B * heads.copies, h, w, self._guiding(condition, B, guidance))
                return walk(heads, self.embedding, stepper, self.backbone.order(h, w), shape, keep, progress)
        finally:
            self.train(was_training)

    def _guiding(self, condition: Tensor | None, batch: int, guidance: float | None) -> Tensor | None:
        """The embedded condition [B, dim]; with guidance [2 · B, dim], the second half unconditional."""
        embedded = self.embed_condition(condition, batch)
        if guidance is None:
            return embedded
        unconditional = self.embed_condition(None, batch)
        if embedded is None or unconditional is None:
            raise ValueError(f"guidance {guidance}: this prior was trained without conditions, so none can guide it.")
        return torch.cat([embedded, unconditional])


def _log_frequencies(symbols: Tensor, number: int) -> Tensor:
    """Natural logarithm of the share of each of a number of symbols, one added to each count."""
    counts = torch.bincount(symbols.flatten(), minlength=number).float() + 1
    return (counts / counts.sum()).log()


def _bits_of(logits: Tensor, symbols: Tensor) -> Tensor:
    """−log2 p of symbols [...] under logits [..., n], in float32: bfloat16 keeps three digits of a sum of hundreds."""
    nats = F.cross_entropy(logits.float().flatten(0, -2), symbols.flatten(), reduction="none")
    return nats.view(symbols.shape) / math.log(2)
