"""Gains: how long a codeword is drawn at a position, and the few levels that a gain is rounded to."""

import torch
from torch import Tensor, nn

from monai_vq.quantizers.codebook import NORM_FLOOR
from monai_vq.quantizers.ranks import broadcast_from_first_rank, sum_over_ranks

MAX_GAIN_BITS = 8
REVIVAL_THRESHOLD = 0.03  # of the uniform share, as a codebook's


def gain(z_e: Tensor, e: Tensor, num_gains: int = 1, floor: float = NORM_FLOOR) -> Tensor:
    """Returns g = ⟨z_e, e⟩ / ‖e‖² of each group of channels; 0 where e is 0.

    Args:
        z_e: [B, D, *spatial].
        e: the codeword at each position, same shape.
        num_gains: G, groups of D/G neighbouring channels.
        floor: ‖e‖² counts as at least this.

    Returns:
        Gains, [B, G, *spatial].
    """
    along = (z_e * e).unflatten(1, (num_gains, -1)).sum(dim=2)
    return along / e.square().unflatten(1, (num_gains, -1)).sum(dim=2).clamp_min(floor)


def scale(e: Tensor, gains: Tensor) -> Tensor:
    """Returns the codewords e [B, D, *spatial], each group of channels times its gain of gains [B, G, *spatial]."""
    return (e.unflatten(1, (gains.shape[1], -1)) * gains.unsqueeze(2)).flatten(1, 2)


class GainQuantizer(nn.Module):
    """2^b levels for each of G gains: the scalar quantizer of least squared error (Lloyd 1957, Max 1960).

    A gain becomes its nearest level. Levels start at quantiles of the first training batch and follow the mean of the
    gains that are nearest to them by moving averages; one that is hardly used any more is moved to a gain that is
    served badly. They are kept sorted. Nothing changes in eval mode. The levels are a buffer, hence in the checkpoint:
    with the codebook they are what a stored latent needs to be read again.

    Args:
        num_gains: G.
        bits: b, 1 to 8.
        decay: of the moving averages, in [0, 1). A batch has thousands of gains for a few levels, so its default is
            shorter than a codebook's: Lloyd's iteration converges by one step a decay.

    Raises:
        ValueError: if an argument is outside what is stated here.
    """

    levels: Tensor
    power: Tensor
    size: Tensor
    total: Tensor
    initialized: Tensor

    def __init__(self, num_gains: int, bits: int, decay: float = 0.9) -> None:
        super().__init__()
        if num_gains < 1 or not 1 <= bits <= MAX_GAIN_BITS or not 0 <= decay < 1:
            raise ValueError(
                f"num_gains {num_gains} must be at least 1, gain_bits {bits} from 1 to {MAX_GAIN_BITS} (None for gains "
                f"that are not rounded), decay {decay} in [0, 1)."
            )
        self.num_gains, self.bits, self.decay = num_gains, bits, decay
        levels = torch.linspace(-2, 2, 2**bits).repeat(num_gains, 1)
        self.register_buffer("levels", levels)
        self.register_buffer("power", torch.ones(num_gains))
        self.register_buffer("size", torch.ones_like(levels))
        self.register_buffer("total", levels.clone())
        self.register_buffer("initialized", torch.zeros((), dtype=torch.bool))

    def forward(self, gains: Tensor) -> Tensor:
        """Rounds gains [B, G, *spatial] to their nearest levels; no gradient."""
        return self.decode(self.encode(gains))

    def encode(self, gains: Tensor) -> Tensor:
        """Returns the index of the nearest level, [B, G, *spatial] int64 in [0, 2^b), of gains [B, G, *spatial]."""
        middles = (self.levels[:, 1:] + self.levels[:, :-1]) / 2
        return (gains.detach().movedim(1, -1).unsqueeze(-1) > middles).sum(dim=-1).movedim(-1, 1)

    def decode(self, indices: Tensor) -> Tensor:
        """Returns the levels [B, G, *spatial], float32, of indices [B, G, *spatial]."""
        return self.levels.flatten()[indices + self._first_of_gain(indices)]

    def _first_of_gain(self, indices: Tensor) -> Tensor:
        """Where each gain's levels start in the flat table, [G, 1, …] against indices [B, G, …]."""
        first = torch.arange(self.num_gains, device=indices.device) * self.levels.shape[1]
        return first.view([self.num_gains] + [1] * (indices.ndim - 2))

    @torch.jit.unused
    @torch.no_grad()
    def initialize_from(self, gains: Tensor) -> None:
        """Takes the levels from quantiles of the first training batch, once; gains are [B, G, *spatial]."""
        if bool(self.initialized):
            return
        count = self.levels.shape[1]
        middles = (torch.arange(count, device=gains.device, dtype=gains.dtype) + 0.5) / count
        sorted_gains = gains.detach().movedim(1, 0).flatten(1).sort(dim=1).values
        places = (middles * sorted_gains.shape[1]).long()
        self.levels.copy_(broadcast_from_first_rank(sorted_gains[:, places]))
        self.total.copy_(self.levels * self.size)
        self.power.copy_(broadcast_from_first_rank(sorted_gains.square().mean(dim=1)))
        self.initialized.fill_(True)

    @torch.jit.unused
    @torch.no_grad()
    def learn(self, gains: Tensor, weight: Tensor) -> None:
        """Moves the levels towards the means of a training batch, then revives those that are hardly used.

        Args:
            gains: not rounded, [B, G, *spatial].
            weight: how much a gain's squared error counts, [B, G, *spatial]; 0 for one that does not.
        """
        if not self._follow_scale(gains, weight):
            return
        flat = (self.encode(gains) + self._first_of_gain(gains)).flatten()
        for average, values in ((self.size, weight), (self.total, weight * gains)):
            sums = torch.zeros_like(average).flatten().index_add_(0, flat, values.flatten())
            average.lerp_(sum_over_ranks(sums).view_as(average), 1 - self.decay)
        used = self.size > NORM_FLOOR
        self.levels.copy_(torch.where(used, self.total / self.size.clamp_min(NORM_FLOOR), self.levels))
        self._revive(gains, weight)
        self._sort()

    def _follow_scale(self, gains: Tensor, weight: Tensor) -> bool:
        """Stretches the levels as the gains' mean square moves; False where no gain counts.

        Lloyd's iteration alone follows gains that grow with training too slowly: its levels crowd near 0.
        """
        squares, numbers = (
            sum_over_ranks(values.movedim(1, 0).flatten(1).sum(dim=1)) for values in (weight * gains.square(), weight)
        )
        if not bool(numbers.any()):
            return False
        moved = torch.lerp(self.power, squares / numbers.clamp_min(NORM_FLOOR), 1 - self.decay)
        power = torch.where(numbers > 0, moved, self.power)  # a group whose codewords are 0 has nothing to follow
        stretch = (power / self.power.clamp_min(NORM_FLOOR)).sqrt()[:, None]
        self.levels.mul_(stretch)
        self.total.mul_(stretch)
        self.power.copy_(power)
        return True

    def _revive(self, gains: Tensor, weight: Tensor) -> None:
        """Moves levels below a fraction of the uniform share to gains drawn with probability ~ their error."""
        share = self.size.mean(dim=1)
        dead = self.size < REVIVAL_THRESHOLD * share[:, None]
        error = (gains - self(gains)).square() * weight
        for g in dead.any(dim=1).nonzero().flatten().tolist():
            chances = error[:, g].flatten().nan_to_num(0, posinf=0).clamp_min(torch.finfo(error.dtype).tiny)
            number = int(dead[g].sum())
            drawn = torch.multinomial(chances, number, replacement=number > len(chances))
            values = broadcast_from_first_rank(gains[:, g].flatten()[drawn])
            self.levels[g, dead[g]], self.size[g, dead[g]] = values, share[g]
            self.total[g, dead[g]] = values * share[g]

    def _sort(self) -> None:
        order = self.levels.argsort(dim=1)
        for state in (self.levels, self.size, self.total):
            state.copy_(state.gather(1, order))
