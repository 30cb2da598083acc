"""Drawing latents: what is drawn from logits, and the walk through the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

if TYPE_CHECKING:
    from monai_vq.priors.prior import Prior


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
            least = logits.topk(self.top_k, dim=-1).values[..., -1:]
            logits = logits.masked_fill(logits < least, float("-inf"))
        probabilities = logits.softmax(dim=-1)
        return probabilities if self.top_p is None else _nucleus(probabilities, self.top_p)

    def draw(self, logits: Tensor) -> Tensor:
        """Returns a symbol a row, [B] int64, of logits [B, n]."""
        return torch.multinomial(self.probabilities(logits), 1, generator=self.generator)[:, 0]


def _nucleus(probabilities: Tensor, share: float) -> Tensor:
    """Leaves the fewest symbols that hold this share of the probability; the likeliest always stays."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    kept = torch.zeros_like(probabilities).scatter(-1, order, ordered.where(before < share, 0.0))
    return kept / kept.sum(dim=-1, keepdim=True)


def walk(
    prior: Prior,
    shape: tuple[int, int, int],
    condition: Tensor | None,
    choice: SymbolChoice,
    guidance: float | None,
    keep: Kept | None,
    progress: bool,
) -> tuple[Tensor, Tensor]:
    """Draws latents through the grid in the backbone's order; see `Prior.sample`."""
    B, h, w = shape
    device = prior.to_logits.weight.device
    heads = _Heads(prior, choice, guidance)
    stepper = prior.backbone.start(B * heads.copies, h, w, heads.embed(condition, B))
    codes = torch.zeros(B, h * w, dtype=torch.int64, device=device)
    side = torch.zeros(B, h * w, prior.alphabet.side_channels, device=device)
    embedded: Tensor | None = None
    for t in tqdm(prior.backbone.order(h, w), desc="sampling", unit="position", disable=not progress):
        hidden = stepper.next(embedded)
        code, at, index = heads.draw(hidden)
        if keep is not None:
            code, at, index = _held(prior, keep, t, code, at)
        codes[:, t], side[:, t] = code, at
        embedded = prior.embedding(code[:, None], index[..., None], at[..., None])[:, 0]
        embedded = embedded.repeat(heads.copies, 1)
    return codes.view(B, h, w), side.transpose(1, 2).reshape(B, -1, h, w)


def _held(prior: Prior, keep: Kept, t: int, code: Tensor, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The kept symbols of position t where they are kept, else the drawn ones: code [B], side and indices [B, G]."""
    stays = keep.mask.flatten(1)[:, t]
    code = torch.where(stays, keep.codes.flatten(1)[:, t], code)
    at = torch.where(stays[:, None], keep.side.flatten(2)[:, :, t], at)[..., None]
    index = prior.alphabet.encode(code[:, None], at)
    return code, prior.alphabet.round(code[:, None], at)[..., 0], index[..., 0]


class _Heads:
    """Draws a position's symbols from hidden states; with guidance these come twice, the second unconditional."""

    def __init__(self, prior: Prior, choice: SymbolChoice, guidance: float | None) -> None:
        if guidance is not None and prior.conditions is None:
            raise ValueError(f"guidance {guidance}: this prior was trained without conditions, so none can guide it.")
        self.prior, self.choice, self.guidance = prior, choice, guidance
        self.copies = 1 if guidance is None else 2

    def embed(self, condition: Tensor | None, batch: int) -> Tensor | None:
        embedded = self.prior.embed_condition(condition, batch)
        unconditional = self.prior.embed_condition(None, batch)
        if self.guidance is None or embedded is None or unconditional is None:
            return embedded
        return torch.cat([embedded, unconditional])

    def draw(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns code [B], side [B, G] and gain indices [B, G] (or [B, 0]) of hidden states [copies · B, dim]."""
        code = self.choice.draw(self._guided(self.prior.to_logits(hidden)))
        twice = code.repeat(self.copies)
        alphabet = self.prior.alphabet
        index = code.new_zeros(len(code), 0)
        if self.prior.vector_head is not None:
            temperature = 0.0 if self.choice.top_k == 1 else self.choice.temperature
            vectors = self.prior.vector_head.sample(hidden[: len(code)], code, temperature, self.choice.generator)
            return code, vectors * alphabet.has_side[code, None], index
        for _ in range(alphabet.num_gains):
            logits = self.prior.gain_head(hidden, twice, index.repeat(self.copies, 1))[:, -1]  # type: ignore[misc]
            index = torch.cat([index, self.choice.draw(self._guided(logits))[:, None]], dim=1)
        index = index * alphabet.has_side[code, None]
        return code, alphabet.decode(code[:, None], index[..., None])[..., 0], index

    def _guided(self, logits: Tensor) -> Tensor:
        if self.guidance is None:
            return logits
        conditional, unconditional = logits.chunk(2)
        return unconditional + self.guidance * (conditional - unconditional)
