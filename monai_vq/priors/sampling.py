"""Drawing latents: what is drawn from logits, and the walk through the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm

from monai_vq.priors.alphabet import LatentAlphabet
from monai_vq.priors.backbone import Stepper
from monai_vq.priors.gain_head import GainHead
from monai_vq.priors.latent_embedding import LatentEmbedding
from monai_vq.priors.vector_head import VectorHead


class Kept(NamedTuple):
    """Latents that stay where they are while others are drawn.

    Attributes:
        mask: bool [B, h, w], True where the latent stays.
        codes: [B, h, w].
        side: [B, G, h, w].
    """

    mask: Tensor
    codes: Tensor
    side: Tensor


@dataclass(frozen=True)
class SymbolChoice:
    """How one symbol is drawn from its logits.

    Attributes:
        temperature: positive.
        top_k: at least 1, or None.
        top_p: in (0, 1], or None.
        generator: of random numbers.

    Raises:
        ValueError: if a value is outside what is stated here.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        """Checks the values."""
        if not self.temperature > 0:
            raise ValueError(f"temperature {self.temperature} must be positive; for the likeliest symbol give top_k 1.")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k {self.top_k} must be at least 1, or None for all symbols.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p {self.top_p} must lie in (0, 1], or be None for all symbols.")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Returns what a symbol is drawn from, [..., n], of logits [..., n]."""
        logits = logits.float() / self.temperature
        if self.top_k is not None and self.top_k < logits.shape[-1]:
            likeliest = logits.topk(self.top_k, dim=-1)  # of equal ones as many as fit
            logits = torch.full_like(logits, float("-inf")).scatter(-1, likeliest.indices, likeliest.values)
        probabilities = logits.softmax(dim=-1)
        if self.top_p is None or self.top_p == 1:  # a sum of float32 may reach 1 before the last symbol
            return probabilities
        return _nucleus(probabilities, self.top_p)

    def draw(self, logits: Tensor) -> Tensor:
        """Returns a symbol a row, [B] int64, of logits [B, n]."""
        return torch.multinomial(self.probabilities(logits), 1, generator=self.generator)[:, 0]


def _nucleus(probabilities: Tensor, share: float) -> Tensor:
    """Leaves the fewest symbols that hold this share of the probability; the likeliest always stays."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    kept = torch.zeros_like(probabilities).scatter(-1, order, ordered.where(before < share, 0.0))
    return kept / kept.sum(dim=-1, keepdim=True)


class PositionHeads:
    """Draws a position's symbols from hidden states; with guidance these come twice, the second unconditional.

    Args:
        alphabet: of the latent.
        to_logits: hidden [B, dim] to the logits of codes [B, K].
        gain_head: of an alphabet with gains.
        vector_head: of an alphabet with vectors.
        choice: how a symbol is drawn.
        guidance: weight of the conditional over the unconditional logits; None without guidance.
    """

    def __init__(
        self,
        alphabet: LatentAlphabet,
        to_logits: nn.Module,
        gain_head: GainHead | None,
        vector_head: VectorHead | None,
        choice: SymbolChoice,
        guidance: float | None,
    ) -> None:
        self.alphabet, self.to_logits = alphabet, to_logits
        self.gain_head, self.vector_head = gain_head, vector_head
        self.choice, self.guidance = choice, guidance
        self.copies = 1 if guidance is None else 2

    def draw(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Returns code [B] and side [B, G] of hidden states [copies · B, dim]."""
        code = self.choice.draw(self._guided(self.to_logits(hidden)))
        if self.vector_head is not None:
            temperature = 0.0 if self.choice.top_k == 1 else self.choice.temperature
            vectors = self.vector_head.sample(hidden[: len(code)], code, temperature, self.choice.generator)
            return code, vectors * self.alphabet.has_side[code, None]
        return code, self.alphabet.decode(code[:, None], self._draw_levels(hidden, code)[..., None])[..., 0]

    def _draw_levels(self, hidden: Tensor, code: Tensor) -> Tensor:
        """Levels of all gains one after the other, [B, G] int64."""
        codes = code.repeat(self.copies)
        levels = code.new_zeros(len(code), 0)
        if self.gain_head is not None:
            for _ in range(self.alphabet.num_gains):
                logits = self.alphabet.distinct(self.gain_head(hidden, codes, levels.repeat(self.copies, 1)))[:, -1]
                levels = torch.cat([levels, self.choice.draw(self._guided(logits))[:, None]], dim=1)
        return levels

    def _guided(self, logits: Tensor) -> Tensor:
        if self.guidance is None:
            return logits
        conditional, unconditional = logits.chunk(2)
        return unconditional + self.guidance * (conditional - unconditional)


def walk(
    heads: PositionHeads,
    embedding: LatentEmbedding,
    stepper: Stepper,
    order: Sequence[int],
    shape: tuple[int, int, int],
    keep: Kept | None = None,
    progress: bool = False,
) -> tuple[Tensor, Tensor]:
    """Draws latents position by position.

    Args:
        heads: that draw.
        embedding: of what was drawn, for the positions after it.
        stepper: of copies · B latents, at its start.
        order: of the positions.
        shape: (B, h, w).
        keep: what stays.
        progress: shows a progress bar.

    Returns:
        codes [B, h, w] and side [B, G, h, w].
    """
    B, h, w = shape
    alphabet = heads.alphabet
    codes = torch.zeros(B, h * w, dtype=torch.int64, device=alphabet.has_side.device)
    side = torch.zeros(B, alphabet.side_channels, h * w, device=codes.device)
    embedded: Tensor | None = None
    for t in tqdm(order, desc="sampling", unit="position", disable=not progress):
        codes[:, t], side[:, :, t] = _held(keep, t, *heads.draw(stepper.next(embedded)))
        code, at = codes[:, t : t + 1], alphabet.round(codes[:, t : t + 1], side[:, :, t : t + 1])
        side[:, :, t : t + 1] = at
        embedded = embedding(code, alphabet.encode(code, at), at)[:, 0].repeat(heads.copies, 1)
    return codes.view(B, h, w), side.view(B, -1, h, w)


def _held(keep: Kept | None, t: int, code: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """The kept code [B] and side [B, G] of position t where they are kept, else the drawn ones."""
    if keep is None:
        return code, side
    stays = keep.mask.flatten(1)[:, t]
    code = torch.where(stays, keep.codes.flatten(1)[:, t], code)
    return code, torch.where(stays[:, None], keep.side.flatten(2)[:, :, t], side)
