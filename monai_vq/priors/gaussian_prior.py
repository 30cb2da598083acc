"""The prior without a past, as the projected report proposed it: the simple baseline of the others."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from monai_vq.priors.alphabet import LatentAlphabet
from monai_vq.priors.backbone import check_grid
from monai_vq.priors.code_gaussians import CodeGaussians
from monai_vq.priors.prior import LatentBits
from monai_vq.priors.sampling import Kept, SymbolChoice


class GaussianPrior(nn.Module):
    """p(codes, side) = ∏ p(k_t) p(g_t | k_t): codes by their frequency, gains by a Gaussian of each code.

    p(k) = (n_k + 1) / (N + K) from the counts n of the training images, as `code_entropy_bits` has it: the mean bits of
    codes are the empirical order-0 entropy. A gain's Gaussian is integrated over the cell of each level, half way to
    its neighbours and the outer ones to infinity, so that gains too have probabilities that sum to one. The vectors of
    a frequency latent have the density of a diagonal Gaussian a code. Codes seen too rarely share one Gaussian.

    It learns by `fit`, not by gradient.

    Args:
        alphabet: what a latent of stage 1 is written in.
        grid_size: (h, w) of the latents for frequencies at each position, to which K counts in the proportions of all
            positions are added; None for the same frequencies everywhere.

    Example:
        >>> import torch
        >>> prior = GaussianPrior(LatentAlphabet(4))
        >>> prior.fit(torch.tensor([[[0, 0, 1, 2]]]), torch.zeros(1, 0, 1, 4))
        >>> prior.bits(torch.tensor([[[0, 3]]]), torch.zeros(1, 0, 1, 2)).codes.exp2().reciprocal().tolist()
        [[[0.375, 0.125]]]
    """

    counts: Tensor
    position_counts: Tensor

    def __init__(self, alphabet: LatentAlphabet, grid_size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.alphabet, self.grid_size = alphabet, None if grid_size is None else (int(grid_size[0]), int(grid_size[1]))
        K, places = alphabet.num_embeddings, 0 if grid_size is None else math.prod(grid_size)
        self.register_buffer("counts", torch.zeros(K, dtype=torch.float64))
        self.register_buffer("position_counts", torch.zeros(places, K, dtype=torch.float64))
        self.gaussians = CodeGaussians(alphabet) if alphabet.side_channels else None

    @torch.no_grad()
    def fit(self, codes: Tensor, side: Tensor) -> None:
        """Learns from a batch of training images, in addition to those before.

        Args:
            codes: [B, h, w].
            side: [B, G, h, w]; a gain counts as its nearest level.

        Raises:
            ValueError: if a shape or a code does not fit this prior.
        """
        self._check(codes, side)
        flat = codes.flatten()
        ones = torch.ones_like(flat, dtype=torch.float64)
        self.counts.index_add_(0, flat, ones)
        if self.grid_size is not None:
            places = torch.arange(codes[0].numel(), device=flat.device).repeat(len(codes))
            self.position_counts.index_put_((places, flat), ones, accumulate=True)
        if self.gaussians is not None:
            carried = self.alphabet.has_side[codes]
            self.gaussians.fit(codes[carried], self.alphabet.round(codes, side).movedim(1, -1)[carried])

    def forward(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """As `bits`."""
        return self.bits(codes, side, condition)

    def log_prob(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns log2 of the probability of each latent, [B]; arguments and errors as `bits`."""
        return -self.bits(codes, side, condition).total

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        """Returns the bits of each symbol.

        Args:
            codes: [B, h, w], int64.
            side: [B, G, h, w]; a gain counts as its nearest level.
            condition: ignored.

        Raises:
            ValueError: if a shape or a code does not fit this prior.
        """
        self._check(codes, side)
        logits = self._code_logits()
        places = torch.arange(codes[0].numel(), device=codes.device).view(codes[0].shape) % len(logits)
        code_bits = -logits[places, codes] / math.log(2)
        return LatentBits(code_bits.float(), self._gain_bits(codes, side), self._density(codes, side))

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
        """Draws latents, all positions at once; arguments as `Prior.sample`, condition, guidance, progress ignored.

        Returns:
            codes [B, h, w] and side [B, G, h, w].

        Raises:
            ValueError: if an argument is outside what `Prior.sample` states, or the grid is not this prior's.
        """
        B, h, w = shape
        check_grid(self.grid_size, h, w)
        choice = SymbolChoice(temperature, top_k, top_p, generator)
        logits = self._code_logits()
        codes = choice.draw(logits.expand(h * w, -1).repeat(B, 1)).view(B, h, w)
        side = self._draw_side(codes, choice)
        if keep is None:
            return codes, side
        side = torch.where(keep.mask.unsqueeze(1), self.alphabet.round(keep.codes, keep.side), side)
        return torch.where(keep.mask, keep.codes, codes), side

    def _check(self, codes: Tensor, side: Tensor) -> None:
        self.alphabet.check(codes, side)
        check_grid(self.grid_size, *codes.shape[1:])

    def _code_logits(self) -> Tensor:
        """Returns ln p(k), float64 [h · w, K], or [1, K] of the same everywhere."""
        K = self.alphabet.num_embeddings
        overall = (self.counts + 1) / (self.counts.sum() + K)
        if self.grid_size is None:
            return overall.log()[None]
        number = self.position_counts.sum(dim=1, keepdim=True)
        return ((self.position_counts + K * overall) / (number + K)).log()

    def _gain_bits(self, codes: Tensor, side: Tensor) -> Tensor:
        indices = self.alphabet.encode(codes, side)
        if self.gaussians is None or self.alphabet.gains is None:
            return torch.zeros_like(indices, dtype=torch.float32)
        logits = self.gaussians.level_logits(self.alphabet.gains)
        which = torch.arange(indices.shape[1], device=codes.device)[:, None, None]
        bits = -logits[codes.unsqueeze(1), which, indices] / math.log(2)
        return bits.masked_fill(~self.alphabet.has_side[codes].unsqueeze(1), 0.0).float()

    def _density(self, codes: Tensor, side: Tensor) -> Tensor:
        if self.gaussians is None or not self.alphabet.vector_size:
            return torch.zeros_like(codes, dtype=torch.float32)
        density = self.gaussians.density_bits(codes, side.movedim(1, -1))
        return density.masked_fill(~self.alphabet.has_side[codes], 0.0).float()

    def _draw_side(self, codes: Tensor, choice: SymbolChoice) -> Tensor:
        if self.gaussians is None:
            return torch.zeros_like(codes, dtype=torch.float32).unsqueeze(1)[:, :0]
        if self.alphabet.gains is not None:
            logits = self.gaussians.level_logits(self.alphabet.gains)[codes]  # [B, h, w, G, 2^b]
            indices = choice.draw(logits.flatten(0, -2)).view(logits.shape[:-1]).movedim(-1, 1)
            return self.alphabet.decode(codes, indices)
        mean, scale = (parameter[codes].float() for parameter in self.gaussians.parameters_of_codes())
        noise = torch.randn(mean.shape, generator=choice.generator, device=mean.device)
        vectors = mean + math.sqrt(choice.temperature) * scale * noise
        return vectors.movedim(-1, 1) * self.alphabet.has_side[codes].unsqueeze(1)
